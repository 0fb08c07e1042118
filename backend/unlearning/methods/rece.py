"""Reliable and Efficient Concept Erasure: UCE, then UCE again on what still evokes the concept.

Gong, Chen, Wei, Chen, Jiang, "Reliable and Efficient Concept Erasure of Text-to-Image Diffusion
Models" (ECCV 2024), equations 8 and 10, as carried over to motion transformers by De Matteis et
al., "Human Motion Unlearning" (2025).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from backend.unlearning.concept import Concept
from backend.unlearning.edit import Edit
from backend.unlearning.errors import UnlearningError
from backend.unlearning.methods.uce import (
    PUBLISHED_PRESERVE,
    UCEParameters,
    check_weights,
    edit_weight,
)
from backend.unlearning.registry import METHODS, Method
from backend.unlearning.text_embeddings import TextEmbeddings
from backend.unlearning.text_projections import (
    READ_TEXT,
    WEIGHT_KEY,
    projection_edit,
    text_projections,
)
from backend.unlearning.weights import EditableNetworks


@dataclass(frozen=True)
class RECEParameters(UCEParameters):
    """UCE's parameters and those of the adversarial rounds.

    Attributes:
        epochs: adversarial rounds after the first UCE; 0 is UCE.
        regulariser: added to the diagonal of the matrix inverted for the adversarial embedding.
        adversary: "edited" matches the edited layers with themselves, as the published code does:
            the adversarial embedding is then almost the forgotten one and RECE repeats UCE;
            "original" looks for the input of the edited layers that gives the original output,
            as in the RECE paper.
    """

    epochs: int = 3
    regulariser: float = 1e-3
    adversary: Literal["edited", "original"] = "edited"


PRESETS = {
    "published": RECEParameters(preserve=PUBLISHED_PRESERVE, epochs=1),
    "published-motion-x": RECEParameters(preserve=PUBLISHED_PRESERVE, epochs=1),
    "corrected": RECEParameters(double_bias=False, precision="float64", adversary="original"),
    # UCE's settings. The edited layers are all but singular where the concept was, so only a strong
    # regulariser keeps the adversarial embeddings among sentences that somebody could write.
    "embedded": RECEParameters(
        "replace",
        5.0,
        1.0,
        80.0,
        False,
        "float64",
        balanced=True,
        full_reach=True,
        epochs=1,
        regulariser=300.0,
        adversary="original",
    ),
}


def adversarial_embeddings(
    concepts: np.ndarray,
    edited: Sequence[np.ndarray],
    wanted: Sequence[np.ndarray],
    regulariser: float,
) -> np.ndarray:
    """Inputs of the edited layers whose output is nearest to `wanted` applied to the concepts.

    c' = (sum W'^T W' + regulariser I)^-1 (sum W'^T W) c over the layers.

    Args:
        concepts: (n, text_dim).
        edited: W', (d, text_dim) each, in the precision to compute in.
        wanted: W, likewise; the edited weights themselves for the published behaviour.
        regulariser: see `RECEParameters`.

    Returns (n, text_dim).
    """
    gram = regulariser * np.eye(concepts.shape[1], dtype=concepts.dtype)
    cross = np.zeros_like(gram)
    for weight, original in zip(edited, wanted, strict=True):
        gram = gram + weight.T @ weight
        cross = cross + weight.T @ original
    return concepts @ (np.linalg.inv(gram) @ cross).T


def fit(
    networks: EditableNetworks,
    concept: Concept,
    embeddings: TextEmbeddings,
    parameters: RECEParameters,
) -> Edit:
    """Edit `cond_emb` of every network that has one.

    Raises UnlearningError when none has, or the embeddings' width is not theirs.
    """
    check_weights(parameters)
    if parameters.epochs < 0 or parameters.regulariser <= 0:
        raise UnlearningError(
            f"epochs must be at least 0 and the regulariser above 0, not {parameters.epochs} and "
            f"{parameters.regulariser}"
        )
    layers = text_projections(networks, embeddings.text_dim, parameters.dtype)
    originals = [weight for weight, _ in layers.values()]
    weights = {name: weight for name, (weight, _) in layers.items()}
    rounds = embeddings
    for epoch in range(parameters.epochs + 1):
        if epoch > 0:
            edited = list(weights.values())
            wanted = originals if parameters.adversary == "original" else edited
            adversarial = adversarial_embeddings(
                embeddings.forget.astype(parameters.dtype), edited, wanted, parameters.regulariser
            )
            rounds = replace(embeddings, forget=adversarial)
        weights = {
            name: edit_weight(weights[name], bias, rounds, parameters)
            for name, (_, bias) in layers.items()
        }
    layers_edited = {name: (weight, None) for name, weight in weights.items()}
    return projection_edit("rece", concept, parameters, networks, layers_edited, embeddings)


METHODS.register(
    "rece",
    Method(
        "rece",
        "Reliable and Efficient Concept Erasure: UCE repeated on what still evokes the concept",
        "text",
        READ_TEXT,
        re.escape(WEIGHT_KEY),
        False,
        PRESETS,
        fit,
    ),
)
