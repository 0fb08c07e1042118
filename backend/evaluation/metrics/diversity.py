"""Diversity of a set of motions, and multimodality of the motions of one text (Guo et al. 2020)."""

from typing import Final

import numpy as np

from backend.evaluation.metrics.distances import distance_matrix, row_distances
from backend.evaluation.metrics.registry import Evaluated, Measured, given, register_metric

DIVERSITY_PAIRS: Final = 300
MULTIMODALITY_PAIRS: Final = 10


def diversity_of_pairs(rows: np.ndarray, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Distances (n,) between the rows (N, D) that two index draws (n,) name."""
    return row_distances(rows[first], rows[second])


def multimodality_of_pairs(
    repeats: np.ndarray, first: np.ndarray, second: np.ndarray
) -> np.ndarray:
    """Mean distance (P,) of each text's pairs of repeats (P, R, D), named by index draws (n,)."""
    return row_distances(repeats[:, first], repeats[:, second]).mean(axis=1)


def mean_pair_distance(rows: np.ndarray) -> np.ndarray:
    """Each row's mean distance (N,) to all other rows (N, D); not a number for a single row."""
    if len(rows) < 2:
        return np.full(len(rows), np.nan)
    distances = distance_matrix(rows, rows)
    np.fill_diagonal(distances, 0.0)
    return distances.sum(axis=1) / (len(rows) - 1)


@register_metric(
    "diversity_published",
    summary="Distance between motions of 300 random pairs, which may pair a motion with itself",
    better="near_reference",
    needs=frozenset({"motion_embeddings"}),
)
def diversity_published(data: Evaluated, rng: np.random.Generator) -> Measured:
    """Two draws of 300 without replacement each, of all motions where there are no more."""
    rows = given(data.motion_embeddings)
    count = min(DIVERSITY_PAIRS, len(rows))
    draws = (rng.choice(len(rows), count, replace=False) for _ in range(2))
    # The pairs are no samples of the evaluation, so that the answer is an aggregate alone.
    return Measured(Measured.mean_of(diversity_of_pairs(rows, *draws)).value)


@register_metric(
    "diversity_corrected",
    summary="Mean distance between two different motions, over all pairs",
    better="near_reference",
    needs=frozenset({"motion_embeddings"}),
)
def diversity_corrected(data: Evaluated, rng: np.random.Generator) -> Measured:
    """No draw, hence no noise."""
    return Measured.mean_of(mean_pair_distance(given(data.motion_embeddings)))


@register_metric(
    "multimodality_published",
    summary="Distance between motions of one text, 10 random pairs that all texts share",
    better="near_reference",
    needs=frozenset({"repeats"}),
)
def multimodality_published(data: Evaluated, rng: np.random.Generator) -> Measured:
    """Not a number for fewer than 10 repeats."""
    count = given(data.repeats).shape[1]
    if count < MULTIMODALITY_PAIRS:
        return Measured(float("nan"))
    draws = (rng.choice(count, MULTIMODALITY_PAIRS, replace=False) for _ in range(2))
    return Measured.mean_of(multimodality_of_pairs(given(data.repeats), *draws))


@register_metric(
    "multimodality_corrected",
    summary="Mean distance between two different motions of one text, over all pairs",
    better="near_reference",
    needs=frozenset({"repeats"}),
)
def multimodality_corrected(data: Evaluated, rng: np.random.Generator) -> Measured:
    """No draw, hence no noise; needs 2 repeats."""
    return Measured.mean_of(
        np.array([mean_pair_distance(rows).mean() for rows in given(data.repeats)])
    )
