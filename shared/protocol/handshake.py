"""How a backend and the program that starts it find each other.

Started by a parent, the backend reads one line from stdin (`Handover`) and writes one line to
stdout (`Announcement`); no secret ever crosses. Started by hand it writes a `Connection` file that
only its owner can read.
"""

import enum
import string
from pathlib import Path
from typing import Annotated, Final

import msgspec

from ..decoding.errors import FileKind
from ..decoding.text import decode_json, read_bytes
from ..errors import PlacidError
from ..files import make_folder, write_whole

# The digits of ZeroMQ's printable keys, in the order of their values; five make four bytes
# (https://rfc.zeromq.org/spec/32/).
_DIGITS: Final = string.digits + string.ascii_letters + ".-:+=^!/*?&<>()[]{}@%$#"
_KEY_DIGITS: Final = 40

Key = Annotated[str, msgspec.Meta(min_length=_KEY_DIGITS, max_length=_KEY_DIGITS)]
Port = Annotated[int, msgspec.Meta(ge=1, le=65535)]
# What every system can number a process with.
Pid = Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1)]

# Neither end's line is longer; what is does not come from Placid.
MAX_LINE_BYTES: Final = 4096


def _check_key(key: str) -> None:
    """Raises ValueError, which a decoder tells as its own, unless these are 32 bytes in digits."""
    for start in range(0, len(key), 5):
        value = 0
        for digit in key[start : start + 5]:
            value = value * len(_DIGITS) + _DIGITS.index(digit)
        if value >= 2**32:
            raise ValueError("not a key")


class KeyPair(msgspec.Struct, frozen=True):
    """A CURVE key pair in ZeroMQ's printable Z85 form."""

    public: Key
    secret: Key

    def __post_init__(self) -> None:
        _check_key(self.public)
        _check_key(self.secret)


class Handover(msgspec.Struct, frozen=True):
    """Parent to backend: the one key that may connect, and the process to outlive by no means."""

    client_public_key: Key
    parent_pid: Pid

    def __post_init__(self) -> None:
        _check_key(self.client_public_key)


class Announcement(msgspec.Struct, frozen=True):
    """Backend to parent: where it listens, under which key, with which protocol version."""

    version: int
    port: Port
    server_public_key: Key

    def __post_init__(self) -> None:
        _check_key(self.server_public_key)


class Connection(msgspec.Struct, frozen=True):
    """All that a client needs. Its secret key lets the holder command the backend."""

    announcement: Announcement
    client_keys: KeyPair


class ExitCode(enum.IntEnum):
    """How a backend process ends."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    HUNG = 10
    PARENT_GONE = 11


def write_connection(connection: Connection, path: Path) -> None:
    """Write a connection file with mode 0600; it appears whole or not at all.

    Raises PlacidError `not_writable`.
    """
    make_folder(path.parent)
    write_whole(path, msgspec.json.encode(connection), private=True)


_FILE: Final = FileKind(
    "the connection file of a running backend",
    "start one with `backend serve`",
    lambda sentence: PlacidError("backend_missing", sentence),
    when_missing=True,
)


def read_connection(path: Path) -> Connection:
    """Read a connection file. Raises PlacidError `backend_missing` when there is none."""
    with _FILE.reading(path):
        return decode_json(read_bytes(path), Connection)
