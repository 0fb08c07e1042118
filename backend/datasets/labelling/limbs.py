"""Which arm or leg acts, and how high or low it reaches."""

from typing import Final, Literal

import numpy as np

from backend.motion.facing import facing
from shared.motion.skeleton import JOINT, Side

_WRISTS: Final = (JOINT["left_wrist"], JOINT["right_wrist"])
_ANKLES: Final = (JOINT["left_ankle"], JOINT["right_ankle"])
_SIDES: Final[tuple[Literal["left", "right"], ...]] = ("left", "right")
# So many times the other limb's way, one acts alone; under so many times, both do.
_ALONE: Final = 1.7
_BOTH: Final = 1.3
_AHEAD: Final = 0.12  # metres that hands with a load are in front of the pelvis, at least
_MOSTLY: Final = 0.6
_LEAST: Final = 0.4  # metres that a limb goes at least to be acting
_FLOOR, _TABLE, _SHELF = 0.3, 1.05, 1.35  # metres up to which a hand is low, and from which high


def acting_arm(joints: np.ndarray) -> Side | None:
    """The arm whose wrist gets about seen from the shoulders, in joints (T, 22, 3).

    None when neither does, or one more than the other without leaving it behind.
    """
    shoulders = joints[:, [JOINT["left_shoulder"], JOINT["right_shoulder"]]]
    return _side(joints[:, list(_WRISTS)] - shoulders.mean(axis=1, keepdims=True))


def highest_arm(joints: np.ndarray) -> Side | None:
    """The arm whose wrist is up highest; both when they are within 15 cm, None below the chest."""
    height = joints[:, list(_WRISTS), 1] - joints[:, [JOINT["spine3"]], 1]
    left, right = height.max(axis=0)
    if max(left, right) < 0:
        return None
    if abs(left - right) < 0.15:
        return "both"
    return "left" if left > right else "right"


def acting_leg(joints: np.ndarray) -> Literal["left", "right"] | None:
    """The leg whose ankle gets about seen from the pelvis; None when none does more."""
    side = _side(joints[:, list(_ANKLES)] - joints[:, :1])
    return None if side == "both" else side


def raised_leg(joints: np.ndarray) -> Literal["left", "right"] | None:
    """The leg whose ankle is higher on average by 10 cm or more."""
    left, right = joints[:, list(_ANKLES), 1].mean(axis=0)
    if abs(left - right) < 0.1:
        return None
    return "left" if left > right else "right"


def holds_in_front(joints: np.ndarray) -> bool:
    """Whether both hands are in front of the body and not below the hips, most of the time."""
    wrists = joints[:, list(_WRISTS)]
    ahead = ((wrists - joints[:, :1]) * facing(joints)[:, None]).sum(axis=-1).min(axis=1)
    above = wrists[..., 1].min(axis=1) - joints[:, 0, 1]
    return float(((ahead > _AHEAD) & (above > -_AHEAD)).mean()) > _MOSTLY


def reach_height(joints: np.ndarray) -> Literal["floor", "table", "high"] | None:
    """How low or high the hands go to take or put something."""
    wrists = joints[:, list(_WRISTS), 1]
    if wrists.min() < _FLOOR:
        return "floor"
    if wrists.max() > _SHELF:
        return "high"
    return "table" if wrists.max() < _TABLE else None


def _side(places: np.ndarray) -> Side | None:
    """Which of two points (T, 2, 3) moves."""
    way = np.linalg.norm(np.diff(places, axis=0), axis=-1).sum(axis=0)
    least, most = float(way.min()), float(way.max())
    if most < _LEAST:
        return None
    if most > _ALONE * least:
        return _SIDES[int(way.argmax())]
    return "both" if most < _BOTH * least else None
