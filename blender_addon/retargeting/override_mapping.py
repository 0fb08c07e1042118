"""Bone mappings of library overrides, as text that Blender saves.

Of an override Blender keeps single values, but no lists within groups. The mapping of one is
therefore noted as text whenever it changes, and read from it when the file is opened.
"""

import bpy
import msgspec
from bpy.props import StringProperty


class _Noted(msgspec.Struct):
    title: str
    base: str
    prefix: str
    rows: list[tuple[str, str]]


def note(armature: bpy.types.Object) -> None:
    """Note the mapping of an armature, when it is an override."""
    if armature.override_library is None:
        return
    chosen = armature.placid_mapping
    rows = [(row.joint, row.bone) for row in chosen.rows]
    noted = _Noted(chosen.title, chosen.base, chosen.prefix, rows)
    armature.placid_mapping_noted = msgspec.json.encode(noted).decode()


@bpy.app.handlers.persistent
def _read_notes(*_file: object) -> None:
    for armature in bpy.data.objects:
        if armature.override_library is not None and armature.placid_mapping_noted:
            _read_note(armature)


def _read_note(armature: bpy.types.Object) -> None:
    try:
        noted = msgspec.json.decode(armature.placid_mapping_noted, type=_Noted)
    except (msgspec.MsgspecError, RecursionError):
        return
    chosen = armature.placid_mapping
    while len(chosen.rows) < len(noted.rows):
        chosen.rows.add()
    for row, (joint, bone) in zip(chosen.rows, noted.rows, strict=False):
        row.joint, row.bone = joint, bone
    chosen.base, chosen.prefix, chosen.title = noted.base, noted.prefix, noted.title


def register() -> None:
    bpy.types.Object.placid_mapping_noted = StringProperty(override={"LIBRARY_OVERRIDABLE"})
    bpy.app.handlers.load_post.append(_read_notes)


def unregister() -> None:
    bpy.app.handlers.load_post.remove(_read_notes)
    del bpy.types.Object.placid_mapping_noted
