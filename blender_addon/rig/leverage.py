"""How the rotation of one bone moves hands and feet, so that curves can be tried one by one."""

from collections.abc import Callable
from typing import Final

import numpy as np

from ..shared.motion.rotations import conjugate, multiply
from .rotation_modes import to_quaternions

# Square metres: how firmly a rotation keeps to its samples while it brings points back.
_EASE: Final = 0.1


class Lever:
    """How a control's rotation moves hands and feet, to first order.

    Args:
        mode: rotation mode of the bone.
        samples: its rotation channel (T, n), from which turns are counted.
        axes: (T, 3, 3), from the bone's basis axes to canonical ones.
        arms: (T, P, 3), from the bone's head to each point that it carries; else 0.
        size: world units in one unit of the rig.
    """

    def __init__(
        self, mode: str, samples: np.ndarray, axes: np.ndarray, arms: np.ndarray, size: float
    ) -> None:
        self._mode, self._axes, self._arms = mode, axes, arms
        self._samples = to_quaternions(mode, samples)
        self._ease = _EASE / size**2

    def move(self, curve: np.ndarray) -> np.ndarray:
        """How far a curve (T, n) of the rotation moves each point, (T, P, 3)."""
        turn = multiply(to_quaternions(self._mode, curve), conjugate(self._samples))
        turn = 2.0 * np.where(turn[:, :1] < 0.0, -turn, turn)[:, 1:]
        return _cross((self._axes @ turn[..., None])[:, None, :, 0], self._arms)

    def against(self, off: np.ndarray, most: float) -> np.ndarray:
        """Quaternions (T, 4) that bring points that are `off` (T, P, 3) back.

        They turn no frame by more than `most` radians, and the first and the last not at all.
        """
        arms = self._arms
        squares = (np.einsum("tpi,tpi->t", arms, arms) + self._ease)[:, None, None] * np.eye(3)
        turn = np.linalg.solve(
            squares - np.einsum("tpi,tpj->tij", arms, arms),
            -_cross(arms, off).sum(1)[..., None],
        )
        turn = (np.swapaxes(self._axes, 1, 2) @ turn)[..., 0]
        size = np.linalg.norm(turn, axis=-1, keepdims=True)
        turn *= np.minimum(1.0, most / np.maximum(size, most))
        turn[[0, -1]] = 0.0
        half = np.concatenate([np.ones((len(turn), 1)), turn / 2.0], axis=-1)
        return multiply(half, self._samples)


class Slip:
    """How far hands and feet are off while one bone's curve is exchanged for another.

    Args:
        off: (T, P, 3), how far they are off; follows each curve that is allowed.
        curve: the present one.
        move: what a curve by itself moves each point by, to first order.
        allowed: (T, P), how far they may be off.
    """

    def __init__(
        self,
        off: np.ndarray,
        curve: np.ndarray,
        move: Callable[[np.ndarray], np.ndarray],
        allowed: np.ndarray,
    ) -> None:
        self._off, self._move, self._allowed = off, move, allowed**2
        self._moved = move(curve)

    def allows(self, curve: np.ndarray) -> bool:
        """Whether hands and feet stay within the bound; the curve is the present one then."""
        moved = self._move(curve)
        off = self._off + (moved - self._moved)
        if ((off * off).sum(-1) > self._allowed).any():
            return False
        self._off[...], self._moved = off, moved
        return True


def _cross(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The cross product of vectors (..., 3); numpy's own takes several times as long."""
    return a[..., [1, 2, 0]] * b[..., [2, 0, 1]] - a[..., [2, 0, 1]] * b[..., [1, 2, 0]]
