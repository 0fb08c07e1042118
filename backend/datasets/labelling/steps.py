"""Steps, jumps and bends, counted."""

from typing import Final

import numpy as np
from scipy.ndimage import uniform_filter1d
from scipy.signal import find_peaks

from shared.motion.skeleton import JOINT

_ANKLES: Final = (JOINT["left_ankle"], JOINT["right_ankle"])
_TOES: Final = (JOINT["left_foot"], JOINT["right_foot"])
# Metres a frame: a foot that is faster swings; metres: a swing that counts as a step.
_SWINGS: Final = 0.024
_STEP: Final = 0.14
_GAP: Final = 2
# Metres: both toes above it fly; frames: how long they do.
_FLIES: Final = 0.07
_FLIGHT: Final = 2
_RISE: Final = 0.04
# Metres that the pelvis sinks in a bend of the knees, and frames between two.
_BEND: Final = 0.2
_APART: Final = 12


def swings(joints: np.ndarray) -> list[tuple[int, int, int]]:
    """Frames [start, end) and foot (0 left, 1 right) of every step of joints (T, 22, 3), by end."""
    found = []
    for foot, ankle in enumerate(_ANKLES):
        place = joints[:, ankle][:, [0, 2]]
        speed = np.linalg.norm(np.diff(place, axis=0), axis=-1)
        moving = uniform_filter1d(speed, 3, mode="nearest") > _SWINGS
        for start, end in runs(moving, _GAP):
            if np.linalg.norm(place[end] - place[start]) > _STEP:
                found.append((end, start, foot))
    return [(start, end, foot) for end, start, foot in sorted(found)]


def count_steps(joints: np.ndarray) -> int | None:
    """How many steps are taken; None where a foot is in the air at the first or the last frame."""
    edge = np.linalg.norm(np.diff(joints[:, list(_ANKLES)][..., [0, 2]], axis=0), axis=-1)[
        [0, 1, -2, -1]
    ]
    if (edge > _SWINGS).any():
        return None
    return len(swings(joints))


def flights(joints: np.ndarray) -> list[tuple[int, int]]:
    """Frames [start, end) in which both feet are off the floor and the body rises and sinks."""
    toes = joints[:, list(_TOES), 1].min(axis=1)
    ground = np.percentile(toes, 10)
    found = []
    for start, end in runs(toes > ground + _FLIES, 1):
        pelvis = joints[max(0, start - 2) : end + 2, 0, 1]
        rises = pelvis.max() - max(pelvis[0], pelvis[-1]) > _RISE
        if end - start >= _FLIGHT and rises and start > 0 and end < len(joints):
            found.append((start, end))
    return found


def bends(joints: np.ndarray) -> list[int]:
    """Frames at which the pelvis is lowest, of every bend of the knees and rise again."""
    height = joints[:, 0, 1]
    lowest, shape = find_peaks(-height, prominence=_BEND, distance=_APART)
    del shape
    return lowest.tolist()


def runs(flags: np.ndarray, gap: int = 0) -> list[tuple[int, int]]:
    """Spans [start, end) in which flags (T,) hold, those not further apart than `gap` as one."""
    edges = np.flatnonzero(np.diff(flags.astype(np.int8), prepend=0, append=0)).reshape(-1, 2)
    joined: list[tuple[int, int]] = []
    for start, end in edges.tolist():
        if joined and start - joined[-1][1] <= gap:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return joined
