"""Parts of labelled segments that still show what they are said to show."""

from typing import Final

import numpy as np

from backend.datasets.balance import Piece
from backend.datasets.sources import Segment
from backend.motion.lengths import FRAMES_PER_TOKEN, MAX_FRAMES

SCRAP: Final = 12  # frames under which a segment shows nothing
# What crops show only as a whole: the way of a path, however it is called.
PATHS: Final = (
    *("turn_", "about_turn_", "walk_circle_", "walk_curve_", "walk_winding", "walk_around"),
    *("sit_down", "stand_up", "lie_down", "get_up", "fall"),
)


def _cropable(segment: Segment) -> bool:
    """Whether what is said of a segment holds for parts of it, with its core if it has one."""
    if segment.then:
        return False
    if segment.core is not None:
        return True
    return segment.action.count is None and not segment.action.kind.startswith(PATHS)


def crop(piece: Piece, target: int, rng: np.random.Generator) -> tuple[np.ndarray, bool]:
    """At most `target` rows of a segment that show its action, and whether it is all of it."""
    segment = piece.segment
    start, end = segment.start, segment.end
    target = max(target, SCRAP)
    if not _cropable(segment):
        target = max(target, min(end - start, MAX_FRAMES - 14))
    if end - start <= target:
        return piece.clip.features[start:end], True
    first, last = start, end - target
    if segment.then:
        last = first
    elif segment.core is not None:
        need_start, need_end = segment.core
        if need_end - need_start > target:
            target = min(need_end - need_start, MAX_FRAMES - 14)
            last = end - target
        first = max(start, min(need_end - target, last))
        last = max(first, min(last, need_start))
    begin = int(rng.integers(first, last + 1))
    return piece.clip.features[begin : begin + target], False


def whole_tokens(rows: np.ndarray) -> np.ndarray:
    """Cut to a multiple of four rows."""
    return np.asarray(rows[: len(rows) // FRAMES_PER_TOKEN * FRAMES_PER_TOKEN])
