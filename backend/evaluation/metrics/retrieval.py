"""NCS@k: does a motion still look like the concept, among real motions?

After Human Motion Unlearning: the generated motion is looked up among real ones, and it counts when
one of the k nearest has a caption that names the concept.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import Final

import numpy as np

from backend.evaluation.metrics.distances import distance_matrix
from backend.evaluation.metrics.registry import Evaluated, Measured, given, register_metric

_TOPS: Final = (1, 2, 3, 5, 10)
_MOST: Final = max(_TOPS)
_GALLERY: Final = frozenset({"motion_embeddings", "gallery_embeddings", "gallery_forget"})


def concept_ranks(
    motions: np.ndarray, gallery: np.ndarray, forget: np.ndarray, most: int = _MOST
) -> np.ndarray:
    """Rank (N,), from 1, of the first of the `most` nearest that shows the concept, else most + 1.

    Args:
        motions: (N, D).
        gallery: (G, D) of real motions.
        forget: bool (G,), whether a caption of the real motion names the concept.
    """
    nearest = distance_matrix(motions, gallery).argsort(axis=1, kind="stable")[:, :most]
    found = np.asarray(forget, dtype=bool)[nearest]
    return np.where(found.any(axis=1), found.argmax(axis=1) + 1, most + 1)


def best_per_name(ranks: np.ndarray, names: Sequence[str]) -> np.ndarray:
    """The lowest rank of each name's generations, in the order in which names first occur."""
    grouped: dict[str, list[int]] = defaultdict(list)
    for rank, name in zip(ranks.tolist(), names, strict=True):
        grouped[name].append(rank)
    return np.array([min(group) for group in grouped.values()])


def _ranks(data: Evaluated) -> np.ndarray:
    return concept_ranks(
        given(data.motion_embeddings), given(data.gallery_embeddings), given(data.gallery_forget)
    )


def _register(top: int) -> None:
    @register_metric(
        f"ncs_{top}_published",
        summary=f"Share of items of which any generation has the concept among its {top} nearest",
        better="lower",
        needs=_GALLERY | {"names"},
        is_rate=True,
    )
    def published(data: Evaluated, rng: np.random.Generator) -> Measured:
        return Measured.mean_of(best_per_name(_ranks(data), given(data.names)) <= top)

    @register_metric(
        f"ncs_{top}_corrected",
        summary=f"Share of generations that have the concept among their {top} nearest",
        better="lower",
        needs=_GALLERY,
        is_rate=True,
    )
    def corrected(data: Evaluated, rng: np.random.Generator) -> Measured:
        return Measured.mean_of(_ranks(data) <= top)


for _top in _TOPS:
    _register(_top)
