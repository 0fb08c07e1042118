"""Orientation of pelvis and chest, the two rigid bodies that several bones leave from."""

import numpy as np

from .rotations import from_matrix, normalise, rotate

_ROUNDS = 3


def frames(left: np.ndarray, up: np.ndarray) -> np.ndarray:
    """Quaternions (T, 4) whose x axis is `left` and whose y axis is as near `up` as possible."""
    x = normalise(left)
    z = normalise(np.cross(x, up))
    return from_matrix(np.stack([x, np.cross(z, x), z], axis=-1))


def fit_rigid(
    vectors: np.ndarray, weights: np.ndarray, start: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Rotations and constant offsets that best explain vectors from one rigid body.

    Generalised Procrustes analysis: offsets are averaged in the body's frame, then each frame's
    rotation is the weighted least-squares fit to them (Kabsch 1976), and again.

    Args:
        vectors: (T, n, 3) from the body's joint to its children.
        weights: (n,) trust in each child.
        start: (T, 4) first guess of the rotations; it also fixes what "unrotated" means.

    Returns:
        rotations (T, 4) and offsets (n, 3).
    """
    rotations = start
    for _ in range(_ROUNDS):
        inverse = rotations * np.array([1.0, -1.0, -1.0, -1.0])
        offsets = rotate(inverse[:, None], vectors).mean(axis=0)
        covariance = np.einsum("n,tni,nj->tij", weights, vectors, offsets)
        u, _, vt = np.linalg.svd(covariance)
        u[:, :, 2] *= np.sign(np.linalg.det(u @ vt))[:, None]
        rotations = from_matrix(u @ vt)
    return rotations, offsets
