"""Quaternions of a bone's rotation channels, whatever its rotation mode."""

import numpy as np

from ..shared.motion.rotations import from_axis_angle, multiply, normalise

CHANNELS = {"QUATERNION": "rotation_quaternion", "AXIS_ANGLE": "rotation_axis_angle"}


def channel_of(mode: str) -> str:
    """The channel that a bone of a rotation mode turns by."""
    return CHANNELS.get(mode, "rotation_euler")


def to_quaternions(mode: str, values: np.ndarray) -> np.ndarray:
    """Unit quaternions (T, 4), (w, x, y, z), of channel values (T, 3) or (T, 4).

    Args:
        mode: of the bone, as Blender names it; `XYZ` turns about X first.
        values: quaternions, which need no length of one; angle and axis; or angles in radians.
    """
    if mode == "QUATERNION":
        return normalise(values)
    if mode == "AXIS_ANGLE":
        return from_axis_angle(normalise(values[:, 1:]), values[:, 0])
    turns = [from_axis_angle(np.eye(3)["XYZ".index(a)], values[:, "XYZ".index(a)]) for a in mode]
    first, second, third = turns
    return multiply(third, multiply(second, first))
