"""Connection files."""

import os
import stat
from pathlib import Path

import pytest

from shared.errors import PlacidError
from shared.protocol.handshake import (
    Announcement,
    Connection,
    KeyPair,
    read_connection,
    write_connection,
)

CONNECTION = Connection(Announcement(1, 5555, "s" * 40), KeyPair("p" * 40, "k" * 40))


def test_a_connection_file_is_its_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "run" / "connection.json"
    write_connection(CONNECTION, path)
    assert read_connection(path) == CONNECTION
    assert list(path.parent.iterdir()) == [path]
    if os.name == "posix":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_place_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.touch()
    with pytest.raises(PlacidError) as error:
        write_connection(CONNECTION, blocked / "connection.json")
    assert error.value.code == "not_writable"


@pytest.mark.parametrize("content", [None, b"", b"{}", b"\x00\xff"])
def test_what_is_no_connection_file_is_said(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "connection.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(PlacidError, match="start one with `backend serve`"):
        read_connection(path)
