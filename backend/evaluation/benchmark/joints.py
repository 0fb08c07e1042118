"""The joints of a shard's motions, small enough to keep them all."""

import zlib
from collections.abc import Sequence
from typing import Final

import numpy as np

from shared.motion.skeleton import JOINT_COUNT

# A tenth of a millimetre: at 20 frames a second 2 mm/s, a hundredth of the slowest strike's speed.
_GRID: Final = 1e-4
JOINTS: Final = "joints"
FRAMES: Final = "frames"


def on_grid(joints: np.ndarray) -> np.ndarray:
    """Joints (T, 22, 3) as they will be read again, float64: whole tenths of a millimetre."""
    return np.rint(np.asarray(joints, dtype=np.float64) / _GRID) * _GRID


def pack_joints(motions: Sequence[np.ndarray]) -> dict[str, np.ndarray]:
    """Motions (T, 22, 3) as two arrays of a safetensors file.

    What moves from frame to frame is small: differences, split into planes of bytes, compress to a
    fifth of float32.
    """
    steps = [
        np.diff(np.rint(np.asarray(m, dtype=np.float64) / _GRID), axis=0, prepend=0)
        for m in motions
    ]
    whole = np.concatenate([np.zeros((0, JOINT_COUNT, 3)), *steps]).astype("<i4")
    planes = whole.reshape(-1, 1).view(np.uint8).T
    content = zlib.compress(np.ascontiguousarray(planes).tobytes(), 6)
    return {
        JOINTS: np.frombuffer(content, dtype=np.uint8),
        FRAMES: np.array([len(motion) for motion in motions], dtype=np.int64),
    }


def unpack_joints(arrays: dict[str, np.ndarray]) -> list[np.ndarray]:
    """The motions float64 (T, 22, 3) of a shard, equal to `on_grid` of what was packed.

    Raises:
        ValueError: for content that is cut off or of another size, and zlib.error for damaged.
    """
    frames = [int(count) for count in arrays[FRAMES]]
    size = sum(frames) * JOINT_COUNT * 3 * 4
    engine = zlib.decompressobj()
    content = engine.decompress(arrays[JOINTS].tobytes(), size + 1)
    if len(content) != size or min(frames, default=0) < 0:
        raise ValueError(f"{len(content)} bytes of joints instead of {size}")
    planes = np.frombuffer(content, dtype=np.uint8).reshape(4, -1)
    whole = np.ascontiguousarray(planes.T).view("<i4").reshape(-1, JOINT_COUNT, 3)
    found, start = [], 0
    for count in frames:
        steps = whole[start : start + count].astype(np.int64)
        found.append(np.cumsum(steps, axis=0) * _GRID)
        start += count
    return found
