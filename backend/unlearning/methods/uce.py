"""Unified Concept Editing of the text projection, in closed form.

Gandikota, Orgad, Belinkov, Materzynska, Bau, "Unified Concept Editing in Diffusion Models"
(WACV 2024), equation 7, as carried over to `cond_emb` of motion transformers by De Matteis et al.,
"Human Motion Unlearning" (2025).
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
    READ_TEXT,
    WEIGHT_KEY,
    projection_edit,
    text_projections,
)
from backend.unlearning.weights import EditableNetworks

# An edit is scaled by no more than this: what has to go further has not found the concept. No
# measurement chose the number.
_MOST_REACH = 4.0


@dataclass(frozen=True)
class UCEParameters:
    """Weights of the three terms, and what a forgotten prompt maps to.

    The weights act against squared embedding norms: CLIP's features have norms near 10, so the
    published 0.1 erases almost fully, whereas embeddings of unit length are erased by half and
    call for a lamb near 0.001.

    Attributes:
        technique: "replace" maps a forgotten prompt to the target's output; "tensor" to the part
            of the target's output that is orthogonal to the forgotten output.
        lamb: weight of staying near the old matrix.
        erase: weight of the forgotten prompts.
        preserve: weight of the retained prompts.
        double_bias: whether the outputs asked for contain the layer's bias although the new matrix
            does not, so that the layer adds it a second time. This is the published behaviour; the
            paper's projections have no bias.
        balanced: whether erase and preserve weigh the mean prompt of their kind instead of every
            prompt, so that they keep their meaning whatever the number of prompts.
        full_reach: whether the change is scaled until the forgotten prompts arrive at what they
            are mapped to on average. Least squares stops half-way when many retained prompts pull
            back; scaling afterwards moves retained prompts less than weaker pulls would.
        precision: of the arithmetic. float32 with one rank-one update per prompt reproduces the
            published weights, rounding included; float64 is nearer to the exact solution.
    """

    technique: Literal["tensor", "replace"] = "tensor"
    lamb: float = 0.1
    erase: float = 0.1
    preserve: float = 0.1
    double_bias: bool = True
    precision: Literal["float32", "float64"] = "float32"
    balanced: bool = False
    full_reach: bool = False

    @property
    def dtype(self) -> type[np.floating]:
        """`precision` as numpy names it."""
        return np.float32 if self.precision == "float32" else np.float64


# What the scripts of Human Motion Unlearning pass (`scripts/eval/rece_uce.sh`); the defaults above
# are those of its program. `fit_edit` gathers the texts that belong to it.
PUBLISHED_PRESERVE = 0.5

PRESETS = {
    "published": UCEParameters(preserve=PUBLISHED_PRESERVE),
    "published-motion-x": UCEParameters(preserve=PUBLISHED_PRESERVE),
    "corrected": UCEParameters(double_bias=False, precision="float64"),
    # Chosen on training captions and validation prompts, see docs/unlearning.md.
    "embedded": UCEParameters(
        "replace", 5.0, 1.0, 80.0, False, "float64", balanced=True, full_reach=True
    ),
}


def edit_weight(
    weight: np.ndarray, bias: np.ndarray, embeddings: TextEmbeddings, parameters: UCEParameters
) -> np.ndarray:
    """The closed-form solution for one linear layer.

    W' = (lamb W + erase sum v c^T + preserve sum u r^T)
         (lamb I + erase sum c c^T + preserve sum r r^T)^-1

    Args:
        weight: (d, text_dim), in the precision to compute in.
        bias: (d,); only read with `double_bias`.
        embeddings: forget c, target t and retain r.
        parameters: see `UCEParameters`.

    Returns (d, text_dim).
    """
    shift = bias if parameters.double_bias else None
    forget, target, retain = (
        prompts.astype(weight.dtype)
        for prompts in (embeddings.forget, embeddings.target, embeddings.retain)
    )
    wanted, kept = _outputs(target, weight, shift), _outputs(retain, weight, shift)
    if parameters.technique == "tensor":
        for value, prompt in zip(wanted, forget, strict=True):
            unit = _linear(prompt, weight, shift)
            unit = unit / np.linalg.norm(unit)
            value -= (unit * value).sum() * unit

    erase, preserve = parameters.erase, parameters.preserve
    if parameters.balanced:
        erase, preserve = erase / len(forget), preserve / max(1, len(retain))
    left = parameters.lamb * weight
    right = parameters.lamb * np.eye(weight.shape[1], dtype=weight.dtype)
    left = _add_products(left, erase, wanted, forget)
    right = _add_products(right, erase, forget, forget)
    left = _add_products(left, preserve, kept, retain)
    right = _add_products(right, preserve, retain, retain)
    edited = left @ np.linalg.inv(right)
    return _at_full_reach(weight, edited, forget, wanted) if parameters.full_reach else edited


def fit(
    networks: EditableNetworks,
    concept: Concept,
    embeddings: TextEmbeddings,
    parameters: UCEParameters,
) -> Edit:
    """Edit `cond_emb` of every network that has one.

    Raises UnlearningError when none has, or the embeddings' width is not theirs.
    """
    check_weights(parameters)
    layers = text_projections(networks, embeddings.text_dim, parameters.dtype)
    edited = {
        name: (edit_weight(weight, bias, embeddings, parameters), None)
        for name, (weight, bias) in layers.items()
    }
    return projection_edit("uce", concept, parameters, networks, edited, embeddings)


def check_weights(parameters: UCEParameters) -> None:
    """Raise UnlearningError for weights that give no solution."""
    if parameters.lamb <= 0 or parameters.erase < 0 or parameters.preserve < 0:
        raise UnlearningError(
            f"lamb must be above 0 and erase and preserve at least 0, not {parameters.lamb}, "
            f"{parameters.erase} and {parameters.preserve}"
        )


def _at_full_reach(
    weight: np.ndarray, edited: np.ndarray, forget: np.ndarray, wanted: np.ndarray
) -> np.ndarray:
    """`edited` (d, text_dim) moved on until the forget prompts' mean progress to `wanted` is 1."""
    way = wanted - _linear(forget, weight)
    gone = _linear(forget, edited - weight)
    progress = ((gone * way).sum(axis=1) / np.maximum(np.square(way).sum(axis=1), 1e-12)).mean()
    factor = max(1.0 / max(float(progress), 1.0 / _MOST_REACH), 1.0)
    return weight + factor * (edited - weight)


