"""The filters against scipy's, bit for bit."""

import numpy as np
import pytest
from scipy import ndimage

from shared.motion import filters

SHAPES = [(3,), (40,), (17, 3), (90, 4, 3)]


def values(shape, dtype):
    return np.random.default_rng(sum(shape)).normal(size=shape).astype(dtype)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("mode", ["nearest", "reflect"])
@pytest.mark.parametrize("sigma", [1.0, 2.0, 20])
def test_gaussian(shape, dtype, mode, sigma):
    x = values(shape, dtype)
    wanted = ndimage.gaussian_filter1d(x, sigma, axis=0, mode=mode)
    found = filters.gaussian_filter1d(x, sigma, axis=0, mode=mode)
    assert found.dtype == wanted.dtype
    np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("mode", ["nearest", "reflect"])
@pytest.mark.parametrize("size", [1, 2, 3, 9, 16])
def test_means_and_extremes(shape, mode, size):
    x = values(shape, np.float64)
    for name in ("uniform_filter1d", "maximum_filter1d", "minimum_filter1d"):
        wanted = getattr(ndimage, name)(x, size, axis=0, mode=mode)
        found = getattr(filters, name)(x, size, axis=0, mode=mode)
        np.testing.assert_array_equal(found, wanted, err_msg=name)


@pytest.mark.parametrize("size", [1, 2, 9, 14])
def test_a_window_can_lie_in_the_past(size):
    x, origin = values((40,), np.float64), (size - 1) // 2
    wanted = ndimage.minimum_filter1d(x, size, origin=origin, mode="nearest")
    found = filters.minimum_filter1d(x, size, origin=origin, mode="nearest")
    np.testing.assert_array_equal(found, wanted)
    assert size < 3 or not np.array_equal(found, filters.minimum_filter1d(x, size, mode="nearest"))
