"""Which slot of an action moves an armature, and the curves in it; the one owner of slots.

An action may move several objects, each through a slot of its own. A slot keeps the name that its
object had when it was made, so that a name alone does not tell whose it is.
"""

from collections.abc import Iterable, Iterator

import bpy
from bpy.types import ActionChannelbag, ActionSlot, AnimData

# Slots that were made before anything used them fit every kind of block.
_FITTING = ("OBJECT", "UNSPECIFIED")


def new_action(armature: bpy.types.Object, name: str) -> tuple[bpy.types.Action, ActionChannelbag]:
    """An action of one slot, named after the armature, and what holds its curves and groups."""
    action = bpy.data.actions.new(name)
    slot = action.slots.new(id_type="OBJECT", name=armature.name)
    strip = action.layers.new("Layer").strips.new(type="KEYFRAME")
    return action, strip.channelbag(slot, ensure=True)


def assign_action(
    armature: bpy.types.Object, action: bpy.types.Action | None, handle: int = 0
) -> None:
    """Let an armature play an action; none where it is None.

    Args:
        handle: of the slot that it played before, when that is known; otherwise Blender chooses
            by the slot's and the armature's names, and at last the first slot that fits.
    """
    data = armature.animation_data or armature.animation_data_create()
    data.action = action
    if action is None:
        return
    slot = _by_handle(action, handle) or data.action_slot or _first_fitting(action)
    if slot is not None:
        data.action_slot = slot


def playing(armature: bpy.types.Object) -> tuple[bpy.types.Action | None, int]:
    """The action that an armature plays and the handle of its slot; 0 without one."""
    data = armature.animation_data
    if data is None or data.action is None:
        return None, 0
    return data.action, data.action_slot_handle


def curves_of(action: bpy.types.Action, armature: bpy.types.Object) -> list[bpy.types.FCurve]:
    """The curves with which an action moves an armature, or would if it played the action."""
    slot = slot_of(action, armature)
    return [] if slot is None else [c for bag in _bags(action, slot) for c in bag.fcurves]


def new_curve(
    action: bpy.types.Action, armature: bpy.types.Object, path: str, index: int
) -> bpy.types.FCurve:
    """A curve without keys, which moves an armature's channel."""
    slot = slot_of(action, armature)
    [strip, *_] = [strip for layer in action.layers for strip in layer.strips]
    return strip.channelbag(slot, ensure=True).fcurves.new(path, index=index)


def slot_of(action: bpy.types.Action, armature: bpy.types.Object) -> ActionSlot | None:
    """The slot through which an action moves an armature; none is made."""
    data = armature.animation_data
    if data is not None:
        if data.action == action:
            return data.action_slot
        for strip in strips_of(data, action):
            return strip.action_slot
    named = [s for s in action.slots if s.identifier == f"OB{armature.name}"]
    return named[0] if named else _first_fitting(action)


def strips_of(data: AnimData | None, action: bpy.types.Action) -> list[bpy.types.NlaStrip]:
    """The NLA strips that play an action, those within meta strips too."""
    tracks = data.nla_tracks if data is not None else ()
    strips = [strip for track in tracks for strip in _flat(track.strips)]
    return [strip for strip in strips if strip.action == action]


def frame_range(action: bpy.types.Action, armature: bpy.types.Object) -> tuple[float, float]:
    """First and last frame of what an action does with an armature, whatever else it moves."""
    if action.use_frame_range:
        return action.frame_start, action.frame_end
    ranges = [curve.range() for curve in curves_of(action, armature)]
    if not ranges:
        return tuple(action.frame_range)
    return min(first for first, _ in ranges), max(last for _, last in ranges)


def _flat(strips: Iterable[bpy.types.NlaStrip]) -> Iterator[bpy.types.NlaStrip]:
    for strip in strips:
        yield strip
        yield from _flat(strip.strips)


def _bags(action: bpy.types.Action, slot: ActionSlot) -> Iterator[ActionChannelbag]:
    for layer in action.layers:
        for strip in layer.strips:
            if (bag := strip.channelbag(slot)) is not None:
                yield bag


def _by_handle(action: bpy.types.Action, handle: int) -> ActionSlot | None:
    return next((slot for slot in action.slots if slot.handle == handle), None)


def _first_fitting(action: bpy.types.Action) -> ActionSlot | None:
    return next((slot for slot in action.slots if slot.target_id_type in _FITTING), None)