def _linear(rows: np.ndarray, weight: np.ndarray, bias: np.ndarray | None = None) -> np.ndarray:
    """(..., text_dim) -> (..., d)."""
    outputs = rows @ weight.T
    return outputs if bias is None else outputs + bias


def _outputs(prompts: np.ndarray, weight: np.ndarray, bias: np.ndarray | None) -> np.ndarray:
    """(n, text_dim) -> (n, d), one prompt at a time, as the published sums round."""
    outputs = np.empty((len(prompts), len(weight)), weight.dtype)
    for output, prompt in zip(outputs, prompts, strict=True):
        output[:] = _linear(prompt[None], weight, bias)[0]
    return outputs


def _add_products(
    matrix: np.ndarray, scale: float, rows: np.ndarray, columns: np.ndarray
) -> np.ndarray:
    """(a, b) matrix + scale * sum of outer products of rows (n, a) and columns (n, b)."""
    if matrix.dtype == np.float64:
        return matrix + scale * rows.T @ columns
    # One after another, because float32 rounding of this sum shows in the published weights: the
    # matrix that is inverted is nearly singular with few prompts and a small lamb.
    matrix = matrix.copy()
    for row, column in zip(rows, columns, strict=True):
        matrix += np.float32(scale) * np.outer(row, column)
    return matrix


METHODS.register(
    "uce",
    Method(
        "uce",
        "Unified Concept Editing: the concept's prompts are read as the target prompt",
        "text",
        READ_TEXT,
        re.escape(WEIGHT_KEY),
        False,
        PRESETS,
        fit,
    ),
)
