"""Placid beside the keys: a tab in Dope Sheet and NLA editor, and entries in Blender's menus."""

import bpy

from ...ui.panel_base import Tab
from ..generate.panel import draw_generate, draw_prompt
from .panel import draw_takes

# Menus of Blender's that Placid's is an entry of, where this Blender has them.
_MENUS = ("VIEW3D_MT_object", "VIEW3D_MT_pose", "DOPESHEET_MT_key", "NLA_MT_add")


class _EditorTab(Tab):
    bl_label = "Placid"

    def draw(self, context: bpy.types.Context) -> None:
        draw_prompt(self.layout, context)
        draw_generate(self.layout, context)
        draw_takes(self.layout, context)


class PLACID_PT_dope_sheet(_EditorTab, bpy.types.Panel):
    bl_space_type = "DOPESHEET_EDITOR"


class PLACID_PT_nla(_EditorTab, bpy.types.Panel):
    bl_space_type = "NLA_EDITOR"


class PLACID_MT_menu(bpy.types.Menu):
    bl_idname = "PLACID_MT_menu"
    bl_label = "Placid"

    def draw(self, context):
        layout = self.layout
        layout.operator("placid.prompt", text="Generate Motion...", icon="PLAY")
        layout.operator("placid.regenerate")
        layout.operator("placid.variation")
        layout.separator()
        layout.operator("placid.accept_take")
        layout.operator("placid.reject_take")
        layout.operator("placid.append_take")
        layout.operator("placid.push_to_nla")
        layout.operator("placid.back_to_sequence")
        layout.separator()
        layout.operator("placid.save_asset")
        layout.operator("placid.film_take")
        layout.operator("placid.load_motion")


def _entry(menu, _context) -> None:
    menu.layout.separator()
    menu.layout.menu(PLACID_MT_menu.bl_idname)


CLASSES = (PLACID_MT_menu, PLACID_PT_dope_sheet, PLACID_PT_nla)


def register() -> None:
    for cls in CLASSES:
        bpy.utils.register_class(cls)
    for name in _MENUS:
        if menu := getattr(bpy.types, name, None):
            menu.append(_entry)


def unregister() -> None:
    for name in _MENUS:
        if menu := getattr(bpy.types, name, None):
            menu.remove(_entry)
    for cls in reversed(CLASSES):
        bpy.utils.unregister_class(cls)
