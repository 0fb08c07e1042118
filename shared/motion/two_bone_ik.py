"""Analytic two-bone IK for limbs, and the room that hips make for a leg that would be too short.

Positions (T, 3) with y up, in any unit.
"""

from typing import Final

import numpy as np

from .limb_twist import smoothstep
from .rotations import between, multiply, normalise, rotate

_EARLY_SECONDS: Final = 0.1
# Shares of a leg: how long a goal may make it, and how far hips may sink for that.
_EASY_REACH: Final = 0.96
_LARGEST_DROP: Final = 0.06
# From this share of its full length on, a leg straightens ever more slowly (soft IK).
_SOFT_REACH: Final = 0.985
# From the first share of the thigh on, that a knee is beside the line from hip to ankle, its side
# tells where it bends, from the second alone; a straighter one may be overstretched.
_CLEAR_BEND: Final = (0.05, 0.3)


def stretch_drop(
    hip: np.ndarray, ankle: np.ndarray, move: np.ndarray, leg: float, fps: float
) -> np.ndarray:
    """How far hips must sink so that moving an ankle does not straighten its leg.

    A leg that is almost straight turns its knee by many degrees for a centimetre at the foot.

    Args:
        hip, ankle: (T, 3), the leg as it is.
        move: (T, 3), where the ankle is about to go.
        leg: its full length.
        fps: frames per second.

    Returns:
        (T,) heights, at most `_LARGEST_DROP` of the leg; they begin a little before they have to.
    """
    line = hip - ankle - move
    longest = np.maximum(np.linalg.norm(hip - ankle, axis=-1), _EASY_REACH * leg)
    aside = np.linalg.norm(line[:, [0, 2]], axis=-1)
    drop = line[:, 1] - np.sqrt(np.maximum(longest**2 - aside**2, 0.0))
    return rise_early(np.clip(drop, 0.0, _LARGEST_DROP * leg), fps)


def rise_early(values: np.ndarray, fps: float) -> np.ndarray:
    """A smooth curve that is never below the values (T,) and rises a little before they do."""
    near = max(1, round(_EARLY_SECONDS * fps))
    padded = np.pad(values, 2 * near, mode="edge")
    window = np.lib.stride_tricks.sliding_window_view
    highest = window(padded, 2 * near + 1).max(axis=-1)
    return window(highest, 2 * near + 1) @ np.hanning(2 * near + 3)[1:-1] / (near + 1)


def reach(
    hip: np.ndarray,
    knee: np.ndarray,
    ankle: np.ndarray,
    goal: np.ndarray,
    forward: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Analytic two-bone IK in the plane in which the leg already bends.

    Args:
        hip, knee, ankle: (T, 3), the leg as it is.
        goal: (T, 3), where the ankle should be; out of reach, the leg points there.
        forward: (T, 3), where a knee that bends would go; used when the leg is straight.

    Returns:
        World rotations (T, 4) to apply to thigh and shin.
    """
    thigh = np.linalg.norm(knee - hip, axis=-1, keepdims=True)
    shin = np.linalg.norm(ankle - knee, axis=-1, keepdims=True)
    distance = _soft(np.linalg.norm(goal - hip, axis=-1, keepdims=True), thigh + shin)
    distance = np.maximum(distance, 1.02 * np.abs(thigh - shin))
    swing = between(ankle - hip, goal - hip)
    along = normalise(goal - hip)
    bend = _across(rotate(swing, knee - hip), along)
    hint = _across(rotate(swing, forward), along)
    clear = np.linalg.norm(bend, axis=-1, keepdims=True) / thigh
    sure = smoothstep(clear, *_CLEAR_BEND)
    bend = normalise(sure * normalise(bend) + (1.05 - sure) * normalise(hint))
    cosine = (thigh**2 + distance**2 - shin**2) / (2.0 * thigh * distance)
    cosine = np.clip(cosine, -1.0, 1.0)
    new_thigh = cosine * along + np.sqrt(1.0 - cosine**2) * bend
    new_shin = normalise(distance * along - thigh * new_thigh)
    turn_thigh = multiply(between(rotate(swing, knee - hip), new_thigh), swing)
    turn_shin = multiply(between(rotate(swing, ankle - knee), new_shin), swing)
    return turn_thigh, turn_shin


def _soft(distance: np.ndarray, full: np.ndarray) -> np.ndarray:
    start = _SOFT_REACH * full
    room = full - start
    eased = start + room * (1.0 - np.exp(-(np.maximum(distance, start) - start) / room))
    return np.where(distance > start, eased, distance)


def _across(vectors: np.ndarray, along: np.ndarray) -> np.ndarray:
    return vectors - (vectors * along).sum(-1, keepdims=True) * along
