"""Which bones of a rig play which joints of ours, and the TOML files that say so."""

from collections import Counter
from pathlib import Path
from typing import Final

import msgspec

from ..decoding.errors import DecodeError, FileKind
from ..decoding.text import decode_text, decode_toml, read_bytes
from ..errors import PlacidError
from ..files import write_whole
from ..motion.skeleton import JOINT_NAMES

PRESETS: Final = Path(__file__).parent / "presets"
# Joints that a rig has one bone for; spine and neck are chains of any length.
CHAIN_JOINTS: Final = ("spine1", "spine2", "spine3", "neck")
SINGLE_JOINTS: Final = tuple(name for name in JOINT_NAMES if name not in CHAIN_JOINTS)
REQUIRED_JOINTS: Final = (
    "pelvis",
    *(f"{side}_{part}" for side in ("left", "right") for part in ("hip", "knee", "ankle")),
    *(f"{side}_{part}" for side in ("left", "right") for part in ("shoulder", "elbow")),
)

Value = bool | int | float
# Blender's longest name, in bytes, and more bones than any spine or neck has.
_MAX_NAME: Final = 255
_MAX_CHAIN: Final = 200


class MappingError(PlacidError):
    """A mapping that cannot be used; the message names the entry and the remedy."""

    def __init__(self, message: str) -> None:
        super().__init__("bad_mapping", message)


