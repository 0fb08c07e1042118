"""The panel Direct: where to go, which poses to keep, what to hold."""

import bpy

from ...ui.panel_base import Tab
from .pins import chosen_pin


class PLACID_UL_waypoints(bpy.types.UIList):
    """Waypoints: object and frame."""

    def draw_item(self, context, layout, data, waypoint, icon, active_data, active_property):
        row = layout.row(align=True)
        row.prop(waypoint, "place", text="")
        _draw_frame(row, waypoint)


class PLACID_UL_anchors(bpy.types.UIList):
    """Kept poses: frame and, where there is one, the library's pose."""

    def draw_item(self, context, layout, data, anchor, icon, active_data, active_property):
        row = layout.row(align=True)
        _draw_frame(row, anchor)
        row.prop(anchor, "pose", text="")


class PLACID_UL_pins(bpy.types.UIList):
    """Pins: limb, what it is held to, and when."""

    def draw_item(self, context, layout, data, pin, icon, active_data, active_property):
        where = pin.target.name if pin.target else "its place"
        layout.label(text=f"{pin.limb.replace('_', ' ').capitalize()}: {where}")
        frames = layout.row()
        frames.alignment = "RIGHT"
        frames.label(text=f"{pin.first} to {pin.last}")


class PLACID_PT_direct(Tab, bpy.types.Panel):
    bl_label = "Direct"
    bl_parent_id = "PLACID_PT_main"
    bl_options = {"DEFAULT_CLOSED"}
    bl_order = 15

    def draw(self, context: bpy.types.Context) -> None:
        """What is in it are panels of their own."""


class _Part(Tab):
    """Base of the panels in Direct."""

    bl_parent_id = "PLACID_PT_direct"
    bl_options = {"DEFAULT_CLOSED"}


class PLACID_PT_path(_Part, bpy.types.Panel):
    bl_label = "Path"

    def draw(self, context: bpy.types.Context) -> None:
        settings = context.scene.placid_direction
        column = self.layout.column()
        column.use_property_split = True
        column.use_property_decorate = False
        row = column.row(align=True)
        row.prop(settings, "curve")
        row.operator("placid.add_path", text="", icon="ADD")
        column.prop(settings, "face")
        column.prop(settings, "length")
        if settings.length == "FRAMES":
            column.prop(settings, "frames")
        if settings.curve is not None:
            buttons = _draw_list(self.layout, settings, "waypoint")
            buttons.operator("placid.add_waypoint", text="", icon="ADD")
            buttons.operator("placid.remove_waypoint", text="", icon="REMOVE")
        self.layout.operator("placid.follow_path", icon="CURVE_PATH")


class PLACID_PT_anchors(_Part, bpy.types.Panel):
    bl_label = "Poses to Keep"

    def draw(self, context: bpy.types.Context) -> None:
        settings = context.scene.placid_direction
        buttons = _draw_list(self.layout, settings, "anchor")
        buttons.operator("placid.add_anchor", text="", icon="ADD")
        buttons.operator("placid.remove_anchor", text="", icon="REMOVE")
        self.layout.operator("placid.anchors_from_keys", icon="KEYFRAME_HLT")
        self.layout.operator("placid.fill_between", icon="ANIM")


class PLACID_PT_pins(_Part, bpy.types.Panel):
    bl_label = "Pins"

    def draw(self, context: bpy.types.Context) -> None:
        settings = context.scene.placid_pins
        self.layout.prop(settings, "ground")
        buttons = _draw_list(self.layout, settings, "pin", "index")
        buttons.operator("placid.add_pin", text="", icon="ADD")
        buttons.operator("placid.remove_pin", text="", icon="REMOVE")
        if (pin := chosen_pin(context.scene)) is not None:
            column = self.layout.column()
            column.use_property_split = True
            column.use_property_decorate = False
            for name in ("armature", "limb", "target"):
                column.prop(pin, name)
            frames = column.column(align=True)
            frames.prop(pin, "first")
            frames.prop(pin, "last")
            frames.prop(pin, "blend")
        self.layout.operator("placid.rebake", text="Apply to Take", icon="CON_KINEMATIC")


def _draw_list(
    layout: bpy.types.UILayout, settings, kind: str, index: str = ""
) -> bpy.types.UILayout:
    """A short list of the settings; returns where its buttons go."""
    row = layout.row()
    row.template_list(
        f"PLACID_UL_{kind}s", "", settings, f"{kind}s", settings, index or f"{kind}_index", rows=2
    )
    return row.column(align=True)


def _draw_frame(row: bpy.types.UILayout, item) -> None:
    frame = row.row()
    frame.ui_units_x = 4
    frame.prop(item, "frame", text="")


CLASSES = (
    PLACID_UL_waypoints,
    PLACID_UL_anchors,
    PLACID_UL_pins,
    PLACID_PT_direct,
    PLACID_PT_path,
    PLACID_PT_anchors,
    PLACID_PT_pins,
)

register, unregister = bpy.utils.register_classes_factory(CLASSES)
