"""When a body is where: the pace of a motion and the length of its strides, shared between both.

A waypoint with a time is met half by longer or shorter strides and half by playing faster or
slower.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

_ROUNDS: Final = 6


@dataclass(frozen=True)
class Knot:
    """Where to be when.

    Attributes:
        time: seconds from the first frame.
        effort: metres of straight way up to there; see `path_warp.effort`.
    """

    time: float
    effort: float


@dataclass(frozen=True)
class Pace:
    """How a motion is paced.

    Attributes:
        frames: (T',), which of the motion's frames is shown when, in between as well.
        effort: (T,), metres of straight way at each of the motion's frames.
        strides: (k,), between knots, how long strides are beside the motion's own.
        rates: (k,), how fast the motion is played.
    """

    frames: np.ndarray
    effort: np.ndarray
    strides: np.ndarray
    rates: np.ndarray


def own_pace(progress: np.ndarray, effort: float) -> Pace:
    """The motion's own pace, with strides such that all the way (metres) is walked.

    Args:
        progress: (T,), metres that the motion has travelled at each frame.
    """
    stride = effort / progress[-1]
    return Pace(np.arange(len(progress)), progress * stride, np.array([stride]), np.ones(1))


def pace_by(progress: np.ndarray, knots: Sequence[Knot], fps: float) -> Pace:
    """The pace at which a motion meets knots; the first is at time 0, the last ends it.

    Args:
        progress: (T,), metres that the motion has travelled at each frame.
    """
    times = np.array([knot.time for knot in knots]) * fps
    efforts = np.array([knot.effort for knot in knots])
    moving = np.concatenate([[True], np.diff(progress) > 1e-6])
    strides = np.ones(len(knots) - 1)
    for _ in range(_ROUNDS):
        ways = np.diff(efforts) / strides
        reached = np.concatenate([[0.0], np.cumsum(ways) / ways.sum() * progress[-1]])
        frames = np.interp(reached, progress[moving], np.flatnonzero(moving))
        frames[0], frames[-1] = 0.0, len(progress) - 1.0
        rates = np.diff(frames) / np.diff(times)
        strides = np.diff(efforts) / np.maximum(np.diff(reached), 1e-9)
        # What a leg is too fast by, strides take half of and the rate the other half.
        strides = np.sqrt(strides * rates)
    strides = np.diff(efforts) / np.maximum(np.diff(reached), 1e-9)
    shown = rising(np.arange(round(times[-1])), times, frames)
    return Pace(shown, rising(progress, reached, efforts), strides, rates)


def at_frames(rows: np.ndarray, frames: np.ndarray) -> np.ndarray:
    """Rows (T, ...) at frames (T',) that may lie between them, by Catmull-Rom splines."""
    low = np.clip(np.floor(frames).astype(int), 0, max(len(rows) - 2, 0))
    t = (frames - low).reshape(-1, *(1,) * (rows.ndim - 1))
    last = len(rows) - 1
    before, start, end, after = (
        rows[np.clip(low + step, 0, last)].astype(float) for step in (-1, 0, 1, 2)
    )
    slope, next_slope = (end - before) / 2, (after - start) / 2
    square, cube = t * t, t * t * t
    return (
        (2 * cube - 3 * square + 1) * start
        + (cube - 2 * square + t) * slope
        + (3 * square - 2 * cube) * end
        + (cube - square) * next_slope
    )


def rising(wanted: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """A smooth curve through points (k) that rises as they do, at places `wanted`.

    Cubic, with the slopes of Fritsch and Butland (1984), which leave no dip between points.
    """
    if len(x) == 2:
        return np.interp(wanted, x, y)
    gaps = np.diff(x)
    secants = np.diff(y) / gaps
    first, second = gaps[:-1], gaps[1:]
    weights = 2 * second + first, second + 2 * first
    below, above = np.maximum(secants[:-1], 1e-12), np.maximum(secants[1:], 1e-12)
    inner = (weights[0] + weights[1]) / (weights[0] / below + weights[1] / above)
    slopes = np.concatenate([secants[:1], inner, secants[-1:]])
    at = np.clip(np.searchsorted(x, wanted, side="right") - 1, 0, len(gaps) - 1)
    t = np.clip((wanted - x[at]) / gaps[at], 0.0, 1.0)
    square, cube = t * t, t * t * t
    return (
        (2 * cube - 3 * square + 1) * y[at]
        + (cube - 2 * square + t) * gaps[at] * slopes[at]
        + (3 * square - 2 * cube) * y[at + 1]
        + (cube - square) * gaps[at] * slopes[at + 1]
    )