class Mapping(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Our joints to a rig's bones.

    Attributes:
        name: shown to the user.
        bones: joint name to bone name, for the joints in `SINGLE_JOINTS`.
        spine: bones from the lowest spine bone to the chest.
        neck: bones from the neck's base up, without the head.
        root: a bone at the origin that can carry the travel.
        prefixes: what may stand in front of every bone name.
        parents: which mapped bone really carries a control when its own parent does not tell.
        properties: custom properties to set per pose bone, such as a switch from IK to FK.
    """

    name: str
    bones: dict[str, str]
    spine: tuple[str, ...] = ()
    neck: tuple[str, ...] = ()
    root: str | None = None
    prefixes: tuple[str, ...] = ("",)
    parents: dict[str, str] = {}
    properties: dict[str, dict[str, Value]] = {}

    def all_bones(self) -> list[str]:
        """Every bone the mapping names, the root too."""
        root = [] if self.root is None else [self.root]
        return [*root, *self.bones.values(), *self.spine, *self.neck]

    def prefixed(self, prefix: str) -> "Mapping":
        """The same mapping for a rig whose bone names all start with `prefix`."""
        return Mapping(
            name=self.name,
            bones={joint: prefix + bone for joint, bone in self.bones.items()},
            spine=tuple(prefix + bone for bone in self.spine),
            neck=tuple(prefix + bone for bone in self.neck),
            root=None if self.root is None else prefix + self.root,
            parents={prefix + bone: prefix + by for bone, by in self.parents.items()},
            properties={prefix + bone: values for bone, values in self.properties.items()},
        )

    def without(self, missing: set[str]) -> "Mapping":
        """The same mapping less the bones that a rig does not have."""
        return msgspec.structs.replace(
            self,
            bones={joint: bone for joint, bone in self.bones.items() if bone not in missing},
            spine=tuple(bone for bone in self.spine if bone not in missing),
            neck=tuple(bone for bone in self.neck if bone not in missing),
            root=None if self.root in missing else self.root,
            parents={b: by for b, by in self.parents.items() if not {b, by} & missing},
            properties={b: v for b, v in self.properties.items() if b not in missing},
        )

    def check(self) -> None:
        """Raises MappingError for unknown joints, missing ones and bones named twice."""
        unknown = [joint for joint in self.bones if joint not in SINGLE_JOINTS]
        if unknown:
            raise MappingError(
                f"mapping {self.name!r} has no joint {unknown[0]!r}; "
                f"use one of {', '.join(SINGLE_JOINTS)}"
            )
        missing = [joint for joint in REQUIRED_JOINTS if joint not in self.bones]
        if missing:
            raise MappingError(
                f"mapping {self.name!r} says nothing for {', '.join(missing)}; add their bones"
            )
        twice = [bone for bone, times in Counter(self.all_bones()).items() if times > 1]
        if twice:
            raise MappingError(
                f"mapping {self.name!r} uses bone {twice[0]!r} twice; give each bone one joint"
            )


_FILE: Final = FileKind("a bone mapping", "save it again in the mapping editor", MappingError)


def parse_mapping(text: str, source: str) -> Mapping:
    """A whole mapping from TOML text; `source` names it in messages. Raises MappingError."""
    mapping = parse_unfinished(text, source)
    mapping.check()
    return mapping


def parse_unfinished(text: str, source: str) -> Mapping:
    """A mapping from TOML text that may still lack joints. Raises MappingError."""
    with _FILE.reading(source):
        mapping = decode_toml(text, Mapping)
        _check_sizes(mapping)
        return mapping


def load_mapping(path: Path) -> Mapping:
    """A mapping from a TOML file. Raises MappingError when it is missing or damaged."""
    with _FILE.reading(path):
        text = decode_text(read_bytes(path))
    return parse_mapping(text, str(path))


def _check_sizes(mapping: Mapping) -> None:
    for what, chain in (
        ("spine", mapping.spine),
        ("neck", mapping.neck),
        ("prefixes", mapping.prefixes),
        ("bones", mapping.bones),
        ("parents", mapping.parents),
        ("properties", mapping.properties),
    ):
        if len(chain) > _MAX_CHAIN:
            raise DecodeError(f"has {len(chain)} entries in {what}; {_MAX_CHAIN} are the most")
    for name in (mapping.name, *mapping.all_bones(), *mapping.prefixes):
        if len(name.encode()) > _MAX_NAME:
            raise DecodeError(f"has a name of {len(name)} characters; Blender's are shorter")


def load_presets() -> list[Mapping]:
    """The mappings that ship with Placid, in the order in which they are tried."""
    return [load_mapping(path) for path in sorted(PRESETS.glob("*.toml"))]


def save_mapping(mapping: Mapping, path: Path) -> None:
    """Write a mapping as TOML that `load_mapping` reads back, whole or not at all.

    Raises:
        MappingError: a name is not text; Blender keeps such names from old files.
        PlacidError: `not_writable`.
    """
    try:
        content = format_mapping(mapping).encode()
    except UnicodeEncodeError as error:
        raise MappingError(
            f"mapping {mapping.name!r} has a name that is not text; rename that bone"
        ) from error
    write_whole(path, content)


def format_mapping(mapping: Mapping) -> str:
    """A mapping as TOML text."""
    lines = [f"name = {_text(mapping.name)}"]
    lines += [
        f"{key} = [{', '.join(map(_text, getattr(mapping, key)))}]"
        for key in ("spine", "neck", "prefixes")
    ]
    if mapping.root is not None:
        lines.append(f"root = {_text(mapping.root)}")
    lines += ["", "[bones]"]
    lines += [f"{joint} = {_text(bone)}" for joint, bone in mapping.bones.items()]
    if mapping.parents:
        lines += ["", "[parents]"]
        lines += [f"{_text(bone)} = {_text(by)}" for bone, by in mapping.parents.items()]
    for bone, values in mapping.properties.items():
        lines += ["", f"[properties.{_text(bone)}]"]
        lines += [f"{_text(key)} = {_number(value)}" for key, value in values.items()]
    return "\n".join(lines) + "\n"


def _text(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    # TOML basic strings take no bare control characters.
    plain = [c if c >= " " and c != "\x7f" else f"\\u{ord(c):04x}" for c in escaped]
    return f'"{"".join(plain)}"'


def _number(value: Value) -> str:
    return str(value).lower() if isinstance(value, bool) else repr(value)
