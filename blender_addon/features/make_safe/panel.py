"""The panel Make Safe: what was found in the character's action, and what takes it out."""

import bpy

from ...core import characters
from ...ui.panel_base import Tab
from ...ui.text import characters_of, draw_text
from . import look


class PLACID_UL_found(bpy.types.UIList):
    """Strikes found: whether to take it out, what it is, its frames."""

    def draw_item(self, context, layout, data, strike, icon, active_data, active_property):
        row = layout.row(align=True)
        row.prop(strike, "take_out", text="")
        row.label(text=strike.what.capitalize())
        frames = row.row()
        frames.alignment = "RIGHT"
        frames.label(text=f"{strike.first} to {strike.last}")


class PLACID_PT_make_safe(Tab, bpy.types.Panel):
    bl_label = "Make Safe"
    bl_parent_id = "PLACID_PT_main"
    bl_options = {"DEFAULT_CLOSED"}
    bl_order = 27

    def draw(self, context: bpy.types.Context) -> None:
        layout, width = self.layout, characters_of(context)
        problem = characters.problem(context)
        if problem:
            draw_text(layout, problem, width, "ERROR")
            layout.operator("placid.guess_mapping", icon="VIEWZOOM")
            draw_text(layout, "The bones can be corrected in Bone Mapping below.", width)
            return
        layout.operator("placid.look_for_strikes", icon="VIEWZOOM")
        if look.is_looking():
            layout.label(text="Looking at the action", icon="SORTTIME")
        found = context.scene.placid_found
        if found.action is None:
            return
        if not found.strikes:
            draw_text(
                layout,
                f"No strike was found in {found.action.name}; the checks can miss one.",
                width,
                "FAKE_USER_ON",
            )
            return
        draw_text(layout, f"Found in {found.action.name}:", width, "ERROR")
        layout.template_list("PLACID_UL_found", "", found, "strikes", found, "strike_index")
        layout.operator("placid.make_safe", icon="FAKE_USER_ON")


CLASSES = (PLACID_UL_found, PLACID_PT_make_safe)

register, unregister = bpy.utils.register_classes_factory(CLASSES)
