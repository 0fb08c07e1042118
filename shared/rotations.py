"""Quaternion arithmetic on arrays; a quaternion is (..., 4) in the order w, x, y, z."""

import numpy as np


def normalise(vector: np.ndarray) -> np.ndarray:
    """Unit vectors along the last axis; a zero vector gives NaN, as in the published code."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return vector / np.linalg.norm(vector, axis=-1, keepdims=True)


def inverse(q: np.ndarray) -> np.ndarray:
    """Inverse of unit quaternions (..., 4)."""
    return q * np.array([1, -1, -1, -1], dtype=q.dtype)


def multiply(q: np.ndarray, r: np.ndarray) -> np.ndarray:
    """Hamilton product q r of (..., 4) arrays: rotate by r first, then by q."""
    w, x, y, z = np.moveaxis(q, -1, 0)
    rw, rx, ry, rz = np.moveaxis(r, -1, 0)
    return np.stack(
        [
            w * rw - x * rx - y * ry - z * rz,
            w * rx + x * rw + y * rz - z * ry,
            w * ry - x * rz + y * rw + z * rx,
            w * rz + x * ry - y * rx + z * rw,
        ],
        axis=-1,
    )


def rotate(q: np.ndarray, vector: np.ndarray) -> np.ndarray:
    """Rotate vectors (..., 3) by unit quaternions (..., 4)."""
    axis = q[..., 1:]
    turned = np.cross(axis, vector)
    return vector + 2 * (q[..., :1] * turned + np.cross(axis, turned))


def between(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Smallest rotation that turns `source` onto `target`, both (..., 3).

    Opposite vectors have no smallest rotation and give NaN (HumanML3D, `qbetween`).
    """
    lengths = np.linalg.norm(source, axis=-1) * np.linalg.norm(target, axis=-1)
    real = lengths + (source * target).sum(axis=-1)
    return normalise(np.concatenate([real[..., None], np.cross(source, target)], axis=-1))


def to_matrix(q: np.ndarray) -> np.ndarray:
    """Rotation matrices (..., 3, 3) of quaternions (..., 4)."""
    w, x, y, z = np.moveaxis(q, -1, 0)
    scale = 2.0 / (q * q).sum(axis=-1)
    rows = [
        [1 - scale * (y * y + z * z), scale * (x * y - z * w), scale * (x * z + y * w)],
        [scale * (x * y + z * w), 1 - scale * (x * x + z * z), scale * (y * z - x * w)],
        [scale * (x * z - y * w), scale * (y * z + x * w), 1 - scale * (x * x + y * y)],
    ]
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)


def to_6d(q: np.ndarray) -> np.ndarray:
    """First two columns of the rotation matrix, concatenated: (..., 6) (Zhou et al. 2019)."""
    matrix = to_matrix(q)
    return np.concatenate([matrix[..., 0], matrix[..., 1]], axis=-1)


def matrix_from_6d(six: np.ndarray) -> np.ndarray:
    """Rotation matrices (..., 3, 3) from (..., 6) by Gram-Schmidt (Zhou et al. 2019)."""
    x = normalise(six[..., :3])
    z = normalise(np.cross(x, six[..., 3:]))
    return np.stack([x, np.cross(z, x), z], axis=-1)


def continuous(q: np.ndarray) -> np.ndarray:
    """Flip signs along axis 0 so that neighbouring quaternions lie in one hemisphere."""
    flips = (q[1:] * q[:-1]).sum(axis=-1) < 0
    signs = np.where(np.cumsum(flips, axis=0) % 2 == 1, -1, 1).astype(q.dtype)
    result = q.copy()
    result[1:] *= signs[..., None]
    return result
