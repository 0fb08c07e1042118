"""Kept joints come back as they were measured, and damage is told."""

import zlib

import numpy as np
import pytest

from backend.evaluation.benchmark.joints import on_grid, pack_joints, unpack_joints
from tests.backend.datasets.motions import kicking, standing


def test_what_is_kept_is_what_was_measured() -> None:
    motions = [kicking(60, [30], lift=130), standing(40), standing(1)]
    packed = pack_joints(motions)
    for own, read in zip(motions, unpack_joints(packed), strict=True):
        np.testing.assert_array_equal(read, on_grid(own))
        assert np.abs(read - own).max() <= 0.51e-4
    assert packed["joints"].nbytes < 0.4 * sum(np.float32(m).nbytes for m in motions)
    assert unpack_joints(pack_joints([])) == []


def test_damaged_joints_are_refused() -> None:
    packed = pack_joints([standing(40)])
    with pytest.raises(ValueError, match="bytes of joints"):
        unpack_joints(packed | {"frames": packed["frames"] + 1})
    with pytest.raises((zlib.error, ValueError)):
        unpack_joints(packed | {"joints": packed["joints"][:-9]})
