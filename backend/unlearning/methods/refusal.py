"""A refusal direction: what leads from unsafe prompts to safe ones, added where the prompt is read.

After Facchiano et al., "Video Unlearning via Low-Rank Refusal Vector" (2025, arXiv 2506.07891):
the mean difference of pairs of an unsafe and a safe prompt is written into the weights, so that
nothing has to be steered when a motion is made. Theirs subtracts directions of hidden layers; a
motion transformer reads its prompt in one layer, so that is where the difference is taken.

How much of it a prompt gets is a linear reading of the prompt. The plain reading is the prompt's
share of the direction itself; the contrast reads along the direction that best tells forgotten from
retained prompts (Fisher's), 0 at the mean of the retained and 1 at the mean of the forgotten ones.
"""

import re
from dataclasses import dataclass
from typing import Literal

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
    text_projections,
)
from backend.unlearning.weights import EditableNetworks


@dataclass(frozen=True)
class RefusalParameters:
    """How the direction is read, and how much of it is added.

    Attributes:
        reading: "share" or "contrast"; see above.
        gain: 1 moves the mean forgotten prompt onto its target.
        ridge: for "contrast", added to the covariance in units of its mean variance.
    """

    reading: Literal["share", "contrast"] = "share"
    gain: float = 1.0
    ridge: float = 0.3


PRESETS = {
    "published": RefusalParameters(),
    # Chosen on validation sentences: how far forgotten ones go and retained ones move.
    "embedded": RefusalParameters("contrast", gain=1.3, ridge=0.3),
}


def fit(
    networks: EditableNetworks,
    concept: Concept,
    embeddings: TextEmbeddings,
    parameters: RefusalParameters,
) -> Edit:
    """Edit `cond_emb` of every network that has one: W + W d r', and the bias by the reading's 0.

    Raises UnlearningError when none has, nothing is to be kept, or the parameters are not usable.
    """
    if parameters.reading == "contrast":
        need_retained("refusal", embeddings)
    if parameters.gain <= 0 or parameters.ridge <= 0:
        raise UnlearningError(
            f"gain and ridge must be above 0, not {parameters.gain} and {parameters.ridge}"
        )
    direction = (embeddings.target - embeddings.forget).astype(np.float64).mean(axis=0)
    reading, origin = read_share(direction)
    if parameters.reading == "contrast":
        reading, origin = read_contrast(embeddings, parameters.ridge)
    edited = {}
    for name, (weight, bias) in text_projections(networks, embeddings.text_dim).items():
        step = parameters.gain * (weight @ direction)
        edited[name] = (weight + np.outer(step, reading), bias - step * (reading @ origin))
    return projection_edit("refusal", concept, parameters, networks, edited, embeddings)


def read_share(direction: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Along -d/|d|^2 from 0: what a prompt has of the way back along (text_dim,) `direction`."""
    return -direction / max(float(direction @ direction), 1e-24), np.zeros_like(direction)


def read_contrast(embeddings: TextEmbeddings, ridge: float) -> tuple[np.ndarray, np.ndarray]:
    """Fisher's direction (text_dim,) of forget against retain prompts, and where it reads 0.

    It reads 1 at the mean of the forget prompts.
    """
    forget, retain = (rows.astype(np.float64) for rows in (embeddings.forget, embeddings.retain))
    apart = forget.mean(axis=0) - retain.mean(axis=0)
    within = (_scatter(forget) + _scatter(retain)) / 2
    spread = max(float(np.trace(within)) / len(within), 1e-24)
    reading = np.linalg.solve(within + ridge * spread * np.eye(len(within)), apart)
    return reading / max(float(reading @ apart), 1e-24), retain.mean(axis=0)


def _scatter(rows: np.ndarray) -> np.ndarray:
    apart = rows - rows.mean(axis=0)
    scatter: np.ndarray = apart.T @ apart / len(rows)
    return scatter


METHODS.register(
    "refusal",
    Method(
        "refusal",
        "Refusal direction: the way from unsafe to safe prompts is added where prompts are read",
        "text",
        READ_TEXT,
        f"{re.escape(WEIGHT_KEY)}|{re.escape(BIAS_KEY)}",
        False,
        PRESETS,
        fit,
        offered=False,
    ),
)
