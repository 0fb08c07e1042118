"""Feet that stand still: where contacts pin them, and toes that bend for it.

Positions are canonical (y up, floor at 0) in the rig's unit; T frames.
"""

from typing import Final

import numpy as np

from ..shared.motion.limb_twist import smoothstep
from ..shared.motion.two_bone_ik import rise_early
from .smooth_fit import fit_smoothly

_BLEND_SECONDS: Final = 0.2
# Corrections beyond this share of the leg mean that the contact was none.
_LARGEST_SHARE: Final = 0.15
# How a correction wins over the motion as it is (1), for a still foot and for the floor.
_HOLD: Final = 1000.0
_FLOOR: Final = 1e6
# Leg lengths a second: faster feet are held ever more loosely.
_STEADY_SPEED: Final = 1.0
# Over which shares of `_BLEND_SECONDS` a correction spreads, along the floor and in height.
_SPREAD: Final = (0.7, 0.4)
_TOE_LIMIT: Final = np.radians(70.0)


def pin_correction(
    points: np.ndarray, contacts: np.ndarray, rest_heights: np.ndarray, fps: float, leg: float
) -> tuple[np.ndarray, np.ndarray]:
    """How a foot has to move so that its touching points stay put on the floor.

    The slower a touching point comes, the firmer it is held: a foot that still slides when its
    contact begins comes to rest over some frames, where the steady frames of the contact have it.

    Args:
        points: (T, 2, 3) ankle and toe.
        contacts: bool (T, 2), which of them stands.
        rest_heights: (2,) of ankle and toe on the floor.
        fps: frames per second.
        leg: length of the leg.

    Returns:
        (T, 3) offsets, smooth around each contact, and how firmly the foot stands (T,), 0 to 1.
    """
    standing = contacts.any(axis=1)
    if not standing.any():
        return np.zeros((len(points), 3)), np.zeros(len(points))
    blend = max(1.0, _BLEND_SECONDS * fps)
    both = contacts[1:] & contacts[:-1]
    slide = np.diff(points[..., [0, 2]], axis=0)
    speed = np.linalg.norm(slide, axis=-1) * fps / leg
    hold = both * _HOLD * blend**2 / (1.0 + (speed / _STEADY_SPEED) ** 2) ** 2
    held = hold.sum(axis=1)
    steps = -(hold[..., None] * slide).sum(axis=1) / np.maximum(held, 1e-9)[:, None]
    # What is lowest touches the floor: toes when the heel rises, the heel when it is set down.
    gap = (rest_heights - points[..., 1]).max(axis=1)
    correction = np.empty((len(points), 3))
    nowhere = np.zeros(len(points))
    correction[:, [0, 2]] = fit_smoothly(
        np.zeros((len(points), 2)), nowhere, steps, held, _SPREAD[0] * blend
    )
    correction[:, 1:2] = fit_smoothly(
        gap[:, None],
        _FLOOR * standing,
        np.zeros((len(gap) - 1, 1)),
        nowhere[1:],
        _SPREAD[1] * blend,
    )
    size = np.linalg.norm(correction, axis=-1, keepdims=True)
    correction = correction * np.minimum(1.0, _LARGEST_SHARE * leg / np.maximum(size, 1e-9))
    frames, stands = np.arange(len(points)), np.flatnonzero(standing)
    after = np.searchsorted(stands, frames)
    near = stands[np.stack([np.maximum(after - 1, 0), np.minimum(after, len(stands) - 1)])]
    away = np.abs(near - frames).min(axis=0)
    return correction, 1.0 - smoothstep(away / blend, 0.0, 1.0)


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
    return rise_early(bend, fps)
