"""What the panel Direct keeps in the .blend."""

import bpy
from bpy.props import (
    CollectionProperty,
    EnumProperty,
    IntProperty,
    PointerProperty,
)

from ...core.take_properties import PlacidKeptPose


def _is_curve(_settings, candidate: bpy.types.Object) -> bool:
    return candidate.type == "CURVE"


class PlacidWaypoint(bpy.types.PropertyGroup):
    """Where on the curve to be in which frame: beside an object."""

    place: PointerProperty(
        name="Place",
        type=bpy.types.Object,
        description="The place on the curve that is nearest to this object",
    )
    frame: IntProperty(name="Frame", description="Scene frame in which to be there", default=40)


class PlacidDirection(bpy.types.PropertyGroup):
    """The settings, on the scene."""

    curve: PointerProperty(
        name="Curve",
        type=bpy.types.Object,
        poll=_is_curve,
        description="The curve on the floor that the character follows, in the curve's direction",
    )
    face: PointerProperty(
        name="Turn To",
        type=bpy.types.Object,
        description="What the character turns to when it arrives; empty: it faces along the curve",
    )
    length: EnumProperty(
        name="Duration",
        description="What decides how fast the character goes",
        items=[
            ("CURVE", "As It Goes", "The pace of the prompt; a longer curve takes longer"),
            ("FRAMES", "Frames", "So many frames from the first to the last one"),
        ],
    )
    frames: IntProperty(
        name="Frames", description="Frames of the whole take", default=120, min=24, max=14400
    )
    waypoints: CollectionProperty(type=PlacidWaypoint)
    waypoint_index: IntProperty(name="Waypoint")
    anchors: CollectionProperty(type=PlacidKeptPose)
    anchor_index: IntProperty(name="Pose")


CLASSES = (PlacidWaypoint, PlacidDirection)


def register() -> None:
    for cls in CLASSES:
        bpy.utils.register_class(cls)
    bpy.types.Scene.placid_direction = PointerProperty(type=PlacidDirection)


def unregister() -> None:
    del bpy.types.Scene.placid_direction
    for cls in reversed(CLASSES):
        bpy.utils.unregister_class(cls)
