"""The 22-joint SMPL skeleton that every Placid motion uses (HumanML3D's joint order)."""

from typing import Final, Literal

import numpy as np

# Of the limb that acts.
Side = Literal["left", "right", "both"]

JOINT_NAMES: Final = (
    "pelvis",
    "left_hip",
    "right_hip",
    "spine1",
    "left_knee",
    "right_knee",
    "spine2",
    "left_ankle",
    "right_ankle",
    "spine3",
    "left_foot",
    "right_foot",
    "neck",
    "left_collar",
    "right_collar",
    "head",
    "left_shoulder",
    "right_shoulder",
    "left_elbow",
    "right_elbow",
    "left_wrist",
    "right_wrist",
)
JOINT_COUNT: Final = len(JOINT_NAMES)
JOINT: Final = {name: index for index, name in enumerate(JOINT_NAMES)}

PARENTS: Final = (-1, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 12, 13, 14, 16, 17, 18, 19)

# Root to tip; the arm chains start at spine3. The order is that of HumanML3D's features.
CHAINS: Final = (
    (0, 2, 5, 8, 11),
    (0, 1, 4, 7, 10),
    (0, 3, 6, 9, 12, 15),
    (9, 14, 17, 19, 21),
    (9, 13, 16, 18, 20),
)

# MIRROR[j] is the joint that j becomes when left and right change places.
MIRROR: Final = tuple(
    JOINT[name.replace("left", "#").replace("right", "left").replace("#", "right")]
    for name in JOINT_NAMES
)

# Unit bone directions of the T-pose that HumanML3D's rotations refer to (Y up, facing +Z).
RAW_OFFSETS: Final = np.array(
    [
        [0, 0, 0],
        [1, 0, 0],
        [-1, 0, 0],
        [0, 1, 0],
        [0, -1, 0],
        [0, -1, 0],
        [0, 1, 0],
        [0, -1, 0],
        [0, -1, 0],
        [0, 1, 0],
        [0, 0, 1],
        [0, 0, 1],
        [0, 1, 0],
        [1, 0, 0],
        [-1, 0, 0],
        [0, 0, 1],
        [0, -1, 0],
        [0, -1, 0],
        [0, -1, 0],
        [0, -1, 0],
        [0, -1, 0],
        [0, -1, 0],
    ],
    dtype=np.float32,
)
RAW_OFFSETS.setflags(write=False)

# Bone lengths of Placid's own skeleton, metres: the training subjects' mean, made symmetric.
BONE_LENGTHS: Final = np.array(
    [
        *(0, 0.105, 0.105, 0.13, 0.4, 0.4, 0.105, 0.42, 0.42, 0.052, 0.125, 0.125),
        *(0.09, 0.1, 0.1, 0.15, 0.105, 0.105, 0.27, 0.27, 0.215, 0.215),
    ],
    dtype=np.float32,
)

# Bone directions of its T-pose (Y up, facing +Z, the body's left along +X); not normalised.
_T_POSE_DIRECTIONS: Final = np.array(
    [
        [0, 0, 0],
        [0.8, -0.6, 0],
        [-0.8, -0.6, 0],
        [0, 1, -0.1],
        [0, -1, 0],
        [0, -1, 0],
        [0, 1, 0],
        [0, -1, 0],
        [0, -1, 0],
        [0, 1, 0.1],
        [0, -0.4, 1],
        [0, -0.4, 1],
        [0, 1, 0],
        [0.8, 0.6, 0],
        [-0.8, 0.6, 0],
        [0, 1, 0.2],
        [1, 0, 0],
        [-1, 0, 0],
        [1, 0, 0],
        [-1, 0, 0],
        [1, 0, 0],
        [-1, 0, 0],
    ],
    dtype=np.float32,
)


def _scaled(directions: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    norms = np.maximum(np.linalg.norm(directions, axis=-1, keepdims=True), 1e-9)
    offsets = (directions / norms * lengths[:, None]).astype(np.float32)
    offsets.setflags(write=False)
    return offsets


# Placid's own rest pose: offset of every joint from its parent, (22, 3) metres, a T-pose.
REFERENCE_OFFSETS: Final = _scaled(_T_POSE_DIRECTIONS, BONE_LENGTHS)

# The same skeleton along HumanML3D's raw bone directions, to which its rotations refer.
FEATURE_OFFSETS: Final = _scaled(RAW_OFFSETS, BONE_LENGTHS)


def _bone_sums() -> np.ndarray:
    sums = np.zeros((JOINT_COUNT, JOINT_COUNT - 1), dtype=np.float32)
    for joint in range(1, JOINT_COUNT):
        sums[joint] = sums[PARENTS[joint]]
        sums[joint, joint - 1] = 1
    return sums


# (22, 21): which bones (of joints 1..21, seen from their parents) lead from the pelvis to a joint.
BONE_SUMS: Final = _bone_sums()
