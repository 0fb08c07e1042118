"""Files appear whole or not at all, and what goes wrong is one sentence that fits."""

import errno
import hashlib
import os
import stat
from pathlib import Path
from typing import BinaryIO

import pytest

from shared.errors import PlacidError
from shared.files import (
    cannot_write,
    last_line,
    make_folder,
    move_whole,
    sha256,
    take_lock,
    write_whole,
    written_whole,
)


def test_a_file_is_there_when_the_block_has_ended(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    with written_whole(path) as file:
        file.write(b"new")
        assert not path.exists()
    assert path.read_bytes() == b"new"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_an_error_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"old")
    with pytest.raises(ZeroDivisionError), written_whole(path) as file:
        file.write(b"new" * (1 // len(b"")))
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_content_and_name_are_put_on_the_disk_in_that_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.txt"
    steps: list[str] = []
    sync, replace = os.fsync, os.replace

    def fsync(handle: int) -> None:
        steps.append("folder" if stat.S_ISDIR(os.fstat(handle).st_mode) else "file")
        sync(handle)

    def put(source: Path, target: Path) -> None:
        steps.append("name")
        replace(source, target)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "replace", put)
    write_whole(path, b"new")
    assert steps == ["file", "name", "folder"]
    steps.clear()
    move_whole(path, tmp_path / "b.txt")
    assert steps == ["file", "name", "folder"]


def test_a_folder_of_files_moves_as_a_whole(tmp_path: Path) -> None:
    made = tmp_path / "made"
    made.mkdir()
    (made / "1.png").write_bytes(b"1")
    move_whole(made, tmp_path / "frames")
    assert (tmp_path / "frames" / "1.png").read_bytes() == b"1"


@pytest.mark.skipif(os.name == "nt", reason="modes are POSIX's")
def test_private_files_are_never_readable_by_others(tmp_path: Path) -> None:
    path = tmp_path / "key"
    with written_whole(path, private=True) as file:
        [partial] = tmp_path.iterdir()
        assert stat.S_IMODE(partial.stat().st_mode) == 0o600
        file.write(b"secret")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    before = os.umask(0o022)
    try:
        write_whole(tmp_path / "open", b"")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "open").stat().st_mode) == 0o644


def test_a_full_disk_names_the_file_and_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(PlacidError) as caught:
        write_whole(tmp_path / "a.txt", b"new")
    assert caught.value.code == "not_writable"
    assert str(tmp_path / "a.txt") in caught.value.message
    assert "free some space" in caught.value.message
    assert "None" not in caught.value.message
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("none/a.txt", "folder that exists"),
        ("file/a.txt", "a part of this path is a file"),
        ("x" * 300, "shorter name"),
        ("a\0b", "NUL"),
        ("folder", "choose"),
    ],
)
def test_places_that_cannot_be_written_to(tmp_path: Path, name: str, remedy: str) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    before = sorted(os.listdir(tmp_path))
    with pytest.raises(PlacidError, match=remedy) as caught:
        write_whole(tmp_path / name, b"new")
    assert "\n" not in caught.value.message
    assert sorted(os.listdir(tmp_path)) == before


def test_an_error_of_the_block_that_is_about_another_file_stays_what_it_is(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), written_whole(tmp_path / "a.txt"):
        (tmp_path / "none").read_bytes()


def test_folders_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for name in ("file/a", "a\0b", "x" * 300):
        with pytest.raises(PlacidError, match="cannot be written"):
            make_folder(tmp_path / name)


def test_an_error_without_a_reason_says_so(tmp_path: Path) -> None:
    message = cannot_write(tmp_path, OSError()).message
    assert "gives no reason" in message


