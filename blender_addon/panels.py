"""The tab Placid in the 3D view's sidebar. It draws and decides nothing."""

import bpy

from . import runtime, takes
from .rig_label import rig_label
from .sentences import characters_of, draw_sentence, draw_text
from .tab import Tab

STATES = {
    "stopped": ("Backend: starts with the first generation", "RADIOBUT_OFF"),
    "starting": ("Backend: starting", "SORTTIME"),
    "loading": ("Backend: loading the model", "SORTTIME"),
    "ready": ("Backend: ready", "RADIOBUT_ON"),
    "failed": ("Backend: could not load the model", "ERROR"),
}


class PLACID_PT_main(Tab, bpy.types.Panel):
    bl_label = "Placid"

    def draw(self, context: bpy.types.Context) -> None:
        settings = context.scene.placid
        layout = self.layout
        column = layout.column()
        column.prop(settings, "prompt", text="", placeholder="a person walks and waves")
        column = layout.column()
        column.use_property_split = True
        column.use_property_decorate = False
        column.prop(settings, "automatic_length")
        length = column.row()
        length.enabled = not settings.automatic_length
        length.prop(settings, "seconds")
        column.prop(settings, "take_count")
        row = column.row(align=True)
        row.prop(settings, "seed")
        lock = "LOCKED" if settings.lock_seed else "UNLOCKED"
        row.prop(settings, "lock_seed", text="", icon=lock)
        column.prop(settings, "model")
        column.prop(settings, "armature")
        column.label(text=rig_label(takes.target(context)), icon="ARMATURE_DATA")


class PLACID_PT_safety(Tab, bpy.types.Panel):
    bl_label = "Safety"
    bl_parent_id = "PLACID_PT_main"

    def draw(self, context: bpy.types.Context) -> None:
        settings = context.scene.placid
        column = self.layout.column()
        column.use_property_split = True
        column.use_property_decorate = False
        column.prop(settings, "safety")
        if settings.safety_name == "off":
            draw_sentence(column, "Violent motion can be generated", characters_of(context))
            return
        column.prop(settings, "concepts")
        column.prop(settings, "strength")


class PLACID_PT_generate(Tab, bpy.types.Panel):
    bl_label = "Generate"
    bl_parent_id = "PLACID_PT_main"
    bl_options = {"HIDE_HEADER"}

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        current = runtime.get()
        job = current.job
        if job is None:
            row = layout.row()
            row.scale_y = 1.5
            row.operator("placid.generate", icon="PLAY")
        else:
            row = layout.row(align=True)
            row.progress(factor=job.fraction, text=job.stage)
            row.operator("placid.cancel", text="", icon="X")
        if current.notice is not None:
            draw_sentence(layout, current.notice.message, characters_of(context))
            layout.operator("placid.copy_report", icon="COPYDOWN")
        _draw_backend(layout, current)


class PLACID_UL_takes(bpy.types.UIList):
    """Takes: status, name, seed."""

    def draw_item(self, context, layout, data, take, icon, active_data, active_property):
        row = layout.row(align=True)
        row.active = take.status != "REJECTED"
        badge = take.bl_rna.properties["status"].enum_items[take.status].icon
        row.prop(take, "name", text="", emboss=False, icon=badge)
        seed = row.row()
        seed.alignment = "RIGHT"
        seed.label(text=str(take.seed))


class PLACID_PT_takes(Tab, bpy.types.Panel):
    bl_label = "Takes"
    bl_parent_id = "PLACID_PT_main"

    def draw(self, context: bpy.types.Context) -> None:
        settings = context.scene.placid
        layout = self.layout
        if not settings.takes:
            layout.label(text="What you generate appears here")
            return
        layout.template_list("PLACID_UL_takes", "", settings, "takes", settings, "take_index")
        row = layout.row(align=True)
        row.operator("placid.accept_take", icon="CHECKMARK")
        row.operator("placid.reject_take", icon="X")
        row = layout.row(align=True)
        row.operator("placid.regenerate", icon="FILE_REFRESH")
        row.operator("placid.push_to_nla", icon="NLA_PUSHDOWN")
        row.operator("placid.delete_take", text="", icon="TRASH")
        take = takes.active(context.scene)
        if take is not None:
            _draw_take(layout, take, characters_of(context))


def _draw_take(layout: bpy.types.UILayout, take, characters: int) -> None:
    column = layout.column(align=True)
    draw_text(column, take.prompt, characters)
    safety = "off" if take.safety == "off" else f"{take.safety}: {take.concepts}"
    column.label(text=f"{take.seconds:.1f} s, seed {take.seed}, safety {safety}")
    if take.report:
        draw_text(column, take.report, characters)


def _draw_backend(layout: bpy.types.UILayout, current: runtime.Runtime) -> None:
    text, icon = STATES[current.session.state]
    capabilities = current.session.capabilities
    if current.session.state == "ready" and capabilities is not None:
        text += f" on {capabilities.device}"
    row = layout.row(align=True)
    row.label(text=text, icon=icon)
    if current.session.state != "stopped":
        row.operator("placid.stop_backend", text="", icon="CANCEL")
    else:
        row.operator("placid.start_backend", text="", icon="FILE_REFRESH")


CLASSES = (
    PLACID_PT_main,
    PLACID_PT_safety,
    PLACID_PT_generate,
    PLACID_UL_takes,
    PLACID_PT_takes,
)


def register() -> None:
    for cls in CLASSES:
        bpy.utils.register_class(cls)


def unregister() -> None:
    for cls in reversed(CLASSES):
        bpy.utils.unregister_class(cls)
