"""What was found in an action, as the scene keeps it for the panel."""

import bpy
from bpy.props import BoolProperty, CollectionProperty, IntProperty, PointerProperty, StringProperty


def _go_to(found: "PlacidFound", context: bpy.types.Context) -> None:
    if found.strike_index < len(found.strikes):
        context.scene.frame_set(found.strikes[found.strike_index].first)


class PlacidFoundStrike(bpy.types.PropertyGroup):
    """One strike, in frames of the scene, both ends included."""

    what: StringProperty()
    first: IntProperty()
    last: IntProperty()
    take_out: BoolProperty(
        name="Take Out",
        description="Make these frames anew; untick what is no strike",
        default=True,
    )


class PlacidFound(bpy.types.PropertyGroup):
    """What the checks found in an action; `action` is None before anybody looked."""

    armature: PointerProperty(type=bpy.types.Object)
    action: PointerProperty(type=bpy.types.Action)
    strikes: CollectionProperty(type=PlacidFoundStrike)
    strike_index: IntProperty(
        name="Strike", description="Click to go to its first frame", update=_go_to
    )


def register() -> None:
    bpy.utils.register_class(PlacidFoundStrike)
    bpy.utils.register_class(PlacidFound)
    bpy.types.Scene.placid_found = PointerProperty(type=PlacidFound)


def unregister() -> None:
    del bpy.types.Scene.placid_found
    bpy.utils.unregister_class(PlacidFound)
    bpy.utils.unregister_class(PlacidFoundStrike)
