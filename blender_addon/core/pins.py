"""What holds a character's limbs and carries its feet, kept in the .blend for when it is baked."""

import bpy
from bpy.props import (
    BoolProperty,
    CollectionProperty,
    EnumProperty,
    IntProperty,
    PointerProperty,
)

from ..retargeting.pin_goals import ScenePin
from ..rig.limb_pins import LIMBS


class PlacidPin(bpy.types.PropertyGroup):
    """A hand or foot that is held."""

    armature: PointerProperty(name="Character", type=bpy.types.Object)
    limb: EnumProperty(
        name="Limb",
        description="Which hand or foot is held",
        items=[(name, name.replace("_", " ").title(), "") for name in LIMBS],
        default="right_hand",
    )
    target: PointerProperty(
        name="Held To",
        type=bpy.types.Object,
        description="An object at whose origin palm or sole is held; empty: the place where "
        "they are in the first frame",
    )
    first: IntProperty(name="First Frame", description="From this frame on it is held")
    last: IntProperty(name="Last Frame", description="After this frame it is let go")
    blend: IntProperty(
        name="Blend",
        description="Frames before and after, in which it goes there and is let go",
        default=8,
        min=0,
        max=250,
    )


class PlacidPins(bpy.types.PropertyGroup):
    """The pins of a scene."""

    pins: CollectionProperty(type=PlacidPin)
    index: IntProperty(name="Pin")
    ground: BoolProperty(
        name="Stand on Scene",
        description="Feet stand on the meshes below them, such as steps and platforms, instead of "
        "on the character's own floor",
    )


def pins_of(scene: bpy.types.Scene, armature: bpy.types.Object) -> tuple[ScenePin, ...]:
    """The pins of an armature."""
    return tuple(
        ScenePin(pin.limb, pin.target, pin.first, pin.last, pin.blend)
        for pin in scene.placid_pins.pins
        if pin.armature == armature
    )


CLASSES = (PlacidPin, PlacidPins)


def register() -> None:
    for cls in CLASSES:
        bpy.utils.register_class(cls)
    bpy.types.Scene.placid_pins = PointerProperty(type=PlacidPins)


def unregister() -> None:
    del bpy.types.Scene.placid_pins
    for cls in reversed(CLASSES):
        bpy.utils.unregister_class(cls)
