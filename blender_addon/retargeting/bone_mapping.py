"""The bone mapping that a user chose for an armature; it is kept on the armature in the .blend."""

import logging
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import bpy
import msgspec
from bpy.props import CollectionProperty, PointerProperty, StringProperty

from ..link import paths
from ..rig.read_rig import read_rig
from ..shared.names import file_name
from ..shared.recognition.detect import detect
from ..shared.recognition.mapping import (
    SINGLE_JOINTS,
    Mapping,
    MappingError,
    format_mapping,
    load_mapping,
    parse_unfinished,
    save_mapping,
)
from ..shared.recognition.skeleton_rig import Rig
from .editable import check_own
from .override_mapping import note

log = logging.getLogger(__name__)

# Chains have a row for every bone; these many are offered even when a rig has fewer.
CHAIN_ROWS = {"spine": 5, "neck": 3}
ROOT_ROW = "root"
# So that the mapping of a character from another file can be edited here.
_OVERRIDABLE = {"LIBRARY_OVERRIDABLE"}
# What ends a namespace or another prefix that all bones of a rig share.
SEPARATORS = ":_-.| "


def _get_shown(row: "PlacidBoneRow") -> str:
    armature = row.id_data
    short = row.bone.removeprefix(armature.placid_mapping.prefix)
    # Where another bone has the short name, only the whole one tells which is meant.
    return row.bone if short in armature.data.bones else short


def _set_shown(row: "PlacidBoneRow", name: str) -> None:
    armature = row.id_data
    whole = armature.placid_mapping.prefix + name
    row.bone = whole if name not in armature.data.bones and whole in armature.data.bones else name


def _note(changed: bpy.types.PropertyGroup, _context: bpy.types.Context) -> None:
    note(changed.id_data)


class PlacidBoneRow(bpy.types.PropertyGroup):
    """One line of the editor: a joint, `spine`, `neck` or `root`, and the bone that plays it.

    `shown` is the bone's name less the prefix of the mapping, so that a narrow sidebar has room
    for it; it takes whole names as well.
    """

    joint: StringProperty()
    bone: StringProperty(update=_note)
    shown: StringProperty(
        name="Bone",
        description="Bone of the character that plays this joint",
        get=_get_shown,
        set=_set_shown,
        override=_OVERRIDABLE,
    )


class PlacidBoneMapping(bpy.types.PropertyGroup):
    """A mapping being edited; without rows the rig is recognised by itself.

    `base` holds the mapping it started from as TOML: what the editor does not show stays in it.
    `prefix` is what the names of all its bones begin with; the editor leaves it out.
    """

    title: StringProperty(
        name="Name",
        description="Name of the mapping and of its preset",
        update=_note,
        override=_OVERRIDABLE,
    )
    base: StringProperty()
    prefix: StringProperty()
    rows: CollectionProperty(type=PlacidBoneRow, override={*_OVERRIDABLE, "USE_INSERTION"})


def mapping_of(armature: bpy.types.Object, rig: Rig) -> Mapping:
    """The mapping chosen for an armature, else the one that its bones suggest.

    Raises:
        RigError: the rig is not recognised.
        MappingError: the chosen mapping is incomplete.
    """
    chosen = armature.placid_mapping
    return from_rows(chosen) if is_chosen(chosen) else detect(rig, own_presets()).mapping


def filed_mapping(armature: bpy.types.Object) -> Mapping:
    """Like `mapping_of`, by what lies in the armature's file alone: without the user's presets."""
    chosen = armature.placid_mapping
    return from_rows(chosen) if is_chosen(chosen) else detect(read_rig(armature)).mapping


def is_chosen(chosen: PlacidBoneMapping) -> bool:
    """Whether a mapping is opened; the rows that an override cannot remove are empty."""
    return any(row.joint for row in chosen.rows)


def to_rows(chosen: PlacidBoneMapping, mapping: Mapping) -> None:
    """Fill the editor with a mapping."""
    chosen.title = mapping.name
    chosen.base = format_mapping(mapping)
    bones = mapping.all_bones() or [bone.name for bone in chosen.id_data.data.bones]
    chosen.prefix = common_prefix(bones)
    rows = [(joint, mapping.bones.get(joint, "")) for joint in SINGLE_JOINTS]
    for chain, least in CHAIN_ROWS.items():
        bones = getattr(mapping, chain)
        rows += [(chain, bone) for bone in (*bones, *[""] * max(0, least - len(bones)))]
    rows.append((ROOT_ROW, mapping.root or ""))
    set_rows(chosen, rows)


