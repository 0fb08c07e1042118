"""Which feet stand on the floor."""

from typing import Final

import numpy as np

from .motion import Motion
from .skeleton import JOINT

CONTACT_JOINTS: Final = tuple(
    JOINT[n] for n in ("left_ankle", "left_foot", "right_ankle", "right_foot")
)
_CONTACT_SPEED: Final = 0.4  # metres a second
_CONTACT_HEIGHT: Final = 0.05  # metres above where the joint is when it stands
# A still ankle or toe that is this high (metres) is held up: captured contacts know speeds alone.
_RAISED_HEIGHTS: Final = np.array([0.1, 0.05, 0.1, 0.05])


def foot_contacts(motion: Motion) -> np.ndarray:
    """Which feet stand still on the floor, from positions alone.

    Returns:
        bool (T, 4): left ankle, left foot, right ankle, right foot; low and slow at once.
    """
    feet = motion.with_up("Y").joints[:, CONTACT_JOINTS].astype(float)
    if len(feet) == 1:
        speed = np.zeros((1, 4))
    else:
        speed = np.linalg.norm(np.gradient(feet, 1.0 / motion.fps, axis=0), axis=-1)
    touching = (speed < _CONTACT_SPEED) & (_heights(feet) < _CONTACT_HEIGHT)
    # A single frame that differs from both neighbours is noise.
    padded = np.pad(touching, ((1, 1), (0, 0)), mode="edge").astype(int)
    return padded[:-2] + padded[1:-1] + padded[2:] >= 2


def standing_feet(motion: Motion) -> np.ndarray:
    """The motion's own contacts, or those seen in its positions, without feet that are held up.

    Returns:
        bool (T, 4), in the order of `foot_contacts`.
    """
    if motion.contacts is None:
        return foot_contacts(motion)
    feet = motion.with_up("Y").joints[:, CONTACT_JOINTS].astype(float)
    heights = _heights(feet)
    low = heights < _RAISED_HEIGHTS
    # A heel rises above standing toes alone; with its toes in the air as well, the body jumps.
    carried = low[:, [1, 1, 3, 3]] | (heights < _CONTACT_HEIGHT)
    return motion.contacts & low & carried


def foot_slide(motion: Motion) -> float:
    """Mean speed along the floor, in metres a second, of the points that stand; 0 where none do."""
    standing = standing_feet(motion)
    feet = motion.with_up("Y").joints[:, CONTACT_JOINTS][..., [0, 2]].astype(float)
    speed = np.linalg.norm(np.diff(feet, axis=0), axis=-1) * motion.fps
    both = standing[1:] & standing[:-1]
    return float(speed[both].mean()) if both.any() else 0.0


def _heights(feet: np.ndarray) -> np.ndarray:
    """How high (T, 4) each point of `feet` (T, 4, 3) is above where it is when it stands.

    A foot may be held up all the time, so that the lower one of both sides tells.
    """
    lowest = np.percentile(feet[..., 1], 5, axis=0)
    return feet[..., 1] - np.minimum(lowest, lowest[[2, 3, 0, 1]])
