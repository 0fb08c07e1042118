"""Frames in which a recording loses a joint: mended where the frames around them tell how."""

from typing import Final

import numpy as np

# Metres a frame. A kick at full speed has 0.65 and more, but gathers and loses it over some frames.
_JUMP: Final = 0.4
_CALM: Final = 0.15


def mend(joints: np.ndarray) -> np.ndarray:
    """Joints (T, 22, 3) without joints that are elsewhere for one frame or at the first or last.

    Such a frame becomes the middle of its neighbours; one at an end goes on as the next two do.
    """
    if len(joints) < 4:
        return joints
    step = np.linalg.norm(np.diff(joints, axis=0), axis=-1)
    across = np.linalg.norm(joints[2:] - joints[:-2], axis=-1)
    away = (step[:-1] > _JUMP) & (step[1:] > _JUMP)
    popped = away & (across < 0.5 * np.minimum(step[:-1], step[1:]))
    mended = joints.copy()
    frames, names = np.nonzero(popped)
    mended[frames + 1, names] = (joints[frames, names] + joints[frames + 2, names]) / 2
    for end, near, far in ((0, 1, 2), (-1, -2, -3)):
        lost = np.linalg.norm(joints[end] - joints[near], axis=-1) > _JUMP
        lost &= np.linalg.norm(joints[near] - joints[far], axis=-1) < _CALM
        mended[end, lost] = 2 * mended[near, lost] - mended[far, lost]
    return mended


def jumps(joints: np.ndarray) -> np.ndarray:
    """Frames (n,) of joints (T, 22, 3) after which an else calm joint is suddenly elsewhere."""
    step = np.linalg.norm(np.diff(joints, axis=0), axis=-1)
    if len(step) < 3:
        return np.zeros(0, dtype=np.int64)
    calm = np.maximum(step[:-2], step[2:]) < _CALM
    return np.flatnonzero(((step[1:-1] > _JUMP) & calm).any(axis=1)) + 1
