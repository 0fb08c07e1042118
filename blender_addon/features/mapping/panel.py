"""The panels Motion and Bone Mapping: how a take is put on a character, and on which bones."""

import bpy

from ...core import characters
from ...retargeting.bone_mapping import ROOT_ROW, PlacidBoneMapping, is_chosen, row_labels
from ...shared.recognition.mapping import REQUIRED_JOINTS
from ...ui.panel_base import Tab
from ...ui.text import characters_of, draw_text

SECTIONS = (
    ("Trunk", ("pelvis", "spine", "neck", "head", ROOT_ROW)),
    ("Left", ("left_",)),
    ("Right", ("right_",)),
)
LABEL_SHARE = 0.26


class PLACID_PT_motion(Tab, bpy.types.Panel):
    bl_label = "Motion"
    bl_parent_id = "PLACID_PT_main"
    bl_options = {"DEFAULT_CLOSED"}
    bl_order = 4

    def draw(self, context: bpy.types.Context) -> None:
        settings = context.scene.placid_motion
        column = self.layout.column()
        column.use_property_split = True
        column.use_property_decorate = False
        column.prop(settings, "root_motion")
        column.prop(settings, "pin_strength")
        column.prop(settings, "start")
        if settings.start == "FRAME":
            column.prop(settings, "frame")
        column.prop(settings, "own_rate")
        if settings.own_rate:
            column.prop(settings, "fps")
        column.prop(settings, "keys")
        if settings.keys == "REDUCED":
            column.prop(settings, "key_angle")
            column.prop(settings, "key_distance")
        column.prop(settings, "mirror")
        column.prop(settings, "speed")
        cuts = column.column(align=True)
        cuts.prop(settings, "cut_start")
        cuts.prop(settings, "cut_end")
        column.prop(settings, "loop")
        blends = column.column()
        blends.active = not settings.loop
        blends.prop(settings, "blend_in")
        blends.prop(settings, "blend_out")
        column.prop(settings, "overlap")
        self.layout.operator("placid.retarget", icon="ARMATURE_DATA")
        self.layout.operator("placid.reduce_keys", icon="KEYFRAME")


class PLACID_PT_bone_mapping(Tab, bpy.types.Panel):
    bl_label = "Bone Mapping"
    bl_parent_id = "PLACID_PT_main"
    bl_options = {"DEFAULT_CLOSED"}
    bl_order = 28

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        armature = characters.target(context)
        if armature is None:
            draw_text(layout, "Select a character to map its bones.", characters_of(context))
            return
        chosen = armature.placid_mapping
        row = layout.row(align=True)
        row.operator("placid.guess_mapping", icon="VIEWZOOM")
        row.operator_menu_enum("placid.use_preset", "preset", text="Preset", icon="PRESET")
        row.operator("placid.load_mapping", text="", icon="FILE_FOLDER")
        if not is_chosen(chosen):
            draw_text(
                layout, "The rig is recognised by itself; guess to edit.", characters_of(context)
            )
            return
        if chosen.prefix:
            note = layout.column()
            note.active = False
            draw_text(note, f"Names without their {chosen.prefix!r}", characters_of(context))
        for title, prefixes in SECTIONS:
            _draw_section(layout, title, prefixes, chosen, armature)
        row = layout.row(align=True)
        row.operator("placid.mirror_mapping", text="Left to Right").source = "left"
        row.operator("placid.mirror_mapping", text="Right to Left").source = "right"
        layout.prop(chosen, "title")
        row = layout.row(align=True)
        row.operator("placid.save_mapping", icon="FILE_TICK")
        row.operator("placid.clear_mapping", icon="X")


def _draw_section(
    layout: bpy.types.UILayout,
    title: str,
    prefixes: tuple[str, ...],
    chosen: PlacidBoneMapping,
    armature: bpy.types.Object,
) -> None:
    layout.label(text=title)
    column = layout.column(align=True)
    named = list(zip(chosen.rows, row_labels(chosen), strict=True))
    rows = [pair for prefix in prefixes for pair in named if pair[0].joint.startswith(prefix)]
    for row, text in rows:
        # Narrower labels than property split makes: bones have long names.
        line = column.split(factor=LABEL_SHARE, align=True)
        unknown = row.bone not in armature.data.bones
        line.alert = unknown and (bool(row.bone) or row.joint in REQUIRED_JOINTS)
        label = line.row()
        label.alignment = "RIGHT"
        label.label(text=text)
        line.prop_search(row, "shown", armature.data, "bones", text="")


CLASSES = (PLACID_PT_motion, PLACID_PT_bone_mapping)


def register() -> None:
    for cls in CLASSES:
        bpy.utils.register_class(cls)


def unregister() -> None:
    for cls in reversed(CLASSES):
        bpy.utils.unregister_class(cls)
