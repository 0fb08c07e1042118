"""Boxing and dancing as the kinematic checks see them, on motions made by formula."""

import numpy as np
import pytest

from backend.kinematic_checks.detect import detect, strikes
from shared.motion.kinematics import Pose, forward_kinematics
from shared.motion.rotations import from_axis_angle
from shared.motion.skeleton import JOINT
from tests.sample_motions import X, Y, Z, still_pose, walking_motion

FRAMES = 80
SIGNS = {"left": 1.0, "right": -1.0}


def finds(kind: str, pose: Pose) -> bool:
    joints = forward_kinematics(pose)
    joints[..., 1] -= joints[..., 1].min()
    return detect(joints)[kind].present


def fists(**blows: list[int]) -> Pose:
    """A guard at shoulder height; each named arm is straight to the front in these frames."""
    return _arms(0.2, **blows)


def slow_fists(**blows: list[int]) -> Pose:
    return _arms(0.7, **blows)


def _arms(seconds: float, **blows: list[int]) -> Pose:
    pose = still_pose(FRAMES)
    times = np.arange(FRAMES)[:, None] / 20
    for side, sign in SIGNS.items():
        out = np.zeros(FRAMES)
        if side in blows:
            away = np.abs(times - np.array(blows[side]) / 20).min(axis=1)
            out = 0.5 + 0.5 * np.cos(np.pi * np.minimum(away / seconds, 1.0))
        upper, fore = 0.6 + out * (np.pi / 2 - 0.6), 2.0 * (1 - out)
        pose.rotations[:, JOINT[f"{side}_shoulder"]] = from_axis_angle(Y, -sign * upper)
        pose.rotations[:, JOINT[f"{side}_elbow"]] = from_axis_angle(Y, -sign * fore)
    return pose


def whirl(arms: tuple[str, ...] = ("left", "right"), leg: float = 0.9) -> Pose:
    """Arms go up from beside the body and down again in two seconds, while a leg lifts aside."""
    pose = still_pose(FRAMES)
    swing = 0.5 - 0.5 * np.cos(np.pi * np.arange(FRAMES) / 20)
    for side, sign in SIGNS.items():
        up = swing if side in arms else np.zeros(FRAMES)
        pose.rotations[:, JOINT[f"{side}_shoulder"]] = from_axis_angle(Z, sign * (2.0 * up - 1.4))
    pose.rotations[:, JOINT["left_hip"]] = from_axis_angle(Z, leg * swing)
    return pose


def test_blows_in_turn_are_boxing():
    assert finds("boxing", fists(left=[15, 45], right=[30, 60]))


def test_a_bout_is_a_strike():
    found = strikes(forward_kinematics(fists(left=[15, 45], right=[30, 60])))
    assert [strike.side for strike in found if strike.kind == "boxing"] == [None]


def test_jabs_of_one_hand_are_boxing():
    assert finds("boxing", fists(left=[20, 40]))


@pytest.mark.parametrize(
    "pose",
    [
        fists(),
        fists(left=[20]),
        fists(left=[15], right=[65]),
        slow_fists(left=[20], right=[45]),
        fists(left=[20, 40], right=[20, 40]),
        whirl(),
    ],
    ids=["guard", "one blow", "far between", "slow", "both at once", "dance"],
)
def test_other_arms_are_not_boxing(pose: Pose):
    assert not finds("boxing", pose)


def test_blows_count_and_end_with_the_bout():
    joints = forward_kinematics(fists(left=[15], right=[30]))
    (bout,) = detect(joints)["boxing"].events
    assert bout.strength == 2
    assert bout.start < 15
    assert 30 < bout.end <= 32


def test_wide_arms_with_a_lifted_leg_are_dance():
    assert finds("dance", whirl())


def test_dance_is_found_where_it_happens():
    still, moving = still_pose(FRAMES), whirl()
    for side, sign in SIGNS.items():
        down = from_axis_angle(Z, np.full(FRAMES, -1.4 * sign))
        still.rotations[:, JOINT[f"{side}_shoulder"]] = down
    joints = np.concatenate([forward_kinematics(pose) for pose in (still, moving)])
    (event,) = detect(joints)["dance"].events
    assert event.start > FRAMES - 10


@pytest.mark.parametrize(
    "pose",
    [whirl(leg=0.0), whirl(arms=("left",)), whirl(arms=()), fists(left=[15, 45], right=[30, 60])],
    ids=["no leg", "one arm", "no arms", "boxing"],
)
def test_half_a_dance_is_none(pose: Pose):
    assert not finds("dance", pose)


def test_a_kick_on_the_spot_is_no_dance():
    pose = whirl(arms=(), leg=0.0)
    lift = 0.5 - 0.5 * np.cos(np.pi * np.arange(FRAMES) / 10)
    pose.rotations[:, JOINT["right_hip"]] = from_axis_angle(X, -1.5 * lift)
    assert not finds("dance", pose)


@pytest.mark.parametrize("kind", ["boxing", "dance"])
def test_walking_is_neither(kind: str):
    assert not detect(walking_motion().joints)[kind].present
