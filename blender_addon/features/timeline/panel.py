"""The panel Timeline: several prompts in a row, and new frames between old ones."""

import bpy

from ...ui.panel_base import Tab


class PLACID_UL_strips(bpy.types.UIList):
    """Blocks: prompt and seconds."""

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
        if settings.strips:
            _draw_block(layout, settings)
            total = sum(strip.seconds for strip in settings.strips)
            frames = sum(strip.frames for strip in settings.strips)
            row = layout.row(align=True)
            row.label(text=f"{total:.1f} s, {frames} frames in all")
            row.prop(settings, "show_blocks", text="", icon="TIME")
        row = layout.row(align=True)
        row.operator("placid.strips_from_markers", icon="MARKER_HLT")
        row.operator("placid.strips_from_take", icon="ACTION")
        layout.operator("placid.generate_timeline", icon="PLAY")
        layout.operator("placid.redo_block", icon="FILE_REFRESH")


def _draw_block(layout: bpy.types.UILayout, settings) -> None:
    """The chosen block's length in both units, and how it follows from the one before it."""
    if not 0 <= settings.strip_index < len(settings.strips):
        return
    strip = settings.strips[settings.strip_index]
    column = layout.column(align=True)
    row = column.row(align=True)
    row.prop(strip, "seconds")
    row.prop(strip, "frames")
    seam = column.row(align=True)
    seam.active = settings.strip_index > 0
    seam.prop(strip, "seam")


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
