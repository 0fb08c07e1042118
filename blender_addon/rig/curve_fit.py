"""Cubic Bezier curves through as few keys as a bound allows, for channels that share their keys.

Handles lie a third of the way to the next key, so that time runs evenly along each segment: the
curve is then a cubic polynomial of time, and the best values and slopes for given keys are a linear
least-squares problem. A key has a slope on either side: generated and captured movement has corners
where feet meet the floor, and a fifth fewer keys follow it so than with one slope.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

import numpy as np

# How firmly slopes follow the samples' own, beside one sample: it decides where keys are dense.
_SLOPE_WEIGHT: Final = 1e-2
# How firmly the ends keep to the samples: other movements join there.
_END_WEIGHT: Final = 1e5
# What rounding to Blender's single precision may add.
SLACK: Final = 0.98

# Samples (T, n) as they are and as the curve has them, to errors (T,).
ErrorOf = Callable[[np.ndarray, np.ndarray], np.ndarray]


def _any(_curve: np.ndarray) -> bool:
    return True


@dataclass
class CurveFit:
    """Channels on the way to fewer keys.

    Attributes:
        samples: (T, n), one row a frame.
        error_of: how far samples and curve are apart in each frame, (T,).
        keys: int (K,), the samples at which keys lie; the first and the last among them.
        values: (K, n), of the keys.
        slopes: (2, K, n), per sample, on the left and on the right of each key.
        curve: (T, n), the fitted curve in each frame.
        errors: (T,), of `curve`.
    """

    samples: np.ndarray
    error_of: ErrorOf
    keys: np.ndarray = field(init=False)
    values: np.ndarray = field(init=False)
    slopes: np.ndarray = field(init=False)
    curve: np.ndarray = field(init=False)
    errors: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        count = len(self.samples)
        self._target = self.samples
        self._slopes = np.gradient(self.samples, axis=0) if count > 1 else 0.0 * self.samples
        self.set_keys(np.array([0, count - 1]) if count > 1 else np.array([0]))

    def set_keys(self, keys: np.ndarray) -> None:
        """Fit the curve to these keys."""
        self.keys, (self.values, self.slopes, self.curve) = keys, self._solve(keys)
        self.errors = self.error_of(self.samples, self.curve)

    def add(self, frames: Iterable[int]) -> bool:
        """Add keys; False where all of them are there already."""
        keys = np.union1d(self.keys, np.fromiter(frames, dtype=int))
        if len(keys) == len(self.keys):
            return False
        self.set_keys(keys)
        return True

    def refine(self, bound: float) -> None:
        """Add a key in each segment that breaks the bound, where it does so most, until none does.

        With a key in every frame the curve is the samples.
        """
        while (self.errors > SLACK * bound).any():
            if not self.add(self._worst(bound)):
                break

    def aim(self, target: np.ndarray, bound: float, allows: Callable[[np.ndarray], bool]) -> None:
        """Follow other samples (T, n) from now on, if the present keys then keep the bound."""
        former, self._target = self._target, target
        if not self._try(self.keys, bound, allows):
            self._target = former

    def thin(
        self, bound: float, kept: Iterable[int] = (), allows: Callable[[np.ndarray], bool] = _any
    ) -> Iterator[None]:
        """Drop the keys that are not needed, those in the densest places first, one in each step.

        Args:
            bound: of the errors.
            kept: keys that stay.
            allows: whether a curve (T, n) may be taken for the present one.
        """
        for key in self._by_density({0, len(self.samples) - 1, *kept}):
            self._try(self.keys[self.keys != key], bound, allows)
            yield

    def _try(self, keys: np.ndarray, bound: float, allows: Callable[[np.ndarray], bool]) -> bool:
        """Take other keys if the bound and `allows` are kept."""
        values, slopes, curve = self._solve(keys)
        errors = self.error_of(self.samples, curve)
        if errors.max() > SLACK * bound or not allows(curve):
            return False
        self.keys, self.values, self.slopes = keys, values, slopes
        self.curve, self.errors = curve, errors
        return True

    def _by_density(self, fixed: set[int]) -> list[int]:
        """Keys that may go, those in the densest places first."""
        gaps = np.diff(self.keys)
        reach = gaps[:-1] + gaps[1:] if len(gaps) > 1 else np.zeros(0, dtype=int)
        order = np.argsort(reach, kind="stable")
        return [int(key) for key in self.keys[1:-1][order] if int(key) not in fixed]

    def _worst(self, bound: float) -> list[int]:
        found = []
        for first, last in zip(self.keys[:-1], self.keys[1:], strict=True):
            inner = self.errors[first + 1 : last]
            if len(inner) and self.errors[first : last + 1].max() > SLACK * bound:
                found.append(int(first + 1 + inner.argmax()))
        return found

    def _solve(self, keys: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Values (K, n), slopes (2, K, n) and the curve (T, n), by least squares."""
        count, n = len(self.samples), len(keys)
        if n == 1:
            return self.samples, np.zeros((2, *self.samples.shape)), self.samples
        basis = hermite_basis(keys, count)
        weighted = basis.copy()
        weighted[[0, -1]] *= _END_WEIGHT
        left = weighted.T @ basis
        right = weighted.T @ self._target
        own = np.arange(n, 3 * n)
        left[own, own] += _SLOPE_WEIGHT
        right[own] += _SLOPE_WEIGHT * np.tile(self._slopes[keys], (2, 1))
        solved = np.linalg.solve(left, right)
        return solved[:n], solved[n:].reshape(2, n, -1), basis @ solved


def hermite_basis(keys: np.ndarray, count: int) -> np.ndarray:
    """What each key's value and slopes add to each sample: (count, 3 K).

    Values come first, then slopes on the left of keys, then those on their right.
    """
    basis = np.zeros((count, 3 * len(keys)))
    rows = np.arange(count)
    segment = np.minimum(np.searchsorted(keys, rows, side="right") - 1, len(keys) - 2)
    length = (keys[segment + 1] - keys[segment]).astype(float)
    s = (rows - keys[segment]) / length
    basis[rows, segment] = (1.0 + 2.0 * s) * (1.0 - s) ** 2
    basis[rows, segment + 1] = s * s * (3.0 - 2.0 * s)
    basis[rows, segment + 2 * len(keys)] = length * s * (1.0 - s) ** 2
    basis[rows, segment + 1 + len(keys)] = -length * s * s * (1.0 - s)
    return basis
