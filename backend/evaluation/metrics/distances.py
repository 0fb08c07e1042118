"""Euclidean distances between embeddings."""

import numpy as np


def distance_matrix(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Distances (N, M) between the rows of (N, D) and (M, D), in float64."""
    a, b = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    squares = np.square(a).sum(axis=1)[:, None] + np.square(b).sum(axis=1) - 2 * a @ b.T
    # Rounding leaves tiny negative squares where rows are equal.
    return np.sqrt(squares.clip(0))


def row_distances(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Distances (...) between the corresponding rows of two arrays (..., D), in float64."""
    return np.linalg.norm(np.asarray(a, dtype=np.float64) - np.asarray(b, np.float64), axis=-1)
