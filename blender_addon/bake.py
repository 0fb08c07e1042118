"""Writes whole F-curves at once; the one owner of actions, slots and channelbags.

Blender 4.2 keeps curves in the action, 4.4 and later in a channelbag per slot, and Blender 5 no
longer offers `Action.fcurves`. A slot is named after its object, so that every further action
finds the armature's slot by name.
"""

import bpy
import numpy as np

from .rig.retarget import Keys

_LINEAR = bpy.types.Keyframe.bl_rna.properties["interpolation"].enum_items["LINEAR"].value


def bake(
    armature: bpy.types.Object,
    keys: Keys,
    name: str,
    frame_start: float = 1.0,
    frame_step: float = 1.0,
) -> bpy.types.Action:
    """Make one action of the keys and let the armature play it.

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
        _write(owner, bone, "location", values, frames)
    for bone, values in keys.rotations.items():
        armature.pose.bones[bone].rotation_mode = "QUATERNION"
        _write(owner, bone, "rotation_quaternion", values, frames)
    assign_action(armature, action)
    return action


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


def _write(owner, bone: str, channel: str, values: np.ndarray, frames: np.ndarray) -> None:
    """One curve per component of `values` (T, n), in the bone's group."""
    path = f'pose.bones["{bpy.utils.escape_identifier(bone)}"].{channel}'
    group = owner.groups.get(bone) or owner.groups.new(bone)
    points = np.empty((len(frames), 2), dtype=np.float32)
    points[:, 0] = frames
    linear = np.full(len(frames), _LINEAR, dtype=np.int32)
    for axis in range(values.shape[1]):
        curve = owner.fcurves.new(path, index=axis)
        curve.group = group
        points[:, 1] = values[:, axis]
        curve.keyframe_points.add(len(frames))
        curve.keyframe_points.foreach_set("co", points.ravel())
        curve.keyframe_points.foreach_set("interpolation", linear)
        curve.update()
