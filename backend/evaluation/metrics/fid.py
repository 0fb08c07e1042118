"""Frechet distance between the embeddings of generated and of real motions (Heusel et al. 2017)."""

import warnings

import numpy as np
from scipy import linalg

from backend.evaluation.metrics.registry import (
    EmbeddingStatistics,
    Evaluated,
    Measured,
    given,
    register_metric,
)
from shared.errors import PlacidError

_LARGEST_IMAGINARY = 1e-3
_RIDGE = 1e-6


def frechet_distance_published(a: EmbeddingStatistics, b: EmbeddingStatistics) -> float:
    """|m_a - m_b|^2 + tr(C_a + C_b - 2 sqrtm(C_a C_b)), as the published code computes it.

    The root is that of the product, which is not symmetric: it may come out complex, of which the
    imaginary part is dropped, and 1e-6 is added to the diagonals only where it is not finite.

    Raises:
        PlacidError: `undefined_metric` when the diagonal has imaginary parts above 1e-3.
    """
    root = _root(a.covariance @ b.covariance)
    if not np.isfinite(root).all():
        ridge = _RIDGE * np.eye(len(a.mean))
        root = _root((a.covariance + ridge) @ (b.covariance + ridge))
    if np.iscomplexobj(root):
        largest = float(np.abs(np.diagonal(root).imag).max())
        if largest > _LARGEST_IMAGINARY:
            raise PlacidError(
                "undefined_metric",
                f"the published Frechet distance is complex here (imaginary part {largest:.3g}): "
                "use fid_corrected or more motions",
            )
        root = root.real
    gap = a.mean - b.mean
    traces = np.trace(a.covariance) + np.trace(b.covariance)
    return float(gap @ gap + traces - 2 * np.trace(root))


def frechet_distance(a: EmbeddingStatistics, b: EmbeddingStatistics) -> float:
    """The same distance through the symmetric sqrt(C_a^1/2 C_b C_a^1/2): always real, never < 0.

    Exact for covariances without full rank too, that is for fewer motions than dimensions.
    """
    values, vectors = np.linalg.eigh(a.covariance)
    half = (vectors * np.sqrt(values.clip(0))) @ vectors.T
    shared = np.sqrt(np.linalg.eigvalsh(half @ b.covariance @ half).clip(0)).sum()
    gap = a.mean - b.mean
    traces = np.trace(a.covariance) + np.trace(b.covariance)
    return max(0.0, float(gap @ gap + traces - 2 * shared))


@register_metric(
    "fid_published",
    summary="Frechet distance to real motions, with the published matrix root",
    better="lower",
    needs=frozenset({"motion_embeddings", "reference_statistics"}),
)
def fid_published(data: Evaluated, rng: np.random.Generator) -> Measured:
    """Raises PlacidError where the published code raises."""
    if len(given(data.motion_embeddings)) < 2:
        return Measured(float("nan"))
    generated = EmbeddingStatistics.of(given(data.motion_embeddings))
    return Measured(frechet_distance_published(given(data.reference_statistics), generated))


@register_metric(
    "fid_corrected",
    summary="Frechet distance to real motions, defined for few motions too",
    better="lower",
    needs=frozenset({"motion_embeddings", "reference_statistics"}),
)
def fid_corrected(data: Evaluated, rng: np.random.Generator) -> Measured:
    """Not a number for fewer than 2 motions."""
    return _between(given(data.motion_embeddings), given(data.reference_statistics))


@register_metric(
    "fid_to_d_r",
    summary="Frechet distance to what the model that never learned the concept makes of it",
    better="lower",
    needs=frozenset({"motion_embeddings", "d_r_motion_embeddings"}),
)
def fid_to_d_r(data: Evaluated, rng: np.random.Generator) -> Measured:
    """The goal of unlearning is the model D_r, not the greatest distance from the concept."""
    if len(given(data.d_r_motion_embeddings)) < 2:
        return Measured(float("nan"))
    return _between(
        given(data.motion_embeddings), EmbeddingStatistics.of(given(data.d_r_motion_embeddings))
    )


def _between(embeddings: np.ndarray, reference: EmbeddingStatistics) -> Measured:
    if len(embeddings) < 2:
        return Measured(float("nan"))
    return Measured(frechet_distance(reference, EmbeddingStatistics.of(embeddings)))


def _root(matrix: np.ndarray) -> np.ndarray:
    with warnings.catch_warnings():
        # A singular product is expected for few motions and handled by the caller.
        warnings.simplefilter("ignore")
        return np.asarray(linalg.sqrtm(matrix))
