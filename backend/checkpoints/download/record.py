"""What was fetched into a folder: recorded at first sight, and checked ever after."""

from pathlib import Path
from typing import Final

import msgspec

from shared.decoding.errors import FileKind
from shared.decoding.text import decode_json, read_bytes
from shared.errors import PlacidError
from shared.files import write_whole

FILE: Final = "downloads.json"
_KIND: Final = FileKind(
    "a record of downloads",
    "delete it, and the next download records anew",
    lambda sentence: PlacidError("wrong_record", sentence),
)


class Record(msgspec.Struct, forbid_unknown_fields=True):
    """The record of one folder.

    Attributes:
        revisions: the commit of each repository.
        files: SHA-256 of each file as it was fetched, by where it came from.
        unpacked: by archive, SHA-256 of its files by their place in the folder.
    """

    revisions: dict[str, str] = msgspec.field(default_factory=dict)
    files: dict[str, str] = msgspec.field(default_factory=dict)
    unpacked: dict[str, dict[str, str]] = msgspec.field(default_factory=dict)

    @classmethod
    def load(cls, folder: Path) -> "Record":
        """The folder's record; an empty one if there is none.

        Raises:
            PlacidError: `wrong_record` when it is damaged.
        """
        path = folder / FILE
        if not path.exists():
            return cls()
        with _KIND.reading(path):
            return decode_json(read_bytes(path), cls)

    def save(self, folder: Path) -> None:
        """Write it. Raises PlacidError `not_writable`."""
        write_whole(folder / FILE, msgspec.json.format(msgspec.json.encode(self)) + b"\n")
