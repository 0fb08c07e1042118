"""Writes whole F-curves at once; the one owner of actions, slots and channelbags.

Blender 4.2 keeps curves in the action, 4.4 and later in a channelbag per slot, and Blender 5 no
longer offers `Action.fcurves`. A slot is named after its object, so that every further action
finds the armature's slot by name.
"""

from collections.abc import Mapping

import bpy
import numpy as np
from mathutils import Quaternion

from ..rig.retarget import Keys

_KINDS = bpy.types.Keyframe.bl_rna.properties["interpolation"].enum_items
_LINEAR, _CONSTANT = _KINDS["LINEAR"].value, _KINDS["CONSTANT"].value


def bake(
    armature: bpy.types.Object,
    keys: Keys,
    name: str,
    frame_start: float = 1.0,
    frame_step: float = 1.0,
) -> bpy.types.Action:
    """Make one action of the keys and let the armature play it.

    Bones keep their rotation mode, so that what they played before still looks the same.

    Args:
        armature: the object whose pose bones are named in `keys`.
        keys: basis rotations and locations, one row per key.
        name: of the new action.
        frame_start: scene frame of the first key.
        frame_step: scene frames between keys.

    Returns:
        The action; bones without keys stay out of it.
    """
    action = bpy.data.actions.new(name)
    owner = _owner_of_curves(action, armature)
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
    assign_action(armature, action)
    return action


def switch(
    armature: bpy.types.Object,
    action: bpy.types.Action,
    properties: Mapping[str, Mapping[str, float]],
    frame: float,
) -> None:
    """Set and key custom properties of pose bones, such as switches from IK to FK.

    Properties that a bone does not have are left out.
    """
    owner = _owner_of_curves(action, armature)
    for bone, values in properties.items():
        pose_bone = armature.pose.bones[bone]
        for name, value in values.items():
            if name in pose_bone:
                pose_bone[name] = type(pose_bone[name])(value)
                keyed = np.array([[value]], dtype=float)
                channel = f'["{bpy.utils.escape_identifier(name)}"]'
                _write(owner, bone, channel, keyed, np.array([frame]), _CONSTANT)


def assign_action(armature: bpy.types.Object, action: bpy.types.Action) -> None:
    """Let an armature play an action, through the slot that carries its name."""
    data = armature.animation_data or armature.animation_data_create()
    data.action = action
    if hasattr(action, "slots"):
        data.action_slot = _slot_of(action, armature)


def fcurves_of(action: bpy.types.Action, armature: bpy.types.Object) -> list[bpy.types.FCurve]:
    """The curves with which an action moves an armature."""
    return list(_owner_of_curves(action, armature).fcurves)


def _owner_of_curves(action: bpy.types.Action, armature: bpy.types.Object):
    """What holds `fcurves` and `groups` for an armature: the action, or a channelbag in it."""
    if not hasattr(action, "slots"):
        return action
    layer = action.layers[0] if action.layers else action.layers.new("Layer")
    strip = layer.strips[0] if layer.strips else layer.strips.new(type="KEYFRAME")
    return strip.channelbag(_slot_of(action, armature), ensure=True)


def _slot_of(action: bpy.types.Action, armature: bpy.types.Object):
    for slot in action.slots:
        if slot.name_display == armature.name and slot.target_id_type == "OBJECT":
            return slot
    # An action made under the object's former name has a single slot that is meant.
    if len(action.slots) == 1 and action.slots[0].target_id_type == "OBJECT":
        return action.slots[0]
    return action.slots.new(id_type="OBJECT", name=armature.name)


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
