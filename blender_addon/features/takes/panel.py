"""The panel Takes: the list, what can be done with the chosen take, and what is known of it."""

from typing import Any, Final

import bpy

from ...core import audits, characters, takes
from ...core.ranking import NO_MATCH, order_of
from ...core.safety_words import OFF_WORD, safety_of
from ...shared.motion.audit import ANSWERS, SIGHT
from ...shared.motion.safety import OFF
from ...ui.frames import frames_of
from ...ui.panel_base import Tab
from ...ui.text import characters_of, draw_sentence, draw_text
from ..film import job as film_take

STRIKES_SHOWN = 4
_ANSWER_ICONS: Final[dict[str, Any]] = {
    "none": "FAKE_USER_ON",
    "possible": "QUESTION",
    "found": "ERROR",
}
# In a narrower sidebar a take's name needs the room; safety and seed stand below the list.
WIDE_CHARACTERS = 45
# Of the numbers in the list, in Blender's units of a button's height.
NUMBER_UNITS = 1.2
# What a button beside a text takes from its lines.
BUTTON_CHARACTERS = 4


class PLACID_UL_takes(bpy.types.UIList):
    """Takes: number, status, name, safety and seed where there is room, favourite, strikes."""

    def draw_item(self, context, layout, data, take, icon, active_data, active_property):
        row = layout.row(align=True)
        row.active = take.status != "REJECTED"
        number = row.row()
        number.ui_units_x = NUMBER_UNITS
        number.label(text=str(take.number))
        badge = take.bl_rna.properties["status"].enum_items[take.status].icon
        row.prop(take, "name", text="", emboss=False, icon=badge)
        if characters_of(context) >= WIDE_CHARACTERS:
            facts = row.row()
            facts.alignment = "RIGHT"
            facts.active = False
            facts.label(text=f"{safety_of(take)}  {take.seed}")
        star = "SOLO_ON" if take.favourite else "SOLO_OFF"
        row.prop(take, "favourite", text="", emboss=False, icon=star)
        _draw_badge(row, take)

    def draw_filter(self, context, layout):
        settings = context.scene.placid
        row = layout.row(align=True)
        row.prop(self, "filter_name", text="", icon="VIEWZOOM")
        row.prop(settings, "only_favourites", text="", icon="SOLO_ON")
        row.prop(settings, "only_character", text="", icon="ARMATURE_DATA")
        layout.prop(settings, "take_order")

    def filter_items(self, context, data, propname):
        rows = data.takes
        shown = [self.bitflag_filter_item] * len(rows)
        if self.filter_name:
            shown = bpy.types.UI_UL_list.filter_items_by_name(
                self.filter_name, self.bitflag_filter_item, rows, "name"
            )
        who = characters.target(context) if data.only_character else None
        for index, take in enumerate(rows):
            if (data.only_favourites and not take.favourite) or who not in (None, take.armature):
                shown[index] = 0
        return shown, order_of(rows, data.take_order)


class PLACID_PT_takes(Tab, bpy.types.Panel):
    bl_label = "Takes"
    bl_parent_id = "PLACID_PT_main"
    bl_order = 1

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        draw_takes(layout, context)
        take = takes.active(context.scene)
        if take is not None:
            _draw_film(layout, characters_of(context))
            _draw_take(layout, context.scene, take, characters_of(context))


class PLACID_PT_take_details(Tab, bpy.types.Panel):
    bl_label = "Details"
    bl_parent_id = "PLACID_PT_takes"
    bl_options = {"DEFAULT_CLOSED"}

    @classmethod
    def poll(cls, context):
        return takes.active(context.scene) is not None

    def draw(self, context: bpy.types.Context) -> None:
        _draw_details(self.layout, takes.active(context.scene), characters_of(context))