def test_content_that_is_there_already_is_written_and_replaced(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    write_whole(path, b"first")
    write_whole(path, b"second")
    assert path.read_bytes() == b"second"
    assert list(tmp_path.iterdir()) == [path]
    assert sha256(path) == hashlib.sha256(b"second").hexdigest()


def test_a_lock_has_one_owner_until_it_is_closed(tmp_path: Path) -> None:
    lock = take_lock(tmp_path / "lock")
    assert lock is not None
    assert take_lock(tmp_path / "lock") is None
    lock.close()
    again = take_lock(tmp_path / "lock")
    assert again is not None
    again.close()


@pytest.mark.skipif(os.name == "nt", reason="other calls")
def test_a_refused_lock_leaves_no_open_file_and_a_disk_without_locks_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import fcntl

    opened: list[BinaryIO] = []

    def refuse(number: int) -> None:
        def flock(file: BinaryIO, how: int) -> None:
            assert how == fcntl.LOCK_EX | fcntl.LOCK_NB
            opened.append(file)
            raise OSError(number, os.strerror(number))

        monkeypatch.setattr(fcntl, "flock", flock)

    for number in (errno.EACCES, errno.EAGAIN, errno.EDEADLK):
        refuse(number)
        assert take_lock(tmp_path / "lock") is None
    refuse(errno.ENOLCK)
    with pytest.raises(PlacidError) as error:
        take_lock(tmp_path / "lock")
    assert error.value.code == "not_writable"
    assert all(file.closed for file in opened)
    with pytest.raises(PlacidError):
        take_lock(tmp_path / "nowhere" / "lock")


def test_what_cannot_be_moved_is_told_and_stays(tmp_path: Path) -> None:
    made = tmp_path / "made"
    made.mkdir()
    (made / "a").write_bytes(b"a")
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "b").touch()
    with pytest.raises(PlacidError, match="taken"):
        move_whole(made, tmp_path / "taken")
    assert (made / "a").read_bytes() == b"a"


@pytest.mark.skipif(os.name == "nt", reason="Windows does not sync folders")
def test_a_moved_folder_its_files_and_its_place_are_put_on_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = tmp_path / "made"
    made.mkdir()
    (made / "a").write_bytes(b"a")
    inodes = {made.stat().st_ino, (made / "a").stat().st_ino, tmp_path.stat().st_ino}
    synced: set[int] = set()
    monkeypatch.setattr(os, "fsync", lambda handle: synced.add(os.fstat(handle).st_ino))
    before = set(os.listdir("/proc/self/fd")) if Path("/proc/self/fd").exists() else set()
    move_whole(made, tmp_path / "place")
    assert synced == inodes
    if before:
        assert set(os.listdir("/proc/self/fd")) == before, "handles are left open"


def test_the_last_words_of_a_log(tmp_path: Path) -> None:
    log = tmp_path / "log"
    assert last_line(log) == ""
    log.write_bytes(b"")
    assert last_line(log) == ""
    log.write_bytes(b"\n  \n")
    assert last_line(log) == ""
    log.write_bytes(b"first\nlast \xff words  \n\n")
    assert last_line(log) == "last \N{REPLACEMENT CHARACTER} words"
    log.write_bytes(b"a" * 199 + b"bcd\n")
    assert last_line(log) == "a" * 199 + "b"
    # Of a long log only its end is read.
    log.write_bytes(b"first\n" + b"x" * 1998 + b"\n\n")
    assert last_line(log) == "x" * 200
    log.write_bytes(b"word\n" + b" " * 1995 + b"\n" * 5)
    assert last_line(log) == ""


def test_all_of_the_content_is_put_on_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []
    monkeypatch.setattr(os, "fsync", lambda handle: sizes.append(os.fstat(handle).st_size))
    with written_whole(tmp_path / "a") as file:
        file.write(b"new")
    assert sizes[0] == 3


@pytest.mark.skipif(os.name == "nt", reason="modes are POSIX's")
def test_a_file_is_private_only_when_that_is_asked_for(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        with written_whole(tmp_path / "open") as file:
            file.write(b"")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "open").stat().st_mode) == 0o644


def test_folders_above_are_made_and_one_that_is_there_is_kept(tmp_path: Path) -> None:
    make_folder(tmp_path / "a" / "b")
    (tmp_path / "a" / "b" / "kept").touch()
    make_folder(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b" / "kept").exists()
