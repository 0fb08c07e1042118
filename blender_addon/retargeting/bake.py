"""Makes actions of keys, whole F-curves at once."""

from collections.abc import Mapping

import bpy
import numpy as np
from mathutils import Quaternion

from ..rig.retarget import Keys
from .slots import new_action

_KINDS = bpy.types.Keyframe.bl_rna.properties["interpolation"].enum_items
_LINEAR, _CONSTANT = _KINDS["LINEAR"].value, _KINDS["CONSTANT"].value
_BEZIER = _KINDS["BEZIER"].value
_HANDLES = bpy.types.Keyframe.bl_rna.properties["handle_left_type"].enum_items
_FREE = _HANDLES["FREE"].value


def bake(
    armature: bpy.types.Object,
    keys: Keys,
    properties: Mapping[str, Mapping[str, float]],
    name: str,
    frame_start: float = 1.0,
    frame_step: float = 1.0,
) -> bpy.types.Action:
    """Make one action of the keys; the armature does not play it yet.

    Bones keep their rotation mode, so that what they played before still looks the same.

    Args:
        armature: the object whose pose bones are named in `keys`.
        keys: basis rotations and locations, one row per key.
        properties: custom properties of pose bones to key at the start, such as switches from IK
            to FK; those that a bone does not have are left out.
        name: of the new action.
        frame_start: scene frame of the first key.
        frame_step: scene frames between keys.

    Returns:
        The action; bones without keys stay out of it.
    """
    action, owner = new_action(armature, name)
    frames = frame_start + frame_step * np.arange(len(next(iter(keys.rotations.values()))))
    for bone, values in keys.locations.items():
        _write(owner, bone, "location", values, frames, _LINEAR)
    for bone, values in keys.rotations.items():
        channel, turns = _in_mode(armature.pose.bones[bone].rotation_mode, values)
        _write(owner, bone, channel, turns, frames, _LINEAR)
    if keys.cyclic:
        _repeat(owner)
        action.use_frame_range = action.use_cyclic = True
        action.frame_start, action.frame_end = frames[0], frames[-1]
    for bone, switches in properties.items():
        for switch, value in switches.items():
            if switch in armature.pose.bones[bone]:
                channel = f'["{bpy.utils.escape_identifier(switch)}"]'
                _write(owner, bone, channel, np.array([[value]], float), frames[:1], _CONSTANT)
    return action


def write_bezier(
    curve: bpy.types.FCurve, frames: np.ndarray, values: np.ndarray, slopes: np.ndarray
) -> None:
    """Give a curve these keys instead of its own, with free handles a third of the way between.

    Args:
        frames: (K,), increasing.
        values: (K,).
        slopes: (2, K), a frame, on the left and on the right of each key.
    """
    gaps = np.diff(frames) / 3.0 if len(frames) > 1 else np.ones(1)
    left, right = np.concatenate([gaps[:1], gaps]), np.concatenate([gaps, gaps[-1:]])
    if len(frames) == 1:
        left = right = gaps
    points = curve.keyframe_points
    points.clear()
    points.add(len(frames))
    _set(points, "co", frames, values)
    for side in ("left", "right"):
        kinds = np.full(len(frames), _FREE, dtype=np.int32)
        points.foreach_set(f"handle_{side}_type", kinds)
    points.foreach_set("interpolation", np.full(len(frames), _BEZIER, dtype=np.int32))
    _set(points, "handle_left", frames - left, values - left * slopes[0])
    _set(points, "handle_right", frames + right, values + right * slopes[1])
    curve.update()


def _set(points, name: str, frames: np.ndarray, values: np.ndarray) -> None:
    points.foreach_set(name, np.stack([frames, values], axis=-1).astype(np.float32).ravel())


def _in_mode(mode: str, quaternions: np.ndarray) -> tuple[str, np.ndarray]:
    """Channel and values (T, n) of rotations (T, 4) for a bone's rotation mode."""
    if mode == "QUATERNION":
        return "rotation_quaternion", quaternions
    turns = [Quaternion(q) for q in quaternions.tolist()]
    if mode == "AXIS_ANGLE":
        return "rotation_axis_angle", np.array([(t.angle, *t.axis) for t in turns])
    angles = [turns[0].to_euler(mode)]
    for turn in turns[1:]:
        angles.append(turn.to_euler(mode, angles[-1]))
    return "rotation_euler", np.array(angles)


def _repeat(owner) -> None:
    """Let every curve repeat for ever; travel carries on from where it ended."""
    for curve in owner.fcurves:
        mode = "REPEAT_OFFSET" if curve.data_path.endswith("location") else "REPEAT"
        cycles = curve.modifiers.new("CYCLES")
        cycles.mode_before = cycles.mode_after = mode


def _write(
    owner, bone: str, channel: str, values: np.ndarray, frames: np.ndarray, interpolation: int
) -> None:
    """One curve per component of `values` (T, n), in the bone's group."""
    separator = "" if channel.startswith("[") else "."
    path = f'pose.bones["{bpy.utils.escape_identifier(bone)}"]{separator}{channel}'
    group = owner.groups.get(bone) or owner.groups.new(bone)
    points = np.empty((len(frames), 2), dtype=np.float32)
    points[:, 0] = frames
    kinds = np.full(len(frames), interpolation, dtype=np.int32)
    for axis in range(values.shape[1]):
        curve = owner.fcurves.new(path, index=axis)
        curve.group = group
        points[:, 1] = values[:, axis]
        curve.keyframe_points.add(len(frames))
        curve.keyframe_points.foreach_set("co", points.ravel())
        curve.keyframe_points.foreach_set("interpolation", kinds)
        curve.update()
