"""The list of the edits that ship, with hashes: nothing else in their folder is ever applied."""

import hashlib
from pathlib import Path
from typing import Final

import msgspec

from backend.unlearning.edit import Edit
from backend.unlearning.edit_identity import check_identity
from backend.unlearning.edit_name import EditName
from backend.unlearning.errors import UnlearningError
from shared.decoding.errors import DecodeError, FileKind
from shared.decoding.text import decode_json, read_bytes
from shared.errors import PlacidError
from shared.files import write_whole

MANIFEST: Final = "manifest.json"
_VERSION: Final = 1
_KIND: Final = FileKind("a list of edits", "install Placid again", UnlearningError)


class ManifestEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One file.

    Attributes:
        sha256: of the file.
        edit: `Edit.hash`, which results name.
    """

    sha256: str
    edit: str


class _Manifest(msgspec.Struct, forbid_unknown_fields=True):
    version: int
    edits: dict[str, ManifestEntry]


def read_manifest(folder: Path) -> dict[str, ManifestEntry] | None:
    """File name -> entry; None for a folder that has no manifest.

    Raises UnlearningError when it is damaged.
    """
    path = folder / MANIFEST
    if not path.exists():
        return None
    with _KIND.reading(path):
        manifest = decode_json(read_bytes(path), _Manifest)
        if manifest.version != _VERSION:
            raise DecodeError(f"is of version {manifest.version}")
    return manifest.edits


def write_manifest(folder: Path) -> dict[str, ManifestEntry]:
    """List every edit in a folder, each checked to be what its name says; returns the list.

    Raises UnlearningError for a file that is no edit or another edit than its name says.
    """
    entries = {}
    for path in sorted(folder.glob("*.safetensors")):
        name = EditName.parse(path.name)
        if name is None:
            raise UnlearningError(
                f"{path} has no edit's name: call it MODEL-METHOD-CONCEPT.safetensors"
            )
        edit = Edit.load(path)
        check_identity(edit, name)
        entries[path.name] = ManifestEntry(file_sha256(path), edit.hash)
    text = msgspec.json.format(msgspec.json.encode(_Manifest(_VERSION, entries)), indent=2)
    try:
        write_whole(folder / MANIFEST, text + b"\n")
    except PlacidError as error:
        raise UnlearningError(error.message) from None
    return entries


def check_listed(path: Path, entries: dict[str, ManifestEntry]) -> None:
    """Raise UnlearningError unless the file is the one that the manifest lists."""
    entry = entries.get(path.name)
    if entry is None or entry.sha256 != file_sha256(path):
        state = "is not listed in" if entry is None else "is not the file listed in"
        raise UnlearningError(
            f"{path} {state} {MANIFEST} beside it: install Placid again; edits of your own belong "
            "into the folder that `backend unlearn` writes to"
        )


def file_sha256(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
