"""Pins: hands and feet that are held; and feet on the scene's ground."""

import bpy

from ...core import characters
from ...core.operator_base import Operator
from .chosen_item import RemoveChosen


class PLACID_OT_add_pin(Operator, bpy.types.Operator):
    """Hold a hand or foot of the character from the current frame on"""

    bl_idname = "placid.add_pin"
    bl_label = "Add Pin"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, context):
        if characters.target(context) is None:
            return "Select a character first"
        return ""

    def run(self, context):
        settings = context.scene.placid_pins
        pin = settings.pins.add()
        pin.armature = characters.target(context)
        pin.first = context.scene.frame_current
        pin.last = pin.first + round(context.scene.render.fps / context.scene.render.fps_base)
        chosen = [item for item in context.selected_objects if item.type != "ARMATURE"]
        if len(chosen) == 1 and characters.armature_behind(chosen[0]) is None:
            pin.target = chosen[0]
        settings.index = len(settings.pins) - 1


class PLACID_OT_remove_pin(RemoveChosen, bpy.types.Operator):
    """Hold that hand or foot no longer"""

    bl_idname = "placid.remove_pin"
    bl_label = "Remove Pin"
    LIST = ("placid_pins", "pins", "index")


def chosen_pin(scene: bpy.types.Scene):
    """The pin chosen in the list, or None."""
    settings = scene.placid_pins
    return settings.pins[settings.index] if settings.index < len(settings.pins) else None


CLASSES = (PLACID_OT_add_pin, PLACID_OT_remove_pin)
