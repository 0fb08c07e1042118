"""Who shall move: the chosen character, or what the selection tells; and whether it can."""

import bpy

from ..retargeting.editable import check_own
from ..retargeting.rig_label import rig_problem
from ..shared.errors import PlacidError


def target(context: bpy.types.Context) -> bpy.types.Object | None:
    """The chosen armature, else the selected one, else the one of what is selected, else None."""
    chosen = context.scene.placid.armature
    if chosen is not None and chosen.name in context.scene.objects:
        return chosen
    active = context.view_layer.objects.active
    # What is hidden cannot be selected; it is meant as long as it is active.
    if active is not None and (active.select_get() or not active.visible_get()):
        return armature_behind(active)
    found = {armature_behind(item) for item in context.view_layer.objects.selected} - {None}
    return found.pop() if len(found) == 1 else None


def armature_behind(item: bpy.types.Object | None) -> bpy.types.Object | None:
    """The armature that an object is, is deformed by, or hangs on."""
    while item is not None and item.type != "ARMATURE":
        item = item.find_armature() or item.parent
    return item


def problem(context: bpy.types.Context) -> str:
    """Why who is selected cannot be given a motion, with a remedy; empty when nothing hinders."""
    armature = target(context)
    if armature is None:
        return _instance_problem(context.view_layer.objects.active)
    try:
        check_own(armature)
    except PlacidError as error:
        return error.message
    return rig_problem(armature)


def _instance_problem(active: bpy.types.Object | None) -> str:
    """An instance of a collection looks like a character, but has no armature of its own."""
    collection = active.instance_collection if active is not None and active.select_get() else None
    if collection is None or all(item.type != "ARMATURE" for item in collection.all_objects):
        return ""
    if collection.library is not None:
        return (
            f"{active.name} is linked from another file; choose Object > Library Override > Make "
            "for it, or select another character"
        )
    return (
        f"{active.name} is an instance of a collection; choose Object > Apply > Make Instances "
        "Real for it, or select another character"
    )
