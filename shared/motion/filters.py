"""Filters along the frames of a motion, with the results of `scipy.ndimage` to the last bit.

Blender's Python has no scipy, and the audits and the feet need no more of it than this.
"""

from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Mode = Literal["nearest", "reflect"]

# How values go on beyond both ends: the last one again, or the row backwards.
_PADDING: Final[dict[Mode, Any]] = {"nearest": "edge", "reflect": "symmetric"}
_TRUNCATE: Final = 4.0  # standard deviations of a Gaussian that count


def gaussian_filter1d(values: Array, sigma: float, axis: int = -1, mode: Mode = "reflect") -> Array:
    """Weighted means of `values` around each place; `sigma` in places."""
    radius = int(_TRUNCATE * sigma + 0.5)
    offsets = np.arange(-radius, radius + 1)
    weights = np.exp(-0.5 / (sigma * sigma) * offsets**2)
    weights = weights / weights.sum()
    rows = _padded(values, radius, radius, axis, mode).astype(np.float64)
    count = values.shape[axis]
    result = rows[radius : radius + count] * weights[radius]
    # From the outermost pair inwards, one after the other: the sum's last bit depends on it.
    for distance in range(radius, 0, -1):
        before = rows[radius - distance : radius - distance + count]
        after = rows[radius + distance : radius + distance + count]
        result += (before + after) * weights[radius - distance]
    return np.moveaxis(result, 0, axis).astype(values.dtype)


def uniform_filter1d(values: Array, size: int, axis: int = -1, mode: Mode = "reflect") -> Array:
    """Plain means of the `size` values around each place."""
    rows = _padded(values, size // 2, size - size // 2 - 1, axis, mode).astype(np.float64)
    # A running sum, whose last bit depends on the order.
    first = np.cumsum(rows[:size], axis=0)[-1:]
    result = np.cumsum(np.concatenate([first, rows[size:] - rows[:-size]]), axis=0) / size
    return np.moveaxis(result, 0, axis).astype(values.dtype)


def maximum_filter1d(
    values: Array, size: int, axis: int = -1, mode: Mode = "reflect", origin: int = 0
) -> Array:
    """The largest of `size` values around each place; `origin` moves the window backwards."""
    return _extreme(np.maximum, values, size, axis, mode, origin)


def minimum_filter1d(
    values: Array, size: int, axis: int = -1, mode: Mode = "reflect", origin: int = 0
) -> Array:
    """The smallest of `size` values around each place; see `maximum_filter1d`."""
    return _extreme(np.minimum, values, size, axis, mode, origin)


def _extreme(
    choose: np.ufunc, values: Array, size: int, axis: int, mode: Mode, origin: int
) -> Array:
    before = size // 2 + origin
    rows = _padded(values, before, size - before - 1, axis, mode)
    count = values.shape[axis]
    result = rows[:count]
    for start in range(1, size):
        result = choose(result, rows[start : start + count])
    return np.moveaxis(result, 0, axis)


def _padded(values: Array, before: int, after: int, axis: int, mode: Mode) -> Array:
    rows = np.moveaxis(values, axis, 0)
    return np.pad(rows, [(before, after)] + [(0, 0)] * (rows.ndim - 1), mode=_PADDING[mode])
