"""Clips closed to cycles."""

import numpy as np
import pytest
from sample_motions import walking_pose

from shared.motion.kinematics import Pose, forward_kinematics, rotation_steps
from shared.motion.loops import (
    close_cycle,
    find_cycle,
    heading,
    repeat_cycle,
    turned_about,
    turned_away,
)
from shared.motion.rotations import from_axis_angle

Y = np.array([0.0, 1.0, 0.0])


def part(pose: Pose, first: int, last: int) -> Pose:
    return Pose(pose.rotations[first : last + 1], pose.root[first : last + 1], pose.offsets)


def test_heading_is_the_turn_about_the_vertical() -> None:
    angles = np.linspace(-3.0, 3.0, 7)
    assert np.allclose(heading(from_axis_angle(Y, angles)), angles)


def test_turned_pose_starts_where_it_is_put() -> None:
    pose = walking_pose(30)
    goal = np.array([3.0, 9.0, -2.0])
    turned = turned_about(pose, 1.2, pose.root[0], goal)
    assert np.allclose(turned.root[0], [3.0, pose.root[0, 1], -2.0])
    assert np.allclose(np.ptp(turned.root[:, 1]), np.ptp(pose.root[:, 1]))
    assert np.isclose(heading(turned.rotations[0, 0]) - heading(pose.rotations[0, 0]), 1.2)
    seen, before = turned_away(turned), turned_away(pose)
    assert np.allclose(seen, before, atol=1e-9)


def test_cycle_of_a_walk_is_whole_steps() -> None:
    """The sample takes two strides in 60 frames: one of about 30 frames repeats best."""
    first, last = find_cycle(walking_pose(60), 20.0)
    strides = (last - first) / 29.5
    assert abs(strides - round(strides)) < 0.1


@pytest.mark.parametrize("last", [29, 37])
def test_closed_cycle_ends_as_it_starts_and_goes_straight(last) -> None:
    """Even a cut in mid-stride closes, without a frame that jumps."""
    pose = part(walking_pose(60), 0, last)
    closed = close_cycle(pose)
    seen = turned_away(closed)
    assert np.allclose(seen[0], seen[-1], atol=1e-6)
    assert np.isclose(heading(closed.rotations[-1, 0]), heading(closed.rotations[0, 0]), atol=1e-6)
    assert np.isclose(closed.root[0, 1], closed.root[-1, 1])
    assert rotation_steps(closed).max() < rotation_steps(pose).max() + 8.0
    way = np.linalg.norm(np.diff(closed.root[:, [0, 2]], axis=0), axis=-1).sum()
    before = np.linalg.norm(np.diff(pose.root[:, [0, 2]], axis=0), axis=-1).sum()
    assert np.isclose(way, before)


def test_repeated_cycle_has_no_seam() -> None:
    closed = close_cycle(part(walking_pose(60), 0, 29))
    long = repeat_cycle(closed, 3)
    assert len(long) == 3 * 29 + 1
    joints = forward_kinematics(long)
    steps = np.linalg.norm(np.diff(joints, axis=0), axis=-1).max(axis=1)
    assert np.allclose(steps[29:58], steps[:29], atol=1e-9)
    assert np.allclose(steps[58:], steps[:29], atol=1e-9)


def _cost(pose: Pose, fps: float, first: int, last: int) -> float:
    """How badly the clip repeats between two frames, frame by frame as the module says it."""
    seen, turn = turned_away(pose), heading(pose.rotations[:, 0])
    speed = np.gradient(seen, 1.0 / fps, axis=0)
    apart = (seen[first] - seen[last]) ** 2 + (0.2 * (speed[first] - speed[last])) ** 2
    net = abs((turn[last] - turn[first] + np.pi) % (2 * np.pi) - np.pi)
    shortened = 1 - (last - first) / (len(pose) - 1)
    return float(np.sqrt(apart.sum() / 22) + 0.3 * net + 0.1 * shortened)


@pytest.mark.parametrize(("first", "last"), [(0, 44), (3, 59), (7, 30), (11, 12)])
def test_the_cycle_is_the_cheapest_of_all_pairs(first: int, last: int) -> None:
    pose = part(walking_pose(60), first, last)
    count = len(pose)
    pairs = [
        (a, b) for a in range(count) for b in range(a + 1, count) if b - a >= 0.5 * (count - 1)
    ]
    best = min(pairs, key=lambda pair: _cost(pose, 20.0, *pair))
    found = find_cycle(pose, 20.0)
    assert _cost(pose, 20.0, *found) == pytest.approx(_cost(pose, 20.0, *best), abs=1e-9)
    assert found in pairs


@pytest.mark.parametrize("angle", [-3.1, -1.0, 0.5, 2.0, 3.1])
def test_closing_does_not_depend_on_where_the_clip_faces_and_stands(angle: float) -> None:
    pose = part(walking_pose(60), 0, 37)
    goal = np.array([2.0, 0.0, -1.0])
    closed = close_cycle(turned_about(pose, angle, pose.root[0], goal))
    expected = turned_about(close_cycle(pose), angle, pose.root[0], goal)
    assert np.allclose(closed.root, expected.root, atol=1e-9)
    assert np.allclose(forward_kinematics(closed), forward_kinematics(expected), atol=1e-6)


def test_a_repeated_cycle_goes_on_from_where_it_stands() -> None:
    pose = part(walking_pose(60), 0, 29)
    closed = close_cycle(turned_about(pose, 0.7, pose.root[0], np.array([5.0, 0.0, 3.0])))
    long = repeat_cycle(closed, 3)
    step = (closed.root[-1] - closed.root[0]) * [1, 0, 1]
    assert np.allclose(long.root[:30], closed.root)
    assert np.allclose(long.root[29:58], closed.root[:-1] + step)
    assert np.allclose(long.root[-1], closed.root[-1] + 2 * step)
    assert np.allclose(long.root[:, 1][29:58], closed.root[:-1, 1])
