from dataclasses import replace

import numpy as np
import pytest
from sample_motions import still_pose, walking_motion, walking_pose

from shared.motion.kinematics import (
    Pose,
    forward_kinematics,
    resample,
    resample_contacts,
    resample_pose,
    rotation_steps,
    solve,
)
from shared.motion.motion import Motion
from shared.motion.rotations import from_axis_angle, rotate
from shared.motion.skeleton import JOINT

X, Y, Z = np.eye(3)


def motion_of(pose: Pose) -> Motion:
    return Motion(forward_kinematics(pose).astype(np.float32))


def test_solution_reproduces_joints() -> None:
    motion = walking_motion()
    error = np.linalg.norm(forward_kinematics(solve(motion)) - motion.joints, axis=-1)
    assert error.max() < 0.005


def test_solution_does_not_depend_on_the_up_axis() -> None:
    motion = walking_motion()
    turned = solve(motion.with_up("Z"))
    assert np.allclose(turned.rotations, solve(motion).rotations, atol=1e-5)


def test_bone_lengths_that_vary_do_not_add_up() -> None:
    motion = walking_motion()
    noisy = motion.joints + np.random.RandomState(1).normal(0.0, 0.004, motion.joints.shape)
    error = np.linalg.norm(forward_kinematics(solve(Motion(noisy))) - noisy, axis=-1)
    assert error[:, [JOINT["left_ankle"], JOINT["right_wrist"]]].mean() < 0.01


def test_twist_of_a_bent_arm_is_found() -> None:
    """The upper arm turned about its own length shows in where the forearm goes."""
    pose = still_pose(20)
    elbow, shoulder = JOINT["left_elbow"], JOINT["left_shoulder"]
    pose.rotations[:, elbow] = from_axis_angle(Y, np.full(20, -1.2))
    pose.rotations[:, shoulder] = from_axis_angle(X, np.linspace(0.0, 0.8, 20))
    found = solve(motion_of(pose)).global_rotations()[:, shoulder]
    up = rotate(found, Y)
    expected = rotate(pose.rotations[:, shoulder], Y)
    degrees = np.degrees(np.arccos(np.clip((up * expected).sum(-1), -1.0, 1.0)))
    assert degrees.max() < 10.0


def test_straight_limbs_neither_flip_nor_twist() -> None:
    """An arm that swings through the straight position keeps its twist."""
    pose = still_pose(60)
    bend = 0.9 * np.abs(np.cos(np.linspace(0.0, np.pi, 60)))
    pose.rotations[:, JOINT["left_elbow"]] = from_axis_angle(Y, -bend)
    noise = np.random.RandomState(2).normal(0.0, 0.001, (60, 22, 3))
    solved = solve(Motion(forward_kinematics(pose) + noise))
    assert rotation_steps(solved)[:, JOINT["left_shoulder"]].max() < 10.0


def test_arm_raised_over_the_head_stays_continuous() -> None:
    pose = still_pose(60)
    pose.rotations[:, JOINT["left_shoulder"]] = from_axis_angle(Z, np.linspace(-1.4, 2.6, 60))
    steps = rotation_steps(solve(motion_of(pose)))
    assert steps[:, JOINT["left_shoulder"]].max() < 6.0


def test_straight_leg_takes_its_twist_from_the_foot() -> None:
    pose = still_pose(20)
    pose.rotations[:, JOINT["left_hip"]] = from_axis_angle(Y, np.full(20, 0.5))
    thigh = solve(motion_of(pose)).global_rotations()[:, JOINT["left_hip"]]
    heading = np.degrees(np.arctan2(*rotate(thigh, Z)[:, [0, 2]].T))
    assert np.allclose(heading, np.degrees(0.5), atol=6.0)


def test_standing_foot_is_level_though_the_leg_leans() -> None:
    pose = still_pose(20)
    pose.rotations[:, JOINT["left_hip"]] = from_axis_angle(Z, np.full(20, 0.5))
    pose.rotations[:, JOINT["left_ankle"]] = from_axis_angle(Z, np.full(20, -0.5))
    motion = replace(motion_of(pose), contacts=np.ones((20, 4), dtype=bool))
    foot = solve(motion).global_rotations()[:, JOINT["left_ankle"]]
    assert np.degrees(np.arccos(rotate(foot, Y)[:, 1])).max() < 8.0


def test_foot_whose_markers_get_lost_does_not_flip() -> None:
    motion = walking_motion()
    joints = motion.joints.copy()
    ankle, toes = JOINT["left_ankle"], JOINT["left_foot"]
    # For two frames the toes are seen above the heel, where no ankle can turn them.
    joints[30:32, toes] = joints[30:32, ankle] + [0.0, 0.12, -0.03]
    steps = rotation_steps(solve(Motion(joints)))[:, ankle]
    assert steps.max() < 1.5 * rotation_steps(solve(motion))[:, ankle].max()


def test_single_frame() -> None:
    pose = solve(Motion(walking_motion().joints[:1]))
    assert pose.rotations.shape == (1, 22, 4)
    assert np.isfinite(pose.rotations).all()


def test_rotation_steps_measure_degrees() -> None:
    pose = still_pose(3)
    pose.rotations[1:, JOINT["neck"]] = from_axis_angle(X, 0.3)
    steps = rotation_steps(pose)
    assert np.isclose(steps[0, JOINT["neck"]], np.degrees(0.3))
    assert np.allclose(steps[1], 0.0)


@pytest.mark.parametrize("fps", [24.0, 30.0, 60.0, 12.5])
def test_resampled_pose_passes_through_the_motion(fps: float) -> None:
    pose = walking_pose(41)
    faster = resample_pose(pose, 20.0, fps)
    assert len(faster) == int(2.0 * fps) + 1
    assert np.allclose(faster.root[-1], pose.root[-1], atol=1e-6)
    assert rotation_steps(faster).max() <= rotation_steps(pose).max() * 20.0 / fps * 1.05 + 1e-6


def test_resampled_motion_keeps_its_length_and_contacts() -> None:
    motion = walking_motion(41)
    contacts = np.zeros((41, 4), dtype=bool)
    contacts[20:] = True
    faster = resample(replace(motion, contacts=contacts), 60.0)
    assert np.isclose(faster.seconds, motion.seconds, atol=0.05)
    assert faster.contacts is not None
    assert not faster.contacts[:58].any()
    assert faster.contacts[60:].all()
    assert np.allclose(faster.joints[::3], motion.joints, atol=1e-6)


def test_resampled_contacts_take_the_nearest_frame() -> None:
    contacts = np.array([[True] * 4, [False] * 4])
    assert resample_contacts(contacts, 20.0, 80.0)[:, 0].tolist() == [1, 1, 0, 0, 0]
