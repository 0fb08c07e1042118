"""How a motion moves, whatever it shows: skating feet, jumps of joints, energy, freezing."""

from collections.abc import Callable
from typing import Final

import numpy as np

from shared.motion.skeleton import JOINT

_FEET: Final = [JOINT["left_foot"], JOINT["right_foot"]]
_NEAR_FLOOR: Final = 0.05  # metres above the foot's lowest point, where a foot is taken to stand
_STILL: Final = 0.05  # metres per second of the fastest joint, below which a frame is frozen


def foot_skate(joints: np.ndarray, fps: float = 20.0) -> float:
    """Mean horizontal speed in cm/s of the toes while they are near the floor.

    Args:
        joints: (T, 22, 3), metres, Y up.

    A foot counts in a frame when it is within 5 cm of its own lowest height at the beginning and
    at the end of that frame (after the skating ratio of Karunratanakul et al. 2023, as a speed).
    Zero when no foot ever stands.
    """
    feet = joints[:, _FEET]
    low = feet[..., 1] - feet[..., 1].min(axis=0) < _NEAR_FLOOR
    standing = low[1:] & low[:-1]
    speed = np.linalg.norm(np.diff(feet[..., [0, 2]], axis=0), axis=-1) * fps * 100
    return float(speed[standing].mean()) if standing.any() else 0.0


def largest_jump(joints: np.ndarray, fps: float = 20.0) -> float:
    """Largest movement in metres of any joint (T, 22, 3) from one frame to the next."""
    return float(np.linalg.norm(np.diff(joints, axis=0), axis=-1).max())


def energy(joints: np.ndarray, fps: float = 20.0) -> float:
    """Mean squared joint speed (m/s)^2 relative to the root of joints (T, 22, 3)."""
    local = joints - joints[:, :1]
    return float(np.square(np.diff(local, axis=0) * fps).sum(axis=-1).mean())


def root_travel(joints: np.ndarray, fps: float = 20.0) -> float:
    """Length in metres of the root's path on the floor, joints (T, 22, 3)."""
    return float(np.linalg.norm(np.diff(joints[:, 0, [0, 2]], axis=0), axis=-1).sum())


def jerk(joints: np.ndarray, fps: float = 20.0) -> float:
    """Mean size of the third derivative of joint positions (T, 22, 3), m/s^3."""
    return float(np.linalg.norm(np.diff(joints, n=3, axis=0) * fps**3, axis=-1).mean())


def frozen_share(joints: np.ndarray, fps: float = 20.0) -> float:
    """Share of the frames of joints (T, 22, 3) in which no joint moves faster than 5 cm/s."""
    speed = np.linalg.norm(np.diff(joints, axis=0), axis=-1).max(axis=1) * fps
    return float((speed < _STILL).mean())


FIGURES: Final[dict[str, Callable[[np.ndarray, float], float]]] = {
    "foot_skate_cm_s": foot_skate,
    "largest_jump_m": largest_jump,
    "energy_m2_s2": energy,
    "root_travel_m": root_travel,
    "jerk_m_s3": jerk,
    "frozen_share": frozen_share,
}
