"""Two things at once: the legs of one motion and the arms of another on one body.

After SINC (Athanasiou et al. 2023), which composes motions by body parts; here the trunk and the
head are halfway between the two.
"""

from typing import Final

import numpy as np

from backend.motion import features as feat
from shared.motion import rotations as quat
from shared.motion.skeleton import BONE_LENGTHS, BONE_SUMS, JOINT, PARENTS

# Bones are named by the joint at their end.
_ARMS: Final = [
    JOINT[f"{side}_{part}"]
    for side in ("left", "right")
    for part in ("collar", "shoulder", "elbow", "wrist")
]
_TRUNK: Final = [JOINT[name] for name in ("spine1", "spine2", "spine3", "neck", "head")]
_EASE: Final = 8  # frames over which the arms pass from one motion to the other at each end


def compose(legs: np.ndarray, arms: np.ndarray) -> np.ndarray:
    """Features (t, 263) of the legs of one motion and the arms of another, t the shorter's.

    Arms point where they do seen from where their own body faces. The path, the pelvis and the legs
    are those of `legs`.
    """
    frames = min(len(legs), len(arms))
    below, above = (feat.features_to_joints(rows[:frames]) for rows in (legs, arms))
    facing = [feat.body_facing(joints)[:, None] for joints in (below, above)]
    bones = [
        quat.rotate(np.broadcast_to(turn, (frames, 21, 4)), _directions(joints))
        for turn, joints in zip(facing, (below, above), strict=True)
    ]
    mixed = bones[0].copy()
    share = np.ones((frames, 1, 1))
    share[:_EASE, 0, 0] = share[::-1][:_EASE, 0, 0] = (np.arange(_EASE) + 1) / (_EASE + 1)
    # The bone to joint j is row j - 1: the pelvis has none.
    trunk, whole = [joint - 1 for joint in _TRUNK], [joint - 1 for joint in _ARMS]
    for own, most in ((trunk, 0.5), (whole, 1.0)):
        mixed[:, own] = _between(bones[0][:, own], bones[1][:, own], most * share)
    back = np.broadcast_to(quat.conjugate(facing[0]), (frames, 21, 4))
    placed = quat.rotate(back, mixed) * BONE_LENGTHS[1:, None]
    joints = (below[:, :1] + BONE_SUMS @ placed).astype(np.float32)
    # Features have a frame less than joints; the last pose stands for the next.
    last = joints[-1:] + (joints[-1:] - joints[-2:-1])
    return feat.extract_features(np.concatenate([joints, last]))


def _between(a: np.ndarray, b: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Directions (..., 3) on the way from a to b, at an even speed, also to an opposite one."""
    turn = quat.to_axis_angle(quat.between(a, b))
    angle = np.linalg.norm(turn, axis=-1, keepdims=True)
    axis = turn / np.maximum(angle, 1e-9)
    return quat.rotate(quat.from_axis_angle(axis, (angle * share)[..., 0]), a)


def _directions(joints: np.ndarray) -> np.ndarray:
    bones = joints[:, 1:] - joints[:, list(PARENTS[1:])]
    return bones / np.maximum(np.linalg.norm(bones, axis=-1, keepdims=True), 1e-6)
