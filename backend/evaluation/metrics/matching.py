"""R-precision and MM-Dist: does a motion fit the text that it was made for (Guo et al. 2022)?"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from scipy.stats import hypergeom

from backend.evaluation.metrics.distances import distance_matrix, row_distances
from backend.evaluation.metrics.registry import Evaluated, Measured, given, register_metric

POOL: Final = 32
_TOPS: Final = (1, 2, 3)
_NEEDS: Final = frozenset({"motion_embeddings", "text_embeddings"})


def pool_ranks(texts: np.ndarray, motions: np.ndarray) -> np.ndarray:
    """How many motions of a pool (n, D) are nearer to each text (n, D) than its own; int (n,)."""
    order = distance_matrix(texts, motions).argsort(axis=1, kind="stable")
    return np.argmax(order == np.arange(len(texts))[:, None], axis=1)


def batch_ranks(
    texts: np.ndarray, motions: np.ndarray, batch: int, drop_last: bool = False
) -> np.ndarray:
    """`pool_ranks` of consecutive batches.

    The last one may be smaller; it is counted too unless dropped. An only batch is never dropped.
    """
    count = len(texts)
    if drop_last and count > batch:
        count -= count % batch
    texts, motions = texts[:count], motions[:count]
    starts = range(0, count, batch)
    parts = [pool_ranks(texts[i : i + batch], motions[i : i + batch]) for i in starts]
    return np.concatenate([np.zeros(0, dtype=np.int64), *parts])


def expected_hits(nearer: np.ndarray, others: np.ndarray, top: int, pool: int = POOL) -> np.ndarray:
    """Chance that the own motion is among the `top` of a random pool; float (n,).

    Of the `others` that may stand beside it, `nearer` are nearer to the text. `pool - 1` of them
    are drawn without replacement: the number of nearer ones drawn is hypergeometric, and at most
    `top - 1` may be. Not a number where there are fewer than `pool - 1` others.
    """
    chance = hypergeom.cdf(top - 1, others, nearer, np.minimum(pool - 1, others))
    return np.where(others >= pool - 1, chance, np.nan)


def chances(
    texts: np.ndarray,
    motions: np.ndarray,
    captions: Sequence[str] | None,
    top: int,
    pool: int = POOL,
) -> np.ndarray:
    """`expected_hits` of each text (n, D) for its own among all motions (n, D).

    Motions of the same caption are as right as the own one, and never stand beside it.
    """
    distances = distance_matrix(texts, motions)
    labels = np.arange(len(texts)) if captions is None else np.array(captions, dtype=object)
    other = labels[:, None] != labels[None, :]
    nearer = ((distances < distances.diagonal()[:, None]) & other).sum(axis=1)
    return expected_hits(nearer, other.sum(axis=1), top, pool)


def _register(top: int) -> None:
    @register_metric(
        f"r_precision_{top}_published",
        summary=f"Share of texts whose motion is among the {top} nearest of its batch",
        better="higher",
        needs=_NEEDS,
        is_rate=True,
    )
    def published(data: Evaluated, rng: np.random.Generator) -> Measured:
        ranks = batch_ranks(
            given(data.text_embeddings),
            given(data.motion_embeddings),
            data.batch,
            data.drop_last,
        )
        return Measured.mean_of(ranks < top)

    @register_metric(
        f"r_precision_{top}_corrected",
        summary=f"Chance that a text's motion is among the {top} nearest of 32 drawn at random",
        better="higher",
        needs=_NEEDS,
    )
    def corrected(data: Evaluated, rng: np.random.Generator) -> Measured:
        return Measured.mean_of(
            chances(given(data.text_embeddings), given(data.motion_embeddings), data.captions, top)
        )


for _top in _TOPS:
    _register(_top)


@register_metric(
    "mm_dist",
    summary="Distance between a text's embedding and its motion's",
    better="lower",
    needs=_NEEDS,
)
def mm_dist(data: Evaluated, rng: np.random.Generator) -> Measured:
    """The published trace of the distance matrix, over the number of texts, is this mean."""
    return Measured.mean_of(
        row_distances(given(data.text_embeddings), given(data.motion_embeddings))
    )
