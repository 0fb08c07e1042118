"""How often each labelled stretch of motion is drawn, and which are called slow or fast."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from backend.datasets.families import FAMILIES, REST, family, source_weight
from backend.datasets.preparation import PreparedClip
from backend.datasets.sources import Segment
from backend.motion.lengths import FPS

# What nobody does slowly or fast.
_STATIC: Final = frozenset({"stand", "wait", "sit", "lie", "kneel", "crouch", "pose", "balance"})
_FEWEST_PACES: Final = 9
_SLOW, _FAST = 0.88, 1.13  # of the median pace


@dataclass(frozen=True)
class Piece:
    """A segment and the clip that it is of."""

    clip: PreparedClip
    segment: Segment


def with_speeds(pieces: Sequence[Piece]) -> list[Piece]:
    """The pieces with the slowest and fastest thirds of a kind and source called so."""
    paces: dict[tuple[str, str], list[float]] = defaultdict(list)
    for piece in pieces:
        if piece.segment.pace is not None:
            paces[piece.segment.action.kind, piece.clip.source].append(piece.segment.pace)
    limits = {
        key: (np.percentile(own, 33), np.percentile(own, 67), np.median(own))
        for key, own in paces.items()
        if len(own) >= _FEWEST_PACES and key[0] not in _STATIC
    }
    return [_with_speed(piece, limits) for piece in pieces]


def _with_speed(
    piece: Piece, limits: Mapping[tuple[str, str], tuple[float, float, float]]
) -> Piece:
    segment = piece.segment
    key = (segment.action.kind, piece.clip.source)
    if segment.pace is None or segment.action.speed is not None or key not in limits:
        return piece
    low, high, median = limits[key]
    if segment.pace < min(low, _SLOW * median):
        action = replace(segment.action, speed="slow")
    elif segment.pace > max(high, _FAST * median):
        action = replace(segment.action, speed="fast")
    else:
        return piece
    return Piece(piece.clip, replace(segment, action=action))


def chances(pieces: Sequence[Piece]) -> np.ndarray:
    """How often each piece (N,) is drawn.

    Families have their shares. Inside one, kinds count by the root of their seconds, sides alike,
    variants by the root, then sources by the root and their weight.
    """
    levels: list[tuple[object, ...]] = []
    for piece in pieces:
        action = piece.segment.action
        name = family(piece.clip.source, piece.segment)
        levels.append((name, action.kind, action.side, action.variant, piece.clip.source))
    seconds = np.array([p.segment.end - p.segment.start for p in pieces], dtype=np.float64) / FPS
    sums: dict[tuple[object, ...], float] = defaultdict(float)
    for level, own in zip(levels, seconds.tolist(), strict=True):
        # What only a source of little weight has counts little everywhere.
        counted = own * source_weight(str(level[-1]))
        for depth in range(1, 6):
            sums[level[:depth]] += own if depth == 5 else counted
    weights = {level: _weight(level, sums[level]) for level in sums}
    totals: dict[tuple[object, ...], float] = defaultdict(float)
    for level, weight in weights.items():
        totals[level[:-1]] += weight
    counts: dict[tuple[object, ...], int] = defaultdict(int)
    for level in levels:
        counts[level] += 1
    chance = {
        level: float(np.prod([weights[level[:d]] / totals[level[: d - 1]] for d in range(1, 6)]))
        for level in counts
    }
    return np.array([chance[level] / counts[level] for level in levels])


def _weight(level: tuple[object, ...], seconds: float) -> float:
    """How much a family, kind, side, variant or source counts among its like."""
    if len(level) == 1:
        return FAMILIES.get(str(level[0]), FAMILIES[REST])[0]
    if len(level) == 3:
        return 1.0
    if len(level) == 5:
        return source_weight(str(level[-1])) * seconds**0.5
    return seconds**0.5
