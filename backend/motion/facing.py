"""Which way a body faces, read off hips and shoulders."""

from typing import Final

import numpy as np

from shared.motion.skeleton import JOINT

_LEFT_HIP: Final = JOINT["left_hip"]
_RIGHT_HIP: Final = JOINT["right_hip"]
_LEFT_SHOULDER: Final = JOINT["left_shoulder"]
_RIGHT_SHOULDER: Final = JOINT["right_shoulder"]


def facing(joints: np.ndarray) -> np.ndarray:
    """Horizontal unit vectors (T, 3) that the body faces, from hips and shoulders."""
    across = joints[:, _LEFT_HIP] - joints[:, _RIGHT_HIP]
    across = across + joints[:, _LEFT_SHOULDER] - joints[:, _RIGHT_SHOULDER]
    forward = np.cross(across, [0.0, 1.0, 0.0])
    return forward / np.maximum(np.linalg.norm(forward, axis=-1, keepdims=True), 1e-8)
