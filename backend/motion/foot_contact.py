"""From decoded features to a body that stands: rigid bones, feet on the floor that do not slide.

The networks place every joint and the root's height and velocity on their own. On a character the
bones are rigid and a foot that carries weight stays where it is, on the floor, so what they
disagree in is settled here.
"""

from typing import Final

import numpy as np

from backend.motion.features import (
    CONTACTS,
    FEET,
    STANDS,
    bone_lengths,
    features_to_joints,
    with_bone_lengths,
    with_constant_bones,
)
from shared.motion.filters import gaussian_filter1d

_HORIZONTAL: Final = [0, 2]
# Contact features over the first are signs of a standing foot, over the second proof. HumanML3D's
# labels are 0 or 1, and a decoder gives what is between; no measurement chose these two.
_DOUBT: Final = 0.4
_SURE: Final = 0.8
# A "standing" foot that is faster than this (metres a frame, 1.2 m/s) is a wrong sign of contact.
_FASTEST: Final = 0.06
_SMOOTHING: Final = 1.0  # frames
# What the fastest joint of recorded people, fighters among them, moves from one frame to the next
# in all but a thousandth of the frames: metres a frame, 10 m/s.
_FASTEST_JOINT: Final = 0.5
_MOST_PASSES: Final = 50
# An ankle or toe joint (order of FEET) that is up to so high (metres) may stand on the floor.
_STANDING: Final = np.array([0.13, 0.06, 0.13, 0.06])
_SETTLING: Final = 2.0  # frames


def ground(rows: np.ndarray) -> np.ndarray:
    """Joints (T, 22, 3), metres, Y up, of features (T, 263): rigid bones and standing feet.

    No joint moves faster than recorded people's.
    """
    joints = with_constant_bones(features_to_joints(rows))
    contacts = rows[:, CONTACTS]
    return clamp_joint_speed(snap_to_floor(lock_feet(joints, contacts), contacts))


def snap_to_floor(joints: np.ndarray, contacts: np.ndarray) -> np.ndarray:
    """Raise the body where feet are below the floor, lower it where what carries it hangs above.

    A code that stands for another pose, as an edit puts it in, need not agree with the height of
    the root beside it. Every pose stays as it is.

    Args:
        joints, contacts: as of `lock_feet`.
    """
    heights = joints[:, list(FEET), 1]
    above = np.where(contacts > STANDS, heights - _STANDING, np.inf).min(axis=1)
    hanging = np.where(np.isfinite(above), np.maximum(above, 0), 0)
    move = gaussian_filter1d(-hanging, _SETTLING, mode="nearest")
    for _ in range(2):  # smoothing takes a part of the rise away again
        sunken = np.maximum(-(heights.min(axis=1) + move), 0)
        move += gaussian_filter1d(sunken, _SETTLING, mode="nearest")
    return joints + move[:, None, None] * np.array([0, 1, 0], dtype=joints.dtype)


def clamp_joint_speed(joints: np.ndarray, limit: float = _FASTEST_JOINT) -> np.ndarray:
    """Spread movements of joints (T, 22, 3) over `limit` metres a frame to the frames around them.

    Poses on either side of too long a step are averaged with their neighbours until none is left;
    bones keep their lengths.
    """
    lengths = bone_lengths(joints)
    for _ in range(_MOST_PASSES):
        steps = np.linalg.norm(np.diff(joints, axis=0), axis=-1)
        fast = (steps > limit).any(axis=1)
        if not fast.any():
            break
        near = np.concatenate([fast, [False]]) | np.concatenate([[False], fast])
        ends = np.concatenate([joints[:1], joints, joints[-1:]])
        smooth = (ends[:-2] + 2 * joints + ends[2:]) / 4
        smooth = with_bone_lengths(smooth, lengths)
        joints = np.where(near[:, None, None], smooth, joints)
    return joints


def lock_feet(joints: np.ndarray, contacts: np.ndarray) -> np.ndarray:
    """Move the whole body so that what carries it stays in place on the floor.

    The root's path, not the legs, takes up the difference: every pose stays as it is.

    Args:
        joints: (T, 22, 3), metres, Y up.
        contacts: (T, 4), about 0 to 1, of left ankle and toes, right ankle and toes.
    """
    if len(joints) < 2:
        return joints
    weight = np.clip((contacts - _DOUBT) / (_SURE - _DOUBT), 0, 1)
    weight = np.minimum(weight[:-1], weight[1:])
    slide = np.diff(joints[:, list(FEET)][..., _HORIZONTAL], axis=0)
    weight = weight * (np.linalg.norm(slide, axis=-1) < _FASTEST)
    total = weight.sum(axis=1, keepdims=True)
    mean = (slide * weight[..., None]).sum(axis=1) / np.maximum(total, 1e-6)
    # Smoothed so that the body does not jerk when a foot is set down or lifted.
    step = gaussian_filter1d(mean * np.minimum(total, 1), _SMOOTHING, axis=0, mode="nearest")
    planted = joints.copy()
    planted[1:, :, _HORIZONTAL] -= np.cumsum(step, axis=0)[:, None]
    return planted
