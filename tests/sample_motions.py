"""Motions made by formula, for tests: exact bone lengths and known rotations."""

import numpy as np

from shared.motion.kinematics import Pose, forward_kinematics
from shared.motion.motion import Motion
from shared.motion.rotations import from_axis_angle, multiply
from shared.motion.skeleton import JOINT, JOINT_COUNT, REFERENCE_OFFSETS

X, Y, Z = np.eye(3)


def still_pose(frames: int) -> Pose:
    """The T-pose, held."""
    rotations = np.tile([1.0, 0.0, 0.0, 0.0], (frames, JOINT_COUNT, 1))
    root = np.tile([0.0, 0.95, 0.0], (frames, 1))
    return Pose(rotations, root, REFERENCE_OFFSETS.astype(float))


def walking_pose(frames: int = 60) -> Pose:
    """Legs and bent arms swing, chest counter-rotates, the body travels forward and turns."""
    pose = still_pose(frames)
    phase = np.linspace(0.0, 4.0 * np.pi, frames)
    turn = pose.rotations
    turn[:, JOINT["pelvis"]] = from_axis_angle(Y, 0.4 * phase / np.pi)
    turn[:, JOINT["spine2"]] = from_axis_angle(Y, 0.2 * np.sin(phase))
    turn[:, JOINT["neck"]] = from_axis_angle(X, 0.1 * np.cos(phase))
    for side, sign in (("left", 1.0), ("right", -1.0)):
        swing = sign * np.sin(phase)
        turn[:, JOINT[f"{side}_hip"]] = from_axis_angle(X, -0.5 * swing)
        turn[:, JOINT[f"{side}_knee"]] = from_axis_angle(X, 0.5 - 0.5 * np.cos(phase + sign))
        turn[:, JOINT[f"{side}_ankle"]] = from_axis_angle(X, 0.2 * swing)
        down = from_axis_angle(Z, np.full(frames, -1.3 * sign))
        turn[:, JOINT[f"{side}_shoulder"]] = multiply(from_axis_angle(X, 0.5 * swing), down)
        turn[:, JOINT[f"{side}_elbow"]] = from_axis_angle(Y, -sign * (0.6 + 0.3 * swing))
    pose.root[:, 2] = np.linspace(0.0, 2.4, frames)
    return pose


def walking_motion(frames: int = 60) -> Motion:
    """`walking_pose` as joint positions at 20 frames a second, lowest joint on the floor."""
    joints = forward_kinematics(walking_pose(frames))
    joints[..., 1] -= joints[..., 1].min()
    return Motion(joints.astype(np.float32), prompt="a person walks", seed=3)
