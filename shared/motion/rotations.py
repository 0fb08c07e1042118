"""Quaternion maths on arrays: (..., 4) in (w, x, y, z) order; vectors (..., 3); radians."""

from typing import Final, TypeVar

import numpy as np

IDENTITY: Final = np.array([1.0, 0.0, 0.0, 0.0])
IDENTITY.setflags(write=False)

_TINY: Final = 1e-9

Angle = TypeVar("Angle", float, np.ndarray)


def wrapped(angle: Angle) -> Angle:
    """The same angles in radians between -pi and pi, -pi among them; a number or an array."""
    return (angle + np.pi) % (2.0 * np.pi) - np.pi


def normalise(vectors: np.ndarray) -> np.ndarray:
    """Vectors (..., n) scaled to length one; a vector of no length stays zero."""
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), _TINY)


def multiply(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Hamilton product: the rotation that applies `b` first, then `a`."""
    aw, ax, ay, az = np.moveaxis(a, -1, 0)
    bw, bx, by, bz = np.moveaxis(b, -1, 0)
    return np.stack(
        [
            aw * bw - ax * bx - ay * by - az * bz,
            aw * bx + ax * bw + ay * bz - az * by,
            aw * by - ax * bz + ay * bw + az * bx,
            aw * bz + ax * by - ay * bx + az * bw,
        ],
        axis=-1,
    )


def conjugate(q: np.ndarray) -> np.ndarray:
    """The inverse rotation of unit quaternions."""
    return q * np.array([1.0, -1.0, -1.0, -1.0])


def rotate(q: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Vectors turned by unit quaternions; the leading axes broadcast."""
    q, v = np.broadcast_arrays(q, np.concatenate([v[..., :1], v], axis=-1))
    axis, vector = q[..., 1:], v[..., 1:]
    across = 2.0 * np.cross(axis, vector)
    return vector + q[..., :1] * across + np.cross(axis, across)


def from_axis_angle(axis: np.ndarray, angle: np.ndarray | float) -> np.ndarray:
    """Rotation by `angle` (...) about unit `axis` (..., 3)."""
    half = np.asarray(angle)[..., None] / 2.0
    cos, sin = np.broadcast_arrays(np.cos(half), np.sin(half) * axis)
    return np.concatenate([cos[..., :1], sin], axis=-1)


def to_axis_angle(q: np.ndarray) -> np.ndarray:
    """Axes (..., 3) of unit quaternions, each as long as the angle, 0 to pi."""
    q = np.where(q[..., :1] < 0.0, -q, q)
    sine = np.linalg.norm(q[..., 1:], axis=-1, keepdims=True)
    # Of a small angle the half sine is half the angle.
    scale = np.where(sine < _TINY, 2.0, 2.0 * np.arctan2(sine, q[..., :1]) / (sine + (sine == 0)))
    return scale * q[..., 1:]


def between(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The smallest rotation that takes direction `a` to direction `b`.

    For opposite directions, where every perpendicular axis would do, one axis is picked.
    """
    a, b = np.broadcast_arrays(normalise(a), normalise(b))
    dot = (a * b).sum(-1, keepdims=True)
    q = np.concatenate([1.0 + dot, np.cross(a, b)], axis=-1)
    least = np.eye(3)[np.abs(a).argmin(axis=-1)]
    half_turn = np.concatenate([np.zeros_like(dot), normalise(np.cross(a, least))], axis=-1)
    return normalise(np.where(dot < -1.0 + 1e-7, half_turn, q))


def from_matrix(matrices: np.ndarray) -> np.ndarray:
    """Quaternions (..., 4) of rotation matrices (..., 3, 3).

    Of the four ways to read a quaternion from a matrix, each row takes the best-conditioned one.
    """
    m = matrices
    trace = m[..., 0, 0] + m[..., 1, 1] + m[..., 2, 2]
    diagonal = np.stack([trace, m[..., 0, 0], m[..., 1, 1], m[..., 2, 2]], axis=-1)
    squares = 1.0 + 2.0 * diagonal - trace[..., None]
    squares[..., 0] = 1.0 + trace
    wx, wy, wz = (
        m[..., 2, 1] - m[..., 1, 2],
        m[..., 0, 2] - m[..., 2, 0],
        m[..., 1, 0] - m[..., 0, 1],
    )
    xy, xz, yz = (
        m[..., 1, 0] + m[..., 0, 1],
        m[..., 0, 2] + m[..., 2, 0],
        m[..., 2, 1] + m[..., 1, 2],
    )
    w2, x2, y2, z2 = np.moveaxis(squares, -1, 0)
    candidates = np.stack(
        [
            np.stack([w2, wx, wy, wz], axis=-1),
            np.stack([wx, x2, xy, xz], axis=-1),
            np.stack([wy, xy, y2, yz], axis=-1),
            np.stack([wz, xz, yz, z2], axis=-1),
        ],
        axis=-2,
    )
    best = squares.argmax(axis=-1)[..., None, None]
    return normalise(np.take_along_axis(candidates, best, axis=-2)[..., 0, :])


def to_matrix(q: np.ndarray) -> np.ndarray:
    """Rotation matrices (..., 3, 3) of unit quaternions."""
    return np.stack([rotate(q, np.eye(3)[i]) for i in range(3)], axis=-1)


def slerp(a: np.ndarray, b: np.ndarray, t: np.ndarray | float) -> np.ndarray:
    """Spherical interpolation along the shorter arc: `a` at t=0, `b` at t=1; t is (...)."""
    t = np.asarray(t, dtype=float)[..., None]
    dot = (a * b).sum(-1, keepdims=True)
    b = np.where(dot < 0.0, -b, b)
    angle = np.arccos(np.clip(np.abs(dot), 0.0, 1.0))
    sine = np.maximum(np.sin(angle), _TINY)
    near = angle < 1e-4
    weight_a = np.where(near, 1.0 - t, np.sin((1.0 - t) * angle) / sine)
    weight_b = np.where(near, t, np.sin(t * angle) / sine)
    return normalise(weight_a * a + weight_b * b)


def angle(q: np.ndarray) -> np.ndarray:
    """How far each unit quaternion turns, 0 to pi."""
    return 2.0 * np.arctan2(np.linalg.norm(q[..., 1:], axis=-1), np.abs(q[..., 0]))


def continuous(q: np.ndarray) -> np.ndarray:
    """The same rotations (T, ..., 4) with signs chosen so that neighbours in time never flip."""
    dots = (q[1:] * q[:-1]).sum(-1)
    signs = np.cumprod(np.where(dots < 0.0, -1.0, 1.0), axis=0)
    return np.concatenate([q[:1], q[1:] * signs[..., None]], axis=0)
