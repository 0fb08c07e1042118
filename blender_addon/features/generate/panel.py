"""The tab Placid in the 3D view's sidebar. It draws and decides nothing."""

import bpy

from ...core import characters, runtime
from ...link import launch
from ...retargeting.rig_label import rig_label
from ...ui.backend_status import draw_backend, draw_notice
from ...ui.panel_base import Tab
from ...ui.text import characters_of, draw_sentence, draw_text
from .operators import forgetting
from .properties import chosen_safety, description


class PLACID_PT_main(Tab, bpy.types.Panel):
    bl_label = "Placid"

    def draw(self, context: bpy.types.Context) -> None:
        settings = context.scene.placid
        layout = self.layout
        _draw_first_start(layout, characters_of(context))
        column = layout.column()
        row = column.row(align=True)
        row.prop(settings, "prompt", text="", placeholder="a person walks and waves")
        row.operator("placid.pick_action", text="", icon="VIEWZOOM")
        column = _settings_column(layout)
        column.prop(settings, "automatic_length")
        length = column.row()
        length.active = not settings.automatic_length
        length.prop(settings, "seconds")
        column.prop(settings, "take_count")
        row = column.row(align=True)
        row.prop(settings, "seed")
        lock = "LOCKED" if settings.lock_seed else "UNLOCKED"
        row.prop(settings, "lock_seed", text="", icon=lock)
        column.prop(settings, "model")
        column.prop(settings, "armature")
        armature, reason = characters.target(context), characters.problem(context)
        if armature is not None or not reason:
            draw_text(layout, rig_label(armature), characters_of(context), "ARMATURE_DATA")
        if reason:
            draw_sentence(layout, reason, characters_of(context))


class PLACID_PT_safety(Tab, bpy.types.Panel):
    bl_label = "Safety"
    bl_parent_id = "PLACID_PT_main"

    def draw(self, context: bpy.types.Context) -> None:
        settings = context.scene.placid
        layout = self.layout
        column = _settings_column(layout)
        column.prop(settings, "safety")
        method = chosen_safety(settings)
        if method == "off":
            warning = "Safety is off: violent motion can be generated"
            draw_sentence(layout, warning, characters_of(context))
            return
        column.prop(settings, "concepts")
        draw_text(layout, forgetting(settings), characters_of(context), "INFO")
        column = _settings_column(layout)
        column.prop(settings, "strength")
        if what := description("safety", method):
            note = layout.column(align=True)
            note.active = False
            draw_text(note, f"{what}.", characters_of(context))


class PLACID_PT_advanced(Tab, bpy.types.Panel):
    bl_label = "Advanced"
    bl_parent_id = "PLACID_PT_main"
    bl_options = {"DEFAULT_CLOSED"}

    def draw_header(self, context: bpy.types.Context) -> None:
        self.layout.prop(context.scene.placid, "own_sampling", text="")

    def draw(self, context: bpy.types.Context) -> None:
        settings = context.scene.placid
        column = _settings_column(self.layout)
        column.active = settings.own_sampling
        column.prop(settings, "guidance")
        column.prop(settings, "steps")
        column.prop(settings, "temperature")


class PLACID_PT_generate(Tab, bpy.types.Panel):
    bl_label = "Generate"
    bl_parent_id = "PLACID_PT_main"
    bl_options = {"HIDE_HEADER"}

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        current = runtime.get()
        job = current.job
        row = layout.row(align=True)
        row.scale_y = 1.5
        if job is None:
            row.operator("placid.generate", icon="PLAY")
        else:
            row.progress(factor=job.fraction, text=job.summary())
            row.operator("placid.cancel", text="", icon="X")
        if current.notice is not None:
            draw_notice(layout, current.notice, characters_of(context))
        draw_backend(layout, current)


def _draw_first_start(layout: bpy.types.UILayout, characters: int) -> None:
    """What a new user has to do first; nothing once the backend can be started."""
    current = runtime.get()
    if current.setup is not None:
        layout.progress(factor=current.setup.fraction, text=current.setup.label)
        return
    if current.session.state != "stopped" or not (disabled_reason := launch.disabled_reason()):
        return
    box = layout.box()
    draw_text(box, f"{disabled_reason}.", characters, "INFO")
    box.operator("placid.open_preferences", icon="PREFERENCES")


def _settings_column(layout: bpy.types.UILayout) -> bpy.types.UILayout:
    column = layout.column()
    column.use_property_split = True
    column.use_property_decorate = False
    return column


CLASSES = (
    PLACID_PT_main,
    PLACID_PT_safety,
    PLACID_PT_advanced,
    PLACID_PT_generate,
)

register, unregister = bpy.utils.register_classes_factory(CLASSES)
