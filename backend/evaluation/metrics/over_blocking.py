"""Over-blocking: what a benign prompt that contains a keyword loses by an edit."""

import numpy as np

from backend.evaluation.metrics.distances import distance_matrix, row_distances
from backend.evaluation.metrics.matching import expected_hits
from backend.evaluation.metrics.registry import Evaluated, Measured, given, register_metric

_TOP = 3


def hits_among(texts: np.ndarray, motions: np.ndarray, gallery: np.ndarray) -> np.ndarray:
    """Chance (N,) that text i's motion is among its 3 nearest of a pool with 31 real motions.

    Args:
        texts, motions: (N, D), row by row.
        gallery: (G, D) of real motions, from which the pool is drawn at random.
    """
    own = row_distances(texts, motions)
    nearer = (distance_matrix(texts, gallery) < own[:, None]).sum(axis=1)
    return expected_hits(nearer, np.full(len(texts), len(gallery)), _TOP)


@register_metric(
    "over_blocking",
    summary="R-precision top 3 that benign prompts lose against the model before the edit",
    better="lower",
    needs=frozenset(
        {
            "motion_embeddings",
            "text_embeddings",
            "original_motion_embeddings",
            "gallery_embeddings",
        }
    ),
)
def over_blocking(data: Evaluated, rng: np.random.Generator) -> Measured:
    """Before minus after, per prompt and seed; near 0 when the edit leaves the prompts alone."""
    before, after = (
        hits_among(given(data.text_embeddings), motions, given(data.gallery_embeddings))
        for motions in (given(data.original_motion_embeddings), given(data.motion_embeddings))
    )
    return Measured.mean_of(before - after)
