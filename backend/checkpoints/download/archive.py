"""The zips of the releases: what is in them, taken out without trusting them."""

import shutil
import zipfile
from pathlib import Path, PurePosixPath
from typing import Final

from backend.checkpoints.download.table import check_inside
from shared.decoding.errors import DecodeError

_SUFFIXES: Final = (".tar", ".npy", ".txt", ".pkl")
_MOST_FILES: Final = 500
_MOST_BYTES: Final = 1 << 32
_LINK: Final = 0o120000


def unpack(archive: Path, folder: Path) -> dict[str, Path]:
    """Unpack networks, statistics, options and word vectors; all else stays in the archive.

    Returns:
        Files below `folder` by their names in the archive.

    Raises:
        DecodeError: for what is no zip, for names that lead out of the folder, links, and more
            than a release can hold.
        OSError, zipfile.BadZipFile: for what is damaged.
    """
    if not zipfile.is_zipfile(archive):
        raise DecodeError("is no zip")
    found = {}
    with zipfile.ZipFile(archive) as content:
        members = [member for member in content.infolist() if _is_wanted(member)]
        if len(members) > _MOST_FILES or sum(each.file_size for each in members) > _MOST_BYTES:
            raise DecodeError("holds more than any release does")
        for member in members:
            target = folder / member.filename
            target.parent.mkdir(parents=True, exist_ok=True)
            with content.open(member) as source, target.open("wb") as file:
                shutil.copyfileobj(source, file)
            found[member.filename] = target
    if not any(name.endswith((".tar", ".pkl")) for name in found):
        raise DecodeError("holds no network and no word vectors")
    return found


def _is_wanted(member: zipfile.ZipInfo) -> bool:
    check_inside(member.filename)
    if member.external_attr >> 16 & 0o170000 == _LINK:
        raise DecodeError(f"has the link {member.filename!r}, which could lead anywhere")
    path = PurePosixPath(member.filename)
    is_hidden = any(part.startswith((".", "__MACOSX")) for part in path.parts)
    return not member.is_dir() and not is_hidden and path.suffix in _SUFFIXES
