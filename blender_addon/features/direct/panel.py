"""The panel Direct: where to go, which poses to keep, what to hold."""

import bpy

from ...ui.panel_base import Tab


class PLACID_UL_waypoints(bpy.types.UIList):
    """Waypoints: object and frame."""

    def draw_item(self, context, layout, data, waypoint, icon, active_data, active_property):
        row = layout.row(align=True)
        row.prop(waypoint, "place", text="")
        frame = row.row()
        frame.ui_units_x = 4
        frame.prop(waypoint, "frame", text="")


class PLACID_PT_direct(Tab, bpy.types.Panel):
    bl_label = "Direct"
    bl_parent_id = "PLACID_PT_main"
    bl_options = {"DEFAULT_CLOSED"}
    bl_order = 15

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
            self._draw_waypoints(settings)
        self.layout.operator("placid.follow_path", icon="CURVE_PATH")

    def _draw_waypoints(self, settings) -> None:
        row = self.layout.row()
        row.template_list(
            "PLACID_UL_waypoints",
            "",
            settings,
            "waypoints",
            settings,
            "waypoint_index",
            rows=2,
        )
        buttons = row.column(align=True)
        buttons.operator("placid.add_waypoint", text="", icon="ADD")
        buttons.operator("placid.remove_waypoint", text="", icon="REMOVE")


CLASSES = (PLACID_UL_waypoints, PLACID_PT_direct)

register, unregister = bpy.utils.register_classes_factory(CLASSES)
