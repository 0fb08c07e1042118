"""Spectral erasure: the layer that reads the prompt loses the directions of the concept alone.

Biswas, Roy, Roy, "CURE: Concept Unlearning via Orthogonal Representation Editing in Diffusion
Models" (NeurIPS 2025, arXiv 2505.12677). The singular directions of the forget prompts are taken
away, weighed by their share of the energy, but for what retained prompts share with them. There is
no target: a forgotten prompt becomes one that says less.
"""

import re
from dataclasses import dataclass

import numpy as np

from backend.unlearning.concept import Concept
from backend.unlearning.edit import Edit
from backend.unlearning.errors import UnlearningError
from backend.unlearning.registry import METHODS, Method
from backend.unlearning.text_embeddings import TextEmbeddings
from backend.unlearning.text_projections import (
    BIAS_KEY,
    READ_TEXT,
    WEIGHT_KEY,
    need_retained,
    projection_edit,
    second_moment,
    text_projections,
)
from backend.unlearning.weights import EditableNetworks


@dataclass(frozen=True)
class CUREParameters:
    """How sharply directions are told apart.

    Attributes:
        expansion: 1 weighs a direction by its share of the energy; the larger, the nearer weights
            come to 1 for every direction that is there at all.
        centred: whether directions are those of the differences from the mean retained prompt,
            which then stays where it is (the bias takes up the rest). A sentence encoder's vectors
            share a large mean, which is no concept.
    """

    expansion: float = 2.0
    centred: bool = False


PRESETS = {
    "published": CUREParameters(),
    # Chosen on validation sentences: how far forgotten ones go and retained ones move.
    "embedded": CUREParameters(expansion=20.0, centred=True),
}


def spectral_projection(rows: np.ndarray, expansion: float) -> np.ndarray:
    """(n, d) -> (d, d): U diag(a s / ((a - 1) s + 1)) U', with s the energy shares of the rows."""
    energy, vectors = np.linalg.eigh(second_moment(rows))
    shares = np.maximum(energy, 0.0) / max(float(np.maximum(energy, 0.0).sum()), 1e-24)
    weights = expansion * shares / ((expansion - 1.0) * shares + 1.0)
    projection: np.ndarray = (vectors * weights) @ vectors.T
    return projection


def fit(
    networks: EditableNetworks,
    concept: Concept,
    embeddings: TextEmbeddings,
    parameters: CUREParameters,
) -> Edit:
    """Edit `cond_emb` of every network that has one: W (I - P), with P = F - F R.

    Raises UnlearningError when none has, nothing is to be kept, or the expansion is below 1.
    """
    need_retained("cure", embeddings)
    if parameters.expansion < 1.0:
        raise UnlearningError(f"the expansion must be at least 1, not {parameters.expansion}")
    forget, retain = (rows.astype(np.float64) for rows in (embeddings.forget, embeddings.retain))
    centre = retain.mean(axis=0) if parameters.centred else np.zeros(embeddings.text_dim)
    own = spectral_projection(forget - centre, parameters.expansion)
    shared = spectral_projection(retain - centre, parameters.expansion)
    removed = own - own @ shared
    edited = {}
    for name, (weight, bias) in text_projections(networks, embeddings.text_dim).items():
        change = weight @ removed
        edited[name] = (weight - change, bias + change @ centre if parameters.centred else None)
    return projection_edit("cure", concept, parameters, networks, edited, embeddings)


METHODS.register(
    "cure",
    Method(
        "cure",
        "CURE: the concept's singular directions leave the text projection, shared ones stay",
        "text",
        READ_TEXT,
        f"{re.escape(WEIGHT_KEY)}|{re.escape(BIAS_KEY)}",
        False,
        PRESETS,
        fit,
        offered=False,
    ),
)
