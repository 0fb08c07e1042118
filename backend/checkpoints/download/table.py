"""The table of releases: what there is to fetch, from where, under which licence."""

from pathlib import Path
from typing import Final, Literal
from urllib.parse import urlsplit

import msgspec

from backend.assets import ASSETS
from backend.text.clip_files import HUB_NAME, REVISION, SHA256
from shared.decoding.errors import DecodeError, FileKind
from shared.decoding.text import decode_toml, read_text
from shared.errors import PlacidError
from shared.names import stays_inside

TABLE: Final = ASSETS / "releases.toml"
_LOCAL: Final = ("localhost", "127.0.0.1", "::1")


class Source(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A place to fetch a part of a release from.

    Attributes:
        host: `hub` for files of a Hugging Face repository, `drive` for a zip on Google Drive.
        id: the repository's name, or the file's id.
        to: the folder, below the chosen one, in which the files or the zip's content belong.
        revision: the commit; empty where it is recorded at first sight.
        files: SHA-256 by name in the repository; empty hashes are recorded at first sight.
        archive: the zip's name.
        sha256: of the zip; empty where it is recorded at first sight.
        megabytes: of the whole, as stated in public; 0 where it is not known. A zip is held to it.
    """

    host: Literal["hub", "drive"]
    id: str
    to: str = ""
    revision: str = ""
    files: dict[str, str] = {}
    archive: str = ""
    sha256: str = ""
    megabytes: float = 0.0


class Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What comes from one source; the others are tried when the first one fails."""

    name: str
    sources: tuple[Source, ...]


class ReleaseEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A release as users name it.

    Attributes:
        needs: the releases without which it cannot run.
        networks: the kinds of network (`layout.KINDS`) that it brings.
    """

    title: str
    licence: str
    needs: tuple[str, ...]
    networks: tuple[str, ...]
    parts: tuple[Part, ...]


class Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All releases by name, and the address of each host."""

    hosts: dict[str, str]
    releases: dict[str, ReleaseEntry]


_FILE: Final = FileKind(
    "a table of releases",
    "take backend/assets/releases.toml as the pattern",
    lambda sentence: PlacidError("wrong_table", sentence),
)


def read_table(path: Path = TABLE) -> Table:
    """Read a table, with CLIP's revision and hashes from `backend/text/clip_files.py`.

    Raises:
        PlacidError: `wrong_table` when it is no such table, names a place outside the chosen
            folder, or an address without encryption that is not this machine.
    """
    with _FILE.reading(path):
        table = decode_toml(read_text(path), Table)
        for name, address in table.hosts.items():
            if not is_safe_address(address):
                raise DecodeError(f"has the address {address} for {name}, which is not https")
        for release in table.releases.values():
            for source in (source for part in release.parts for source in part.sources):
                if source.host not in table.hosts:
                    raise DecodeError(f"has no address for the host {source.host}")
                for place in (source.to, *source.files):
                    check_inside(place)
    releases = {name: _with_clip(release) for name, release in table.releases.items()}
    return msgspec.structs.replace(table, releases=releases)


def is_safe_address(address: str) -> bool:
    """Whether what comes from an address cannot be changed on its way."""
    parts = urlsplit(address)
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOCAL)


def check_inside(name: str) -> None:
    """Raise DecodeError for a name that would lead out of the folder it is put into."""
    if not stays_inside(name):
        raise DecodeError(f"has the name {name!r}, which leads out of its folder")


def _with_clip(release: ReleaseEntry) -> ReleaseEntry:
    parts = tuple(
        msgspec.structs.replace(part, sources=tuple(map(_clip_source, part.sources)))
        for part in release.parts
    )
    return msgspec.structs.replace(release, parts=parts)


def _clip_source(source: Source) -> Source:
    if source.id != HUB_NAME or source.files:
        return source
    return msgspec.structs.replace(source, revision=REVISION, files=dict(SHA256))
