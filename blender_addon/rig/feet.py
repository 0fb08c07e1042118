"""Feet that stand still: where contacts pin them, and the two-bone IK that brings them there.

Positions are canonical (y up, floor at 0) in the rig's unit; T frames.
"""

from typing import Final

import numpy as np

from ..shared.limb_twist import smoothstep
from ..shared.rotations import between, multiply, normalise, rotate

_BLEND_SECONDS: Final = 0.2
# Corrections beyond this share of the leg mean that the contact was none.
_LARGEST_SHARE: Final = 0.15
_TOE_LIMIT: Final = np.radians(70.0)
_TOE_SECONDS: Final = 0.1
# From this share of its full length on, a leg straightens ever more slowly (soft IK).
_SOFT_REACH: Final = 0.985


def pin_correction(
    points: np.ndarray, contacts: np.ndarray, rest_heights: np.ndarray, fps: float, leg: float
) -> tuple[np.ndarray, np.ndarray]:
    """How a foot has to move so that its touching points stay put.

    Args:
        points: (T, 2, 3) ankle and toe.
        contacts: bool (T, 2), which of them stands.
        rest_heights: (2,) of ankle and toe on the floor.
        fps: frames per second.
        leg: length of the leg.

    Returns:
        (T, 3) offsets, blended in and out around each contact, and how firmly the foot stands
        (T,), 0 to 1.
    """
    frames = np.arange(len(points))
    blend = max(1.0, _BLEND_SECONDS * fps)
    total = np.zeros((2, len(points), 3))
    weight = np.zeros((2, len(points)))
    for point in range(2):
        path = points[:, point]
        for first, last in _runs(contacts[:, point]):
            touching = path[first : last + 1]
            held = path[np.clip(frames, first, last)]
            offset = touching.mean(axis=0) - held
            # An ankle's height moves as a whole: a heel that rises while the foot rolls keeps
            # rising. Toes stay on the floor all the time.
            height = np.percentile(touching[:, 1], 20) if point == 0 else held[:, 1]
            offset[:, 1] = rest_heights[point] - height
            gap = np.maximum(np.maximum(first - frames, frames - last), 0)
            share = 1.0 - smoothstep(gap / blend, 0.0, 1.0)
            total[point] += share[:, None] * offset
            weight[point] += share
    correction = total.sum(axis=0) / np.maximum(weight.sum(axis=0), 1.0)[:, None]
    # Where toes stand they alone tell the height.
    ankle, toes = total[..., 1] / np.maximum(weight, 1.0)
    correction[:, 1] = toes + (1.0 - np.minimum(weight[1], 1.0)) * ankle
    size = np.linalg.norm(correction, axis=-1, keepdims=True)
    correction = correction * np.minimum(1.0, _LARGEST_SHARE * leg / np.maximum(size, 1e-9))
    return correction, np.minimum(weight.sum(axis=0), 1.0)


def floor_lift(points: np.ndarray, rest_heights: np.ndarray) -> np.ndarray:
    """How far (T,) a foot must rise so that neither ankle nor toe is lower than when it stands."""
    return np.maximum(rest_heights - points[..., 1], 0.0).max(axis=-1)


def toe_bend(
    toe: np.ndarray, along: np.ndarray, across: np.ndarray, rest_height: float, fps: float
) -> np.ndarray:
    """How far toes must bend up so that their tips are no lower than when they stand.

    Args:
        toe: (T, 3) where the toes start.
        along: (T, 3) from there to the tip.
        across: (T, 3) unit axis about which toes bend up.
        rest_height: of the tip on the floor.
        fps: frames per second; toes begin to bend a little earlier than they have to.

    Returns:
        (T,) angles, at most `_TOE_LIMIT`.
    """
    height, rise = along[:, 1], np.cross(across, along)[:, 1]
    reached = np.maximum(np.hypot(height, rise), 1e-9)
    wanted = np.clip((rest_height - toe[:, 1]) / reached, -1.0, 1.0)
    bend = np.arcsin(wanted) - np.arctan2(height, rise)
    bend = np.where(height < rest_height - toe[:, 1], np.clip(bend, 0.0, _TOE_LIMIT), 0.0)
    near = max(1, round(_TOE_SECONDS * fps))
    padded = np.pad(bend, 2 * near, mode="edge")
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
    bend = normalise(smoothstep(clear, 0.02, 0.1) * normalise(bend) + 0.05 * normalise(hint))
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


def _runs(flags: np.ndarray) -> list[tuple[int, int]]:
    """First and last frame of every stretch of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], flags.astype(int), [0]])))
    return [(int(a), int(b) - 1) for a, b in zip(edges[::2], edges[1::2], strict=True)]
