"""What the trained judge looks at: where the joints are and how they move, seen from the body."""

from typing import Final

import numpy as np
from scipy.ndimage import gaussian_filter1d

from backend.motion.facing import facing
from backend.motion.lengths import FPS
from shared.motion.skeleton import JOINT, JOINT_COUNT

# Positions and velocities of all joints, velocity of the pelvis, rate of turn.
CHANNELS: Final = 6 * JOINT_COUNT + 4
_LEG: Final = 0.8  # metres from hip to ankle that bodies are scaled to
_SMOOTH: Final = 10.0  # frames: sways of the hips do not turn the view


def channels(joints: np.ndarray) -> np.ndarray:
    """Float32 (T, CHANNELS) of joints (T, 22, 3), metres, Y up, 20 frames a second.

    Bodies have legs of one length, the floor is at 0, and the body faces +Z in every frame.
    """
    joints = np.asarray(joints, dtype=np.float64)
    joints = joints * (_LEG / max(_leg_length(joints), 1e-3))
    joints = joints - [0.0, np.percentile(joints[..., 1].min(axis=1), 5), 0.0]
    forward = facing(joints)
    angle = np.unwrap(np.arctan2(forward[:, 0], forward[:, 2]))
    angle = gaussian_filter1d(angle, _SMOOTH, mode="nearest")
    sin, cos = np.sin(angle), np.cos(angle)
    rotation = np.zeros((len(joints), 3, 3))
    rotation[:, 0, 0], rotation[:, 0, 2] = cos, -sin
    rotation[:, 1, 1] = 1.0
    rotation[:, 2, 0], rotation[:, 2, 2] = sin, cos
    seen = joints - joints[:, :1] * [1.0, 0.0, 1.0]
    seen = np.einsum("tij,tkj->tki", rotation, seen)
    travel = np.einsum("tij,tj->ti", rotation, np.gradient(joints[:, 0], axis=0) * FPS)
    moves = np.gradient(seen, axis=0) * FPS
    turn = np.gradient(angle)[:, None] * FPS
    flat = (len(joints), -1)
    return np.concatenate(
        [seen.reshape(flat), moves.reshape(flat), travel, turn], axis=1, dtype=np.float32
    )


def _leg_length(joints: np.ndarray) -> float:
    lengths = [
        np.linalg.norm(joints[:, JOINT[f"{side}_{b}"]] - joints[:, JOINT[f"{side}_{a}"]], axis=-1)
        for side in ("left", "right")
        for a, b in (("hip", "knee"), ("knee", "ankle"))
    ]
    return float(np.median(np.sum(lengths, axis=0)) / 2)
