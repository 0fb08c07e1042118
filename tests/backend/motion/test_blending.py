"""Joining joints: continuity at the seams, kept frames, and the figures that measure it."""

import numpy as np
import pytest
from sample_motions import walking_motion

from backend.motion.blending import (
    between_poses,
    close_loop,
    insert,
    measure_loop,
    measure_seam,
    to_origin,
)
from backend.motion.features import bone_lengths
from shared.motion import rotations as quat

UP = np.array([0.0, 1.0, 0.0])


def walk(frames=60):
    return walking_motion(frames).joints


def moved(joints, turn, shift):
    return (quat.rotate(quat.from_axis_angle(UP, turn), joints) + shift).astype(np.float32)


def local(joints):
    """Distances of all joints from the root: the pose, wherever it stands."""
    return np.linalg.norm(joints - joints[:, :1], axis=-1)


def test_a_placement_carries_one_pose_to_the_place_of_another():
    joints = walk()
    other = moved(joints, 1.2, [3.0, 0.0, -2.0])
    np.testing.assert_allclose(between_poses(joints[20], other[20])(joints), other, atol=1e-5)
    np.testing.assert_allclose(to_origin(other), to_origin(joints), atol=1e-5)
    assert np.abs(to_origin(other)[0, 0, [0, 2]]).max() < 1e-6


@pytest.mark.parametrize("span", [(20, 40), (0, 25), (35, 60), (1, 59), (30, 31), (0, 60)])
def test_the_same_motion_from_elsewhere_is_put_back_where_it_was(span):
    joints = walk()
    again = insert(joints, moved(joints, -2.0, [1.0, 0.0, 5.0]), *span)
    np.testing.assert_allclose(again, joints, atol=1e-4)


@pytest.mark.parametrize("span", [(20, 40), (0, 25), (35, 60)])
def test_another_pose_and_size_is_blended_in_without_a_jump(span):
    joints = walk()
    rng = np.random.default_rng(0)
    new = moved(joints, 0.7, [0.0, 0.0, 1.0]) * np.float32(1.05)
    new += rng.normal(0, 0.03, (1, 22, 3)).astype(np.float32)
    result = insert(joints, new, *span)
    start, end = span
    np.testing.assert_array_equal(result[:start], joints[:start])
    np.testing.assert_allclose(local(result)[end:], local(joints)[end:], atol=1e-5)
    np.testing.assert_allclose(bone_lengths(result), bone_lengths(joints), atol=1e-5)
    assert np.abs(result[(start + end) // 2] - joints[(start + end) // 2]).max() > 0.01
    for seam in span:
        if 0 < seam < 60:
            figures = measure_seam(result, seam)
            assert figures.jump_ratio < 1.3
            assert figures.change_ratio < 2.5


def test_a_small_gap_is_closed_and_the_rest_stays():
    joints = walk()
    new = joints.copy()
    new[30:] += np.array([0.1, 0.0, 0.0], np.float32)
    result = insert(joints, new, 20, 40)
    np.testing.assert_array_equal(result[40:], joints[40:])


def test_a_large_gap_moves_the_rest_as_a_whole():
    joints = walk()
    new = joints.copy()
    new[20:, :, 2] -= joints[20:, :1, 2] - joints[19, 0, 2]  # stays where it is
    result = insert(joints, new, 20, 40)
    shift = result[40:] - joints[40:]
    assert np.abs(shift).max() > 0.5
    np.testing.assert_allclose(local(result)[40:], local(joints)[40:], atol=1e-5)
    assert measure_seam(result, 40).jump_ratio < 1.5


def test_a_cut_is_measured_as_one():
    joints = walk()
    cut = joints.copy()
    cut[30:] += np.array([0.5, 0.0, 0.0], np.float32)
    smooth, rough = measure_seam(joints, 30), measure_seam(cut, 30)
    assert smooth.jump_ratio < 1.2
    assert rough.jump_ratio > 5
    assert rough.change_ratio > 5
    assert rough.jump == pytest.approx(0.5, abs=0.1)


@pytest.mark.parametrize("in_place", [True, False])
def test_a_round_of_a_turning_walk_closes(in_place):
    # The walk has two equal strides of 30 steps: frame 60 is frame 0, turned and further on.
    joints = walking_motion(61).joints
    closed = close_loop(joints, in_place)
    np.testing.assert_allclose(local(closed)[0], local(closed)[-1], atol=1e-5)
    travelled = closed[-1, 0] - closed[0, 0]
    assert abs(between_poses(closed[0], closed[-1]).turn) < (1e-5 if in_place else 1.7)
    assert (np.linalg.norm(travelled) < 1e-5) == in_place
    assert measure_loop(closed).jump_ratio < 1.3
