"""Motions made by formula in which somebody strikes, for tests."""

from dataclasses import replace

import numpy as np
from sample_motions import X, Z, still_pose

from shared.motion.kinematics import Pose, forward_kinematics
from shared.motion.motion import Motion
from shared.motion.rotations import from_axis_angle
from shared.motion.skeleton import JOINT


def kicking_pose(frames: int = 120, kicks: tuple[int, ...] = (60,), fps: float = 20.0) -> Pose:
    """Somebody stands with the arms down, and the right leg shoots up to the front and down."""
    pose = still_pose(frames)
    for side, sign in (("left", 1.0), ("right", -1.0)):
        down = from_axis_angle(Z, np.full(frames, -1.3 * sign))
        pose.rotations[:, JOINT[f"{side}_shoulder"]] = down
    seconds = np.arange(frames) / fps
    lift = sum(np.exp(-(((seconds - kick / fps) / 0.18) ** 2)) for kick in kicks)
    pose.rotations[:, JOINT["right_hip"]] = from_axis_angle(X, -1.7 * np.asarray(lift))
    return pose


def kicking_motion(frames: int = 120, kicks: tuple[int, ...] = (60,), fps: float = 20.0) -> Motion:
    """`kicking_pose` as joint positions, on the floor."""
    joints = forward_kinematics(kicking_pose(frames, kicks, fps))
    joints[..., 1] -= joints[..., 1].min()
    return replace(Motion(joints.astype(np.float32)), fps=fps)
