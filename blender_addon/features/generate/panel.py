"""The tab Placid in the 3D view's sidebar. It draws and decides nothing."""

import bpy

from ...core import characters, runtime
from ...core.prompt_book import BOOK
from ...core.safety_words import OFF_WORD
from ...link import launch
from ...retargeting.rig_label import rig_label, rig_problem
from ...shared.motion.safety import OFF
from ...ui.backend_status import draw_backend, draw_notice
from ...ui.panel_base import Tab
from ...ui.text import characters_of, draw_sentence, draw_text
from .operators import forgetting, safety_words
from .properties import background_note, can_guard, chosen_safety, description

# What the number of takes is wide beside the button, in Blender's units of a button's height.
COUNT_UNITS = 7


class PLACID_PT_main(Tab, bpy.types.Panel):
    bl_label = "Placid"

    def draw(self, context: bpy.types.Context) -> None:
        characters_shown = characters_of(context)
        _draw_first_start(self.layout, characters_shown)
        draw_prompt(self.layout, context)
        draw_generate(self.layout, context)


class PLACID_PT_settings(Tab, bpy.types.Panel):
    bl_label = "Settings"
    bl_parent_id = "PLACID_PT_main"
    bl_options = {"DEFAULT_CLOSED"}
    bl_order = 2

    def draw(self, context: bpy.types.Context) -> None:
        settings = context.scene.placid
        column = _settings_column(self.layout)
        column.prop(settings, "armature")
        column.prop(settings, "automatic_length")
        row = column.row(align=True)
        row.prop(settings, "seed")
        lock = "LOCKED" if settings.lock_seed else "UNLOCKED"
        row.prop(settings, "lock_seed", text="", icon=lock)
        column.prop(settings, "model")


class PLACID_PT_safety(Tab, bpy.types.Panel):
    bl_label = "Safety"
    bl_parent_id = "PLACID_PT_main"
    bl_options = {"DEFAULT_CLOSED"}
    bl_order = 3

    def draw_header_preset(self, context: bpy.types.Context) -> None:
        row = self.layout.row()
        row.alert = chosen_safety(context.scene.placid) == OFF
        row.label(text=safety_words(context.scene.placid))

    def draw(self, context: bpy.types.Context) -> None:
        settings = context.scene.placid
        layout = self.layout
        column = _settings_column(layout)
        column.prop(settings, "safety")
        method = chosen_safety(settings)
        if method == OFF:
            warning = f"Safety is {OFF_WORD}: violent motion can be generated"
            draw_sentence(layout, warning, characters_of(context))
            return
        row = column.row()
        row.enabled = can_guard(settings)
        row.prop(settings, "token_guard")
        column.prop(settings, "concepts")
        draw_text(layout, forgetting(settings), characters_of(context), "INFO")
        column = _settings_column(layout)
        column.prop(settings, "strength")
        if note := background_note():
            draw_text(layout, f"{note[:1].upper()}{note[1:]}.", characters_of(context), "TIME")
        if what := description("safety", method):
            note = layout.column(align=True)
            note.active = False
            draw_text(note, f"{what}.", characters_of(context))


class PLACID_PT_advanced(Tab, bpy.types.Panel):
    bl_label = "Advanced"
    bl_parent_id = "PLACID_PT_settings"
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


def draw_prompt(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    """The prompt as wide as the tab, prompts to choose from, and how long it lasts."""
    settings = context.scene.placid
    column = layout.column()
    field = column.row()
    field.scale_y = 1.3
    field.prop(settings, "prompt", text="", placeholder="a person walks and waves")
    row = column.row(align=True)
    row.menu("PLACID_MT_actions", icon="VIEWZOOM")
    row.menu("PLACID_MT_prompts", icon="TIME")
    star = "SOLO_ON" if settings.prompt.strip() in BOOK.favourites else "SOLO_OFF"
    row.operator("placid.mark_prompt", text="", icon=star)
    row = column.row(align=True)
    row.active = not settings.automatic_length
    row.prop(settings, "seconds")
    row.prop(settings, "frames")


def draw_generate(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    """Who moves, the button or how far it is, the last problem, the backend."""
    current, characters_shown = runtime.get(), characters_of(context)
    armature, reason = characters.target(context), characters.problem(context)
    if armature is not None or not reason:
        draw_text(layout, rig_label(armature), characters_shown, "ARMATURE_DATA")
    if reason:
        draw_sentence(layout, reason, characters_shown)
        if armature is not None and rig_problem(armature):
            row = layout.row(align=True)
            row.operator("placid.guess_mapping", text="Guess Bones", icon="VIEWZOOM")
            draw_text(layout, "Then look at Bone Mapping below", characters_shown)
    job = current.job
    row = layout.row(align=True)
    row.scale_y = 1.5
    if job is None:
        row.operator("placid.generate", icon="PLAY")
        count = row.row(align=True)
        count.ui_units_x = COUNT_UNITS
        count.prop(context.scene.placid, "take_count")
    else:
        row.progress(factor=job.fraction, text=job.summary())
        row.operator("placid.cancel", text="", icon="X")
    if current.notice is not None:
        draw_notice(layout, current.notice, characters_shown)
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
    PLACID_PT_settings,
    PLACID_PT_safety,
    PLACID_PT_advanced,
)

register, unregister = bpy.utils.register_classes_factory(CLASSES)