def set_rows(chosen: PlacidBoneMapping, rows: Sequence[tuple[str, str]]) -> None:
    """Replace the rows, joint and bone each; an override keeps those of its library, empty.

    Raises:
        PlacidError: `linked`, when the armature belongs to another file.
    """
    check_own(chosen.id_data)
    while len(chosen.rows) > len(rows) and _remove_last(chosen):
        pass
    while len(chosen.rows) < len(rows):
        chosen.rows.add()
    for row, (joint, bone) in zip(chosen.rows, rows, strict=False):
        row.joint, row.bone = joint, bone
    for row in chosen.rows[len(rows) :]:
        row.joint, row.bone = "", ""
    note(chosen.id_data)


def _remove_last(chosen: PlacidBoneMapping) -> bool:
    try:
        chosen.rows.remove(len(chosen.rows) - 1)
    except TypeError:
        return False
    return True


def common_prefix(names: Sequence[str]) -> str:
    """What all names begin with, up to the last separator; empty for a name alone."""
    if len(names) < 2:
        return ""
    starts = [names[0][: at + 1] for at, letter in enumerate(names[0]) if letter in SEPARATORS]
    shared = [start for start in starts if all(name.startswith(start) for name in names)]
    return max(shared, key=len, default="")


# Joints are named after where they are, the bones that turn there are called otherwise.
_BONES = {
    "hip": "Thigh",
    "knee": "Shin",
    "ankle": "Foot",
    "foot": "Toe",
    "collar": "Shoulder",
    "shoulder": "Upper Arm",
    "elbow": "Forearm",
    "wrist": "Hand",
}


def row_labels(chosen: PlacidBoneMapping) -> list[str]:
    """What each row is called under the title of its section; bones of a chain are numbered."""
    seen: Counter[str] = Counter()
    labels = []
    for row in chosen.rows:
        seen[row.joint] += 1
        joint = row.joint.removeprefix("left_").removeprefix("right_")
        label = _BONES.get(joint, joint.title())
        labels.append(f"{label} {seen[row.joint]}" if row.joint in CHAIN_ROWS else label)
    return labels


def from_rows(chosen: PlacidBoneMapping) -> Mapping:
    """The mapping in the editor. Raises MappingError when it is incomplete."""
    named = [(row.joint, row.bone) for row in chosen.rows if row.bone]
    chains = {chain: tuple(bone for joint, bone in named if joint == chain) for chain in CHAIN_ROWS}
    roots = [bone for joint, bone in named if joint == ROOT_ROW]
    mapping = msgspec.structs.replace(
        parse_unfinished(chosen.base, "the mapping of the character"),
        name=chosen.title,
        bones={joint: bone for joint, bone in named if joint in SINGLE_JOINTS},
        root=roots[0] if roots else None,
        prefixes=("",),
        **chains,
    )
    mapping.check()
    return mapping


def preset_folder() -> Path:
    """Where the user's own presets lie."""
    folder = paths.user_folder() / "mappings"
    folder.mkdir(exist_ok=True)
    return folder


def own_presets() -> list[Mapping]:
    """The user's presets; damaged files are left out and noted in the log."""
    presets = []
    for path in sorted(preset_folder().glob("*.toml")):
        try:
            presets.append(load_mapping(path))
        except MappingError as error:
            log.warning("%s", error)
    return presets


def save_preset(mapping: Mapping) -> Path:
    """Keep a mapping as a preset that recognises further characters.

    A preset of the same name is replaced, one whose name differs in capitals or blanks is not.
    Raises MappingError, or PlacidError `not_writable`.
    """
    path = preset_folder() / f"{file_name(mapping.name)}.toml"
    there = [own.name for own in own_presets() if file_name(own.name) == path.stem]
    if there and there != [mapping.name]:
        raise MappingError(
            f"a preset {there[0]!r} is there already; name this one other than {mapping.name!r}"
        )
    save_mapping(mapping, path)
    return path


CLASSES = (PlacidBoneRow, PlacidBoneMapping)


def register() -> None:
    for cls in CLASSES:
        bpy.utils.register_class(cls)
    bpy.types.Object.placid_mapping = PointerProperty(type=PlacidBoneMapping)


def unregister() -> None:
    del bpy.types.Object.placid_mapping
    for cls in reversed(CLASSES):
        bpy.utils.unregister_class(cls)
