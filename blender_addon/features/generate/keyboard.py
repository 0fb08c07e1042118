"""The keyboard: Enter in the prompt field generates, and a shortcut opens the field anywhere."""

from typing import Final, Literal

import bpy

from ...core.operator_base import Operator
from .operators import PLACID_OT_generate, generate
from .typed import Typing

_WIDTH: Final = 560
# The key maps of editors that have the tab, with their spaces.
_TABS: Final[tuple[tuple[str, Literal["VIEW_3D", "DOPESHEET_EDITOR", "NLA_EDITOR"]], ...]] = (
    ("3D View Generic", "VIEW_3D"),
    ("Dopesheet Generic", "DOPESHEET_EDITOR"),
    ("NLA Generic", "NLA_EDITOR"),
)


class PLACID_OT_generate_on_enter(Operator, bpy.types.Operator):
    """Generate when Enter ends the typing of the prompt"""

    bl_idname = "placid.generate_on_enter"
    bl_label = "Generate on Enter"
    bl_options = {"INTERNAL"}

    def invoke(self, context, event):
        if context.region is None or context.region.type != "UI" or not Typing.has_just_ended():
            return {"PASS_THROUGH"}
        return self.execute(context)

    def run(self, context):
        Typing.forget()
        if bpy.ops.placid.generate.poll():
            bpy.ops.placid.generate()


class PLACID_OT_prompt(Operator, bpy.types.Operator):
    """Describe a motion in a wide field and generate it, wherever the mouse is"""

    bl_idname = "placid.prompt"
    bl_label = "Generate Motion"

    def invoke(self, context, event):
        manager = context.window_manager
        return manager.invoke_props_dialog(self, width=_WIDTH, confirm_text="Generate")

    def draw(self, context):
        settings = context.scene.placid
        row = self.layout.row()
        row.activate_init = True
        row.scale_y = 1.3
        row.prop(settings, "prompt", text="", placeholder="a person walks and waves")
        row = self.layout.row(align=True)
        row.prop(settings, "seconds")
        row.prop(settings, "frames")
        row.prop(settings, "take_count")
        if reason := PLACID_OT_generate.disabled_reason(context):
            self.layout.label(text=reason, icon="INFO")

    def run(self, context):
        Typing.forget()
        generate(context)


CLASSES = (PLACID_OT_generate_on_enter, PLACID_OT_prompt)


class _Keys:
    """The keys that were added, to be taken away with the extension."""

    added: list[tuple[bpy.types.KeyMap, bpy.types.KeyMapItem]] = []


def register() -> None:
    """Listen to Enter in the tabs, and to the shortcut Shift Alt P."""
    keys = bpy.context.window_manager.keyconfigs.addon
    if keys is None:  # without a window
        return
    for name, space in _TABS:
        keymap = keys.keymaps.new(name, space_type=space)
        for key in ("RET", "NUMPAD_ENTER"):
            item = keymap.keymap_items.new("placid.generate_on_enter", key, "RELEASE")
            _Keys.added.append((keymap, item))
        item = keymap.keymap_items.new("placid.prompt", "P", "PRESS", shift=True, alt=True)
        _Keys.added.append((keymap, item))


def unregister() -> None:
    """Leave no keys behind."""
    for keymap, item in _Keys.added:
        keymap.keymap_items.remove(item)
    _Keys.added.clear()
