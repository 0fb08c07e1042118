"""The panel Timeline: several prompts in a row, and new frames between old ones."""

import bpy

from ...ui.panel_base import Tab


class PLACID_UL_strips(bpy.types.UIList):
    """Strips: prompt and seconds."""

    def draw_item(self, context, layout, data, strip, icon, active_data, active_property):
        row = layout.row(align=True)
        row.prop(strip, "prompt", text="", emboss=False)
        seconds = row.row()
        seconds.ui_units_x = 3
        seconds.prop(strip, "seconds", text="", emboss=False)


class PLACID_PT_timeline(Tab, bpy.types.Panel):
    bl_label = "Timeline"
    bl_parent_id = "PLACID_PT_main"
    bl_options = {"DEFAULT_CLOSED"}
    bl_order = 20

    def draw(self, context: bpy.types.Context) -> None:
        settings = context.scene.placid_timeline
        layout = self.layout
        row = layout.row()
        row.template_list("PLACID_UL_strips", "", settings, "strips", settings, "strip_index")
        buttons = row.column(align=True)
        buttons.operator("placid.add_strip", text="", icon="ADD")
        buttons.operator("placid.remove_strip", text="", icon="REMOVE")
        buttons.operator("placid.move_strip", text="", icon="TRIA_UP").down = False
        buttons.operator("placid.move_strip", text="", icon="TRIA_DOWN").down = True
        total = sum(strip.seconds for strip in settings.strips)
        if settings.strips:
            layout.label(text=f"{total:.1f} s in all")
        layout.operator("placid.strips_from_markers", icon="MARKER_HLT")
        layout.operator("placid.generate_timeline", icon="PLAY")


class PLACID_PT_in_between(Tab, bpy.types.Panel):
    bl_label = "In-Between"
    bl_parent_id = "PLACID_PT_main"
    bl_options = {"DEFAULT_CLOSED"}
    bl_order = 25

    def draw(self, context: bpy.types.Context) -> None:
        settings = context.scene.placid_timeline
        layout = self.layout
        layout.prop(settings, "between_prompt", text="", placeholder="a person turns around")
        scene = context.scene
        if scene.use_preview_range:
            frames = f"Frames {scene.frame_preview_start} to {scene.frame_preview_end}"
        else:
            frames = "Frames of the selected keyframes"
        layout.label(text=frames, icon="PREVIEW_RANGE")
        layout.operator("placid.in_between", icon="PLAY")


CLASSES = (PLACID_UL_strips, PLACID_PT_timeline, PLACID_PT_in_between)


def register() -> None:
    for cls in CLASSES:
        bpy.utils.register_class(cls)


def unregister() -> None:
    for cls in reversed(CLASSES):
        bpy.utils.unregister_class(cls)
