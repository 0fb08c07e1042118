"""Erasure in the null space of what is kept: forgotten prompts move, retained directions do not.

After Li, Wang, Hu, Jiang, Liang, Hao, Ma, Feng, "SPEED: Scalable, Precise, and Efficient Concept
Erasure for Diffusion Models" (ICLR 2026, arXiv 2503.07392): the change of the weight is D P, with P
the projection on the directions in which the retained prompts do not lie, so that those map as
before whatever D is. Their filter of influential prompts is here; their augmentation is not, as
the sentence bank has hundreds of prompts, and neither is the equality constraint on tokens of the
image models' encoder.

Hundreds of sentences of one encoder span all directions, so the null space is approximate: the
directions beyond the `rank` strongest. That is the method's cost here; docs/unlearning.md has it.
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
    READ_TEXT,
    WEIGHT_KEY,
    need_retained,
    projection_edit,
    second_moment,
    text_projections,
)
from backend.unlearning.weights import EditableNetworks


@dataclass(frozen=True)
class NullSpaceParameters:
    """How much is kept exactly, and how hard the rest is pulled.

    Attributes:
        rank: directions, strongest of the retained prompts first, in which nothing may change.
        ridge: weight of staying near the old matrix, in units of the forget prompts' mean square in
            a direction.
        influential: only so many retained prompts count, those that an edit without any of them
            would move most; 0 for all.
    """

    rank: int = 64
    ridge: float = 0.4
    influential: int = 100


PRESETS = {
    "published": NullSpaceParameters(),
    # Chosen on validation sentences: how far forgotten ones go and retained ones move.
    "embedded": NullSpaceParameters(rank=32, ridge=4.0, influential=0),
}


def edit_weight(
    weight: np.ndarray, embeddings: TextEmbeddings, parameters: NullSpaceParameters
) -> np.ndarray:
    """The least-squares solution for one layer, (d, text_dim) -> (d, text_dim).

    W + D P with D = (W (t - c)) c' P (c c' P + ridge)^-1 in means over the forget prompts c and
    their targets t.
    """
    forget, target, retain = (
        rows.astype(np.float64)
        for rows in (embeddings.forget, embeddings.target, embeddings.retain)
    )
    moment = second_moment(forget)
    pull = weight @ (target - forget).T @ forget / len(forget)
    # In the prompts' own scale, so that the ridge means the same for every encoder.
    ridge = parameters.ridge * np.trace(moment) / len(moment) * np.eye(len(moment))
    if parameters.influential and parameters.influential < len(retain):
        free = np.linalg.solve(moment + ridge, pull.T)
        moved = np.linalg.norm(retain @ free, axis=1)
        retain = retain[np.argsort(-moved, kind="stable")[: parameters.influential]]
    null = null_projection(retain, parameters.rank)
    # P is symmetric, so this is pull P (moment P + ridge)^-1.
    change = np.linalg.solve((moment @ null + ridge).T, null @ pull.T).T
    edited: np.ndarray = weight + change @ null
    return edited


def null_projection(rows: np.ndarray, rank: int) -> np.ndarray:
    """(n, d) -> (d, d), the projection that takes the rows' `rank` strongest directions away."""
    _, vectors = np.linalg.eigh(second_moment(rows))
    kept = vectors[:, : max(0, len(vectors) - rank)]
    projection: np.ndarray = kept @ kept.T
    return projection


def fit(
    networks: EditableNetworks,
    concept: Concept,
    embeddings: TextEmbeddings,
    parameters: NullSpaceParameters,
) -> Edit:
    """Edit `cond_emb.weight` of every network that has one.

    Raises UnlearningError when none has, nothing is to be kept, or the parameters leave no room.
    """
    need_retained("null_space", embeddings)
    if not 0 <= parameters.rank < embeddings.text_dim or parameters.ridge <= 0:
        raise UnlearningError(
            f"rank must be 0 to {embeddings.text_dim - 1} and the ridge above 0, not "
            f"{parameters.rank} and {parameters.ridge}"
        )
    layers = text_projections(networks, embeddings.text_dim)
    edited = {
        name: (edit_weight(weight, embeddings, parameters), None)
        for name, (weight, _) in layers.items()
    }
    return projection_edit("null_space", concept, parameters, networks, edited, embeddings)


METHODS.register(
    "null_space",
    Method(
        "null_space",
        "Null-space erasure (SPEED): UCE in the directions in which retained prompts do not lie",
        "text",
        READ_TEXT,
        re.escape(WEIGHT_KEY),
        False,
        PRESETS,
        fit,
        offered=False,
    ),
)
