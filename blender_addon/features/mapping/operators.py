"""The mapping editor's verbs: guess, preset, mirror, save, load, and back to recognition."""

from pathlib import Path

import bpy
from bpy.props import EnumProperty, StringProperty
from bpy_extras.io_utils import ImportHelper

from ...core import characters
from ...core.operator_base import Operator
from ...retargeting.bone_mapping import (
    from_rows,
    is_chosen,
    own_presets,
    preset_folder,
    save_preset,
    set_rows,
    to_rows,
)
from ...retargeting.editable import check_own
from ...rig.read_rig import read_rig
from ...shared.errors import PlacidError
from ...shared.recognition.bone_names import mirror_name
from ...shared.recognition.detect import detect
from ...shared.recognition.mapping import Mapping, load_mapping, load_presets
from ...shared.recognition.skeleton_rig import RigError

# Blender does not keep dynamic menu entries alive; without this the labels turn to garbage.
_entries: list[tuple[str, str, str]] = []


def _presets(_operator, _context) -> list[tuple[str, str, str]]:
    names = dict.fromkeys(preset.name for preset in (*own_presets(), *load_presets()))
    _entries[:] = [(name, name, f"Bones as in {name}") for name in names]
    return _entries


class MappingVerb(Operator):
    """Base of the verbs for the bones of the chosen character."""

    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, context):
        armature = characters.target(context)
        if armature is None:
            return "Select a character first"
        try:
            check_own(armature)
        except PlacidError as error:
            return error.message
        return ""


class EditVerb(MappingVerb):
    """Base of the verbs that need an opened mapping."""

    @classmethod
    def disabled_reason(cls, context):
        reason = super().disabled_reason(context)
        if not reason and not is_chosen(characters.target(context).placid_mapping):
            reason = "Guess the bones or choose a preset first"
        return reason


class PLACID_OT_guess_mapping(MappingVerb, bpy.types.Operator):
    """Fill the mapping with the bones that names and shape of the rig suggest"""

    bl_idname = "placid.guess_mapping"
    bl_label = "Guess"

    def run(self, context):
        armature = characters.target(context)
        try:
            mapping = detect(read_rig(armature), own_presets()).mapping
        except RigError:
            mapping = Mapping(name=armature.name, bones={})
            self.report({"WARNING"}, "Nothing was recognised; choose the bones yourself")
        to_rows(armature.placid_mapping, mapping)


class PLACID_OT_use_preset(MappingVerb, bpy.types.Operator):
    """Fill the mapping from a preset, less the bones that the character does not have"""

    bl_idname = "placid.use_preset"
    bl_label = "Use Preset"
    preset: EnumProperty(name="Preset", items=_presets)

    def run(self, context):
        named = [p for p in (*own_presets(), *load_presets()) if p.name == self.preset]
        _open(characters.target(context), named[0])


class PLACID_OT_load_mapping(MappingVerb, ImportHelper, bpy.types.Operator):
    """Fill the mapping from a preset's TOML file"""

    bl_idname = "placid.load_mapping"
    bl_label = "Load Mapping"
    filter_glob: StringProperty(default="*.toml", options={"HIDDEN"})

    def invoke(self, context, event):
        self.filepath = str(preset_folder() / "")
        return super().invoke(context, event)

    def run(self, context):
        _open(characters.target(context), load_mapping(Path(bpy.path.abspath(self.filepath))))


class PLACID_OT_mirror_mapping(EditVerb, bpy.types.Operator):
    """Give the other side the counterparts of this side's bones"""

    bl_idname = "placid.mirror_mapping"
    bl_label = "Mirror"
    source: EnumProperty(
        name="From", items=[("left", "Left", "From the left"), ("right", "Right", "From the right")]
    )

    def run(self, context):
        armature = characters.target(context)
        rows = {row.joint: row for row in armature.placid_mapping.rows}
        other = "right" if self.source == "left" else "left"
        for joint, row in rows.items():
            if joint.startswith(self.source):
                partner = mirror_name(row.bone)
                known = partner in armature.data.bones and partner != row.bone
                rows[joint.replace(self.source, other, 1)].bone = partner if known else ""


class PLACID_OT_save_mapping(EditVerb, bpy.types.Operator):
    """Keep the mapping as a preset, by which further characters are recognised"""

    bl_idname = "placid.save_mapping"
    bl_label = "Save Preset"

    def run(self, context):
        mapping = from_rows(characters.target(context).placid_mapping)
        path = save_preset(mapping)
        self.report({"INFO"}, f"Saved: {path}")


class PLACID_OT_clear_mapping(EditVerb, bpy.types.Operator):
    """Forget the mapping: the rig is recognised by itself again"""

    bl_idname = "placid.clear_mapping"
    bl_label = "Forget"

    def run(self, context):
        set_rows(characters.target(context).placid_mapping, ())


def _open(armature: bpy.types.Object, mapping: Mapping) -> None:
    bones = {bone.name for bone in armature.data.bones}
    variants = [mapping.prefixed(prefix) for prefix in mapping.prefixes]
    best = max(variants, key=lambda variant: len(bones & set(variant.all_bones())))
    to_rows(armature.placid_mapping, best.without(set(best.all_bones()) - bones))


CLASSES = (
    PLACID_OT_guess_mapping,
    PLACID_OT_use_preset,
    PLACID_OT_load_mapping,
    PLACID_OT_mirror_mapping,
    PLACID_OT_save_mapping,
    PLACID_OT_clear_mapping,
)