def draw_takes(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    """The list of takes and what can be done with the chosen one."""
    settings = context.scene.placid
    if not settings.takes:
        layout.label(text="What you generate appears here")
        layout.operator("placid.load_motion", icon="FILE_FOLDER")
        return
    row = layout.row()
    row.template_list("PLACID_UL_takes", "", settings, "takes", settings, "take_index")
    buttons = row.column(align=True)
    buttons.operator("placid.show_take", text="", icon="PLAY")
    buttons.operator("placid.load_motion", text="", icon="FILE_FOLDER")
    buttons.separator()
    buttons.operator("placid.delete_take", text="", icon="TRASH")
    buttons.operator_menu_enum("placid.delete_takes", "which", text="", icon="DOWNARROW_HLT")
    row = layout.row(align=True)
    row.operator("placid.regenerate", icon="FILE_REFRESH")
    row.operator("placid.variation", icon="RNDCURVE")
    row = layout.row(align=True)
    row.operator("placid.accept_take", icon="CHECKMARK")
    row.operator("placid.reject_take", icon="X")
    row = layout.row(align=True)
    row.operator("placid.append_take", icon="NLA_PUSHDOWN")
    row.operator("placid.push_to_nla")
    row.operator("placid.back_to_sequence", text="", icon="NLA")


def _draw_film(layout: bpy.types.UILayout, characters: int) -> None:
    film = film_take.current()
    row = layout.row(align=True)
    if film is None:
        row.operator("placid.film_take", icon="RENDER_ANIMATION")
        row.operator("placid.save_asset", icon="ASSET_MANAGER")
    else:
        row.progress(factor=film.fraction, text=f"Filming {film.path.name}")
        row.operator("placid.cancel_film", text="", icon="X")
    if (film := film_take.finished()) is not None:
        row = layout.row()
        text = f"Filmed {film.name}: {film.path.name}"
        draw_text(row, text, characters - BUTTON_CHARACTERS, "CHECKMARK")
        row.operator("placid.open_film_folder", text="", icon="FILE_FOLDER")


def _draw_badge(row: bpy.types.UILayout, take) -> None:
    """Whether the backend's checks found strikes, how many, and how sure they are."""
    answer = audits.answer(take)
    if answer is None:
        return
    badge = row.row()
    badge.alignment = "RIGHT"
    badge.alert = answer == "found"
    badge.label(text=str(audits.count(take) or ""), icon=_ANSWER_ICONS[answer])


def _draw_take(layout: bpy.types.UILayout, scene: bpy.types.Scene, take, characters: int) -> None:
    """What an animator asks about a take."""
    column = layout.column(align=True)
    draw_text(column, take.prompt, characters)
    if take.doubt:
        draw_sentence(column, take.doubt, characters)
    draw_text(column, _facts(scene, take), characters)
    words = safety_of(take)
    column.label(text=f"Safety: {words}", icon="ERROR" if words == OFF_WORD else "NONE")
    _draw_audit(column, scene, take, characters)


def _draw_details(layout: bpy.types.UILayout, take, characters: int) -> None:
    """How it was made, and how the rig follows."""
    column = layout.column(align=True)
    column.label(text=f"Seed {take.seed}")
    if take.label:
        draw_text(column, take.label[0].upper() + take.label[1:], characters)
    for change in take.changes.splitlines() if take.safety != OFF else ():
        draw_text(column, change, characters)
    if take.report:
        draw_text(column, take.report, characters)


def _facts(scene: bpy.types.Scene, take) -> str:
    """Length, seed, and how good the motion is in figures."""
    words = [f"{take.seconds:.1f} s", f"{frames_of(scene, take.seconds)} frames"]
    if take.match != NO_MATCH:
        words.append(f"match {take.match:.2f}")
    words.append(f"foot slide {100.0 * take.slide:.1f} cm/s")
    return ", ".join(words)


def _draw_audit(column: bpy.types.UILayout, scene: bpy.types.Scene, take, characters: int) -> None:
    if audits.is_damaged(take):
        draw_text(
            column, "The audit is damaged; Again makes and checks it anew", characters, "ERROR"
        )
    answer = audits.answer(take)
    if answer is None:
        return
    lines = column.column(align=True)
    lines.alert = answer == "found"
    draw_text(lines, ANSWERS[answer], characters, _ANSWER_ICONS[answer])
    strikes = audits.strikes(scene, take)
    for strike in strikes[:STRIKES_SHOWN]:
        lines.label(text=strike.sentence, icon="BLANK1")
    if len(strikes) > STRIKES_SHOWN:
        lines.label(text=f"and {len(strikes) - STRIKES_SHOWN} more", icon="BLANK1")
    draw_text(column, SIGHT, characters)


CLASSES = (PLACID_UL_takes, PLACID_PT_takes, PLACID_PT_take_details)

register, unregister = bpy.utils.register_classes_factory(CLASSES)
