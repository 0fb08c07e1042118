"""Clips that repeat: the part of a pose clip that starts and ends most alike, closed to a cycle."""

from typing import Final

import numpy as np

from .kinematics import Pose, forward_kinematics
from .limb_twist import smoothstep
from .rotations import (
    IDENTITY,
    conjugate,
    continuous,
    from_axis_angle,
    multiply,
    rotate,
    slerp,
    wrapped,
)

_UP: Final = np.array([0.0, 1.0, 0.0])
_SHORTEST: Final = 0.5  # of the clip
_CUT: Final = 0.1  # metres of difference that are worth the whole clip's length
_TURN: Final = 0.3  # metres of difference that a radian of net turn is worth
_SPEED: Final = 0.2  # seconds: how much difference a difference in speed is worth


def heading(rotations: np.ndarray) -> np.ndarray:
    """Angle (...) in radians by which rotations (..., 4) turn about the vertical."""
    turn = 2.0 * np.arctan2(rotations[..., 2], rotations[..., 0])
    return wrapped(turn)


def turned_about(pose: Pose, angle: float, pivot: np.ndarray, to: np.ndarray) -> Pose:
    """The pose turned by `angle` about the vertical through `pivot`, which moves above `to`.

    Heights stay as they are.
    """
    turn = from_axis_angle(_UP, angle)
    rotations = pose.rotations.copy()
    rotations[:, 0] = multiply(turn, rotations[:, 0])
    root = rotate(turn, pose.root - pivot) + to
    root[:, 1] = pose.root[:, 1]
    return Pose(rotations, root, pose.offsets)


def find_cycle(pose: Pose, fps: float) -> tuple[int, int]:
    """First and last frame between which the clip repeats best; at least half of it."""
    count = len(pose)
    seen = turned_away(pose)
    speed = np.gradient(seen, 1.0 / fps, axis=0) if count > 1 else np.zeros_like(seen)
    features = np.concatenate([seen, _SPEED * speed], axis=1).reshape(count, -1)
    square = (features**2).sum(-1)
    apart = square[:, None] + square[None] - 2.0 * features @ features.T
    joints = seen.shape[1]
    cost = np.sqrt(np.maximum(apart, 0.0) / joints)
    turn = heading(pose.rotations[:, 0])
    turns = wrapped(turn[None] - turn[:, None])
    length = np.arange(count)[None] - np.arange(count)[:, None]
    cost += _TURN * np.abs(turns) + _CUT * (1.0 - length / max(count - 1, 1))
    cost[length < max(1.0, _SHORTEST * (count - 1))] = np.inf
    first, last = np.unravel_index(cost.argmin(), cost.shape)
    return int(first), int(last)


def turned_away(pose: Pose) -> np.ndarray:
    """Joints (T, 22, 3) as seen from the body: below the pelvis is the origin, z is forward."""
    joints = forward_kinematics(pose)
    away = from_axis_angle(_UP, -heading(pose.rotations[:, 0]))
    return rotate(away[:, None], joints - pose.root[:, None] * [1.0, 0.0, 1.0])


def close_cycle(pose: Pose) -> Pose:
    """The clip bent so that its last frame is its first one, carried on by the way travelled.

    What is missing is spread over the whole clip, so that no frame jumps. A net turn is taken out
    of the path as well: a cycle goes straight on.
    """
    count = len(pose)
    share = np.linspace(0.0, 1.0, count)
    pose = _straightened(pose, share)
    gap = multiply(conjugate(pose.rotations[-1]), pose.rotations[0])
    eased = smoothstep(share, 0.0, 1.0)
    bend = slerp(IDENTITY, gap[None], eased[:, None])
    root = pose.root.copy()
    root[:, 1] += eased * (root[0, 1] - root[-1, 1])
    return Pose(continuous(multiply(pose.rotations, bend)), root, pose.offsets)


def _straightened(pose: Pose, share: np.ndarray) -> Pose:
    turn = heading(pose.rotations[:, 0])
    net = wrapped(turn[-1] - turn[0])
    back = from_axis_angle(_UP, -net * share)
    rotations = pose.rotations.copy()
    rotations[:, 0] = multiply(back, rotations[:, 0])
    steps = rotate(back[:-1], np.diff(pose.root, axis=0))
    root = pose.root[0] + np.concatenate([np.zeros((1, 3)), np.cumsum(steps, axis=0)])
    return Pose(rotations, root, pose.offsets)


def repeat_cycle(pose: Pose, times: int) -> Pose:
    """A closed cycle of N + 1 frames several times in a row: times * N + 1 frames."""
    step = (pose.root[-1] - pose.root[0]) * [1.0, 0.0, 1.0]
    rotations = np.concatenate([pose.rotations[:-1]] * times + [pose.rotations[-1:]])
    roots = [pose.root[:-1] + k * step for k in range(times)]
    roots.append(pose.root[-1:] + (times - 1) * step)
    return Pose(continuous(rotations), np.concatenate(roots), pose.offsets)
