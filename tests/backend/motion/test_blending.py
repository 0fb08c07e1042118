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


def standing(frames=60):
    return np.repeat(walk(2)[:1], frames, axis=0)


def shifted(joints, metres):
    """The joints moved along x by so many metres in each frame (T)."""
    return joints + np.array(metres, np.float32)[:, None, None] * np.array([1, 0, 0], np.float32)


def test_a_turn_is_the_short_way_round():
    joints = standing(2)
    there, back = moved(joints, 3.0, [0, 0, 0])[0], moved(joints, -3.0, [0, 0, 0])[0]
    assert between_poses(there, back).turn == pytest.approx(2 * np.pi - 6, abs=1e-5)
    assert between_poses(back, there).turn == pytest.approx(6 - 2 * np.pi, abs=1e-5)


@pytest.mark.parametrize(
    ("seconds", "gap", "stays"),
    [(2.0, 0.3, True), (0.5, 0.15, False), (1.0, 0.3, False), (1.0, 0.19, True)],
)
def test_a_gap_is_closed_where_feet_would_slide_by_less_than_a_fifth_of_a_metre_a_second(
    seconds, gap, stays
):
    joints = standing(100)
    start, end = 20, 20 + round(20 * seconds)
    drift = np.clip((np.arange(100) - start + 1) / (end - start + 1), 0, 1) * gap
    result = insert(joints, shifted(joints, drift), start, end)
    rest = result[end:, 0, 0] - joints[end:, 0, 0]
    np.testing.assert_allclose(rest, 0 if stays else gap, atol=1e-5)


@pytest.mark.parametrize(("turn", "stays"), [(1.1, True), (1.4, False)])
def test_a_turn_is_closed_where_the_body_would_spin_by_less_than_0_6_a_second(turn, stays):
    joints = standing(100)
    share = np.clip((np.arange(100) - 19) / 41, 0, 1)
    angles = quat.from_axis_angle(UP, turn * share)
    new = quat.rotate(angles[:, None], joints - joints[0, 0]) + joints[0, 0]
    result = insert(joints, new.astype(np.float32), 20, 60)
    after = between_poses(joints[80], result[80]).turn
    assert after == pytest.approx(0 if stays else turn, abs=1e-4)


def test_what_closes_a_gap_is_spread_evenly_round_its_middle():
    joints = standing(100)
    drift = np.clip((np.arange(100) - 19) / 61, 0, 1) * 0.3
    result = insert(joints, shifted(joints, drift), 20, 80)
    offset = result[:, 0, 0] - joints[:, 0, 0]
    # The drift is a straight line, what takes it away an even curve: both are half in the middle.
    assert (offset[49] + offset[50]) / 2 == pytest.approx(0, abs=2e-3)
    assert offset[35] == pytest.approx(-offset[64], abs=2e-3)
    assert offset[35] > 0.02


@pytest.mark.parametrize("start", [1, 20])
def test_a_new_end_begins_where_and_as_fast_as_the_motion_was(start):
    joints = standing()
    speed = 0.02
    result = insert(joints, shifted(joints, speed * np.arange(60)), start, 60)
    offset = result[:, 0, 0] - joints[0, 0, 0]
    np.testing.assert_allclose(offset[:start], 0, atol=1e-6)
    # Once the new speed is reached, it is where it began plus the way since then.
    np.testing.assert_allclose(offset[start + 12 :], speed * np.arange(13, 61 - start), atol=1e-5)
    if start > 1:  # of one frame no speed is known
        steps = np.diff(offset[start - 1 :])
        assert steps[0] < 0.3 * speed
        assert steps.max() < 1.6 * speed


def test_a_new_beginning_ends_where_and_as_fast_as_the_motion_goes_on():
    joints = standing()
    result = insert(joints, shifted(joints, 0.02 * np.arange(60)), 0, 40)
    offset = result[:, 0, 0] - joints[0, 0, 0]
    np.testing.assert_array_equal(result[40:], joints[40:])
    np.testing.assert_allclose(offset[:28], 0.02 * (np.arange(28) - 40), atol=1e-5)
    assert abs(offset[39]) < 0.3 * 0.02


def test_figures_of_one_joint_that_jumps():
    joints = standing(40).astype(np.float64)
    frames = np.arange(40)[:, None]
    joints[..., 2] += 0.1 * frames
    joints[..., 0] += 0.005 * frames**2  # speeds change by 0.01 in each frame
    joints[20:, 5, 1] += 0.3
    figures = measure_seam(joints, 20)
    along = np.hypot(0.1, 0.005 * (20**2 - 19**2))
    assert figures.jump == pytest.approx(np.hypot(along, 0.3), rel=1e-5)
    others = np.hypot(0.1, 0.005 * (2 * np.delete(np.arange(39), 19) + 1))
    assert figures.jump_ratio == pytest.approx(
        figures.jump / np.percentile(np.repeat(others, 22), 99), rel=1e-4
    )
    assert figures.change_ratio == pytest.approx(np.hypot(0.3, 0.01) / 0.01, rel=1e-3)


@pytest.mark.parametrize("seam", [1, 39])
def test_a_seam_at_the_rim_is_measured_as_well(seam):
    joints = standing(40).astype(np.float64)
    joints[..., 2] += 0.1 * np.arange(40)[:, None]
    joints[seam:, 5, 1] += 0.3
    figures = measure_seam(joints, seam)
    assert figures.jump == pytest.approx(np.hypot(0.1, 0.3), rel=1e-5)
    assert figures.change_ratio > 1e4


@pytest.mark.parametrize("turn", [0.5, 1.5])
def test_a_travelling_round_goes_straight_on_unless_it_turns_by_much(turn):
    joints = standing(41)
    share = np.arange(41) / 40
    way = np.stack([np.sin(turn * share), 0 * share, np.cos(turn * share)], -1) * 0.05
    path = np.concatenate([np.zeros((1, 3)), np.cumsum(way[:-1], axis=0)])
    local_joints = joints - joints[:, :1] * [1, 0, 1]
    start = quat.from_axis_angle(UP, -between_poses(joints[0], joints[0]).turn)
    turning = quat.rotate(quat.multiply(start, quat.from_axis_angle(UP, turn * share))[:, None],
                          local_joints) + path[:, None]  # fmt: skip
    closed = close_loop(turning.astype(np.float32), in_place=False)
    net = between_poses(closed[0], closed[-1]).turn
    assert net == pytest.approx(turn if turn > np.pi / 4 else 0, abs=1e-4)
    if turn < np.pi / 4:
        steps = np.diff(closed[:, 0, [0, 2]], axis=0)
        np.testing.assert_allclose(steps, np.broadcast_to(steps[:1], steps.shape), atol=1e-3)
        assert np.linalg.norm(closed[-1, 0] - closed[0, 0]) == pytest.approx(2.0, abs=0.01)
    np.testing.assert_allclose(closed[:, 0, 1], turning[:, 0, 1], atol=1e-5)


def test_a_round_in_place_ends_exactly_where_it_began():
    closed = close_loop(walking_motion(61).joints, in_place=True)
    np.testing.assert_array_equal(closed[-1], closed[0])
    # Only the mean travel is taken out: the swaying of every stride stays.
    assert 0.005 < np.ptp(closed[:, 0, [0, 2]], axis=0).max() < 0.5
