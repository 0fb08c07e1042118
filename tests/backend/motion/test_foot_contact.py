import numpy as np
import pytest
from sample_motions import walking_motion

from backend.kinematic_checks.motion_quality import foot_skate
from backend.motion.features import FEET, motion_to_features, with_constant_bones
from backend.motion.foot_contact import clamp_joint_speed, ground, lock_feet, snap_to_floor
from shared.motion.skeleton import FEATURE_OFFSETS, PARENTS


def walk(frames):
    motion = walking_motion(frames)
    assert motion.up == "Y"
    return motion.joints.astype(np.float32)


def bone_lengths(joints):
    return np.linalg.norm(joints[:, 1:] - joints[:, list(PARENTS[1:])], axis=-1)


def standing(frames=40):
    pose = walk(2)[:1]
    return np.repeat(pose, frames, axis=0)


def test_a_body_that_drifts_on_standing_feet_is_held():
    joints = standing()
    joints[..., 0] += 0.01 * np.arange(len(joints))[:, None]
    planted = lock_feet(joints, np.ones((len(joints), 4)))
    assert np.ptp(planted[5:-5, FEET[1], 0]) < 0.005
    np.testing.assert_allclose(planted - planted[:, :1], joints - joints[:, :1], atol=1e-6)


def test_a_body_without_contact_flies_on():
    joints = standing()
    joints[..., 2] += 0.05 * np.arange(len(joints))[:, None]
    np.testing.assert_array_equal(lock_feet(joints, np.zeros((len(joints), 4))), joints)


def test_a_fast_foot_is_no_standing_foot():
    joints = standing()
    joints[..., 2] += 0.2 * np.arange(len(joints))[:, None]
    np.testing.assert_array_equal(lock_feet(joints, np.ones((len(joints), 4))), joints)


def soles(joints):
    return joints[:, list(FEET), 1].min(axis=1)


@pytest.mark.parametrize("height", [-0.16, 0.16])
def test_a_body_that_sinks_or_hangs_for_a_while_is_set_on_the_floor(height):
    joints = standing(80)
    joints[..., 1] -= soles(joints)[0]
    joints[30:50, :, 1] += height
    settled = snap_to_floor(joints, np.ones((80, 4)))
    assert np.abs(soles(settled)[36:44]).max() < 0.07
    assert np.abs(soles(settled)[[5, -5]]).max() < 0.01
    assert soles(settled).min() > -0.05
    np.testing.assert_allclose(settled - settled[:, :1], joints - joints[:, :1], atol=1e-6)
    # Slower than feet stand: no step is left where the height changed.
    assert np.abs(np.diff(settled[..., 1] - joints[..., 1], axis=0)).max() < 0.06


def test_a_body_in_the_air_stays_there():
    joints = standing()
    joints[10:20, :, 1] += 0.4
    contacts = np.ones((len(joints), 4))
    contacts[9:21] = 0
    np.testing.assert_allclose(snap_to_floor(joints, contacts)[12:18], joints[12:18], atol=0.01)


def test_a_leg_held_still_in_the_air_does_not_pull_the_body_down():
    joints = standing()
    joints[:, [7, 10], 1] += 0.5  # the left foot; captured contacts know speeds alone
    np.testing.assert_array_equal(snap_to_floor(joints, np.ones((len(joints), 4))), joints)


def test_a_jump_is_spread_over_the_frames_around_it():
    joints = standing()
    joints[20:, :, 0] += 1.2  # a body that is somewhere else in the next frame
    slow = clamp_joint_speed(joints)
    assert np.linalg.norm(np.diff(slow, axis=0), axis=-1).max() <= 0.5
    np.testing.assert_allclose(slow[[0, 10, 30, -1]], joints[[0, 10, 30, -1]], atol=1e-5)


def test_a_limb_that_flips_keeps_its_length():
    joints = standing()
    shoulder, arm = joints[:, [16]], [18, 20]
    joints[20:, arm] = (shoulder + (shoulder - joints[:, arm]) * [1, 1, -1])[20:]
    slow = clamp_joint_speed(joints)
    assert np.linalg.norm(np.diff(slow, axis=0), axis=-1).max() <= 0.5
    np.testing.assert_allclose(bone_lengths(slow), bone_lengths(joints), atol=1e-5)


def test_movements_of_people_stay_as_they_are():
    joints = walk(60)
    np.testing.assert_array_equal(clamp_joint_speed(joints), joints)


def test_stretched_bones_get_one_length_and_keep_their_direction():
    joints = walk(30)
    stretched = joints.copy()
    stretched[10, 20] += 0.3 * (joints[10, 20] - joints[10, 18])
    rigid = with_constant_bones(stretched)
    assert np.ptp(bone_lengths(rigid), axis=0).max() < 1e-5
    np.testing.assert_allclose(rigid[10, 20], joints[10, 20], atol=1e-5)


def test_a_real_walk_hardly_changes_and_a_sliding_one_slides_less():
    rows = motion_to_features(walk(80), FEATURE_OFFSETS)
    clean = ground(rows)
    sliding = rows.copy()
    sliding[:, 2] += 0.015
    slid = with_constant_bones(ground(sliding))
    assert foot_skate(slid) < 1.3 * foot_skate(clean) + 2
    assert len(clean) == len(rows)


@pytest.mark.parametrize("frames", [1, 2])
def test_the_shortest_motions_are_answered(frames):
    assert lock_feet(standing(frames), np.ones((frames, 4))).shape == (frames, 22, 3)


def one_foot(certainty, frames=40):
    contacts = np.zeros((frames, 4))
    contacts[:, 1] = certainty
    return contacts


@pytest.mark.parametrize(("certainty", "held"), [(0.4, 0.0), (0.6, 0.5), (0.8, 1.0), (1.0, 1.0)])
def test_a_foot_is_held_as_surely_as_its_contact_is(certainty, held):
    joints = standing()
    joints[..., 0] += 0.01 * np.arange(len(joints))[:, None]
    planted = lock_feet(joints, one_foot(certainty))
    steps = np.diff(planted[:, FEET[1], 0])
    np.testing.assert_allclose(steps, 0.01 * (1 - held), atol=1e-5)
    np.testing.assert_array_equal(planted[..., 1], joints[..., 1])


def test_two_frames_are_held_as_well():
    joints = standing(2)
    joints[1, :, 0] += 0.01
    np.testing.assert_allclose(lock_feet(joints, np.ones((2, 4)))[1], joints[0], atol=1e-6)


def test_what_is_set_on_the_floor_moves_up_and_down_alone():
    joints = standing(80)
    joints[..., 1] += 0.1 - soles(joints)[0]
    settled = snap_to_floor(joints, np.ones((80, 4)))
    np.testing.assert_array_equal(settled[..., [0, 2]], joints[..., [0, 2]])
    assert 0 <= soles(settled)[20:60].min() <= soles(settled)[20:60].max() < 0.07


def test_a_body_may_travel_as_fast_as_its_fastest_joint():
    joints = standing()
    joints[..., 2] += 0.4 * np.arange(len(joints))[:, None]  # 8 m/s, every joint alike
    np.testing.assert_array_equal(clamp_joint_speed(joints), joints)
    slowed = clamp_joint_speed(joints, limit=0.3)
    assert np.abs(slowed - joints).max() > 0.1
