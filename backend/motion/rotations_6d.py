"""The rotation formulas of HumanML3D's features that differ from `shared.motion.rotations`."""

import numpy as np

from shared.motion import rotations as quat


def unit(vectors: np.ndarray) -> np.ndarray:
    """Unit vectors along the last axis; a zero vector gives NaN, as in the published code."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def between(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Smallest rotation (..., 4) that turns `source` onto `target`, both (..., 3).

    Opposite vectors have no smallest rotation and give NaN, as in the published code.
    """
    lengths = np.linalg.norm(source, axis=-1) * np.linalg.norm(target, axis=-1)
    real = lengths + (source * target).sum(axis=-1)
    return unit(np.concatenate([real[..., None], np.cross(source, target)], axis=-1))


def to_6d(q: np.ndarray) -> np.ndarray:
    """First two columns of the rotation matrix, concatenated: (..., 6) (Zhou et al. 2019)."""
    matrix = quat.to_matrix(q)
    return np.concatenate([matrix[..., 0], matrix[..., 1]], axis=-1)


def matrix_from_6d(six: np.ndarray) -> np.ndarray:
    """Rotation matrices (..., 3, 3) from (..., 6) by Gram-Schmidt (Zhou et al. 2019)."""
    x = unit(six[..., :3])
    z = unit(np.cross(x, six[..., 3:]))
    return np.stack([x, np.cross(z, x), z], axis=-1)
