"""Files that appear whole or not at all, and that are on the disk when they have appeared."""

import contextlib
import errno
import hashlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

from .errors import PlacidError
from .names import printable

_FLAGS: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
_REMEDIES: Final = {
    errno.ENOSPC: "free some space on its disk",
    errno.EDQUOT if hasattr(errno, "EDQUOT") else errno.ENOSPC: "free some space on its disk",
    errno.EFBIG: "choose a folder on another disk",
    errno.ENAMETOOLONG: "choose a shorter name",
    errno.EISDIR: "choose another name; this one is a folder",
    errno.ENOTDIR: "choose another folder; a part of this path is a file",
    errno.ENOENT: "choose a folder that exists",
}
_REMEDY: Final = "choose a folder that you may write to"


def take_lock(path: Path) -> BinaryIO | None:
    """Lock a file until it is closed or this process ends, however it ends; None if another has it.

    Raises:
        PlacidError: `not_writable` when the file cannot be made, or its disk has no locks.
    """
    try:
        file = path.open("ab")
    except OSError as error:
        raise cannot_write(path, error) from error
    try:
        if os.name == "nt":
            import msvcrt

            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.close()
        # Some network disks have no locks, which is another thing than one that is taken.
        if error.errno not in (errno.EACCES, errno.EAGAIN, errno.EDEADLK):
            raise cannot_write(path, error) from error
        return None
    return file


@contextlib.contextmanager
def written_whole(path: Path, private: bool = False) -> Iterator[BinaryIO]:
    """A file to write to, which takes its place at the end and vanishes after an error.

    When the block has ended, the content and the name are on the disk: a power failure then finds
    the old file or the new one.

    Args:
        private: readable by its owner alone, from the first byte on.

    Raises:
        PlacidError: `not_writable`, when the folder cannot be written to or the disk is full.
    """
    partial = path.with_name(f".placid-{secrets.token_hex(6)}.partial")
    try:
        handle = os.open(partial, _FLAGS, 0o600 if private else 0o666)
        try:
            with os.fdopen(handle, "wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            os.replace(partial, path)
        except BaseException:
            with contextlib.suppress(OSError):
                partial.unlink()
            raise
        sync_folder(path.parent)
    except (OSError, ValueError) as error:
        # What the block itself runs into elsewhere is not about this file.
        if isinstance(error, OSError) and error.filename in (None, str(partial), str(path)):
            raise cannot_write(path, error) from error
        if isinstance(error, ValueError) and "\0" in str(path):
            raise cannot_write(path, OSError(errno.EINVAL, "a NUL is no part of a name")) from error
        raise


def write_whole(path: Path, content: bytes, private: bool = False) -> None:
    """`written_whole` for content that is there already."""
    with written_whole(path, private) as file:
        file.write(content)


def move_whole(made: Path, path: Path) -> None:
    """Let a file, or a folder of files, that another program made take its place.

    It must be on the same disk. A file replaces a file that is there; a folder must find nothing.

    Raises:
        PlacidError: `not_writable`.
    """
    try:
        for file in made.iterdir() if made.is_dir() else [made]:
            _sync(file)
        if made.is_dir():
            sync_folder(made)
        os.replace(made, path)
        sync_folder(path.parent)
    except OSError as error:
        raise cannot_write(path, error) from error


def sha256(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal. Raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sync_folder(folder: Path) -> None:
    """Put a folder's list of names on the disk, where the system has a way to do so."""
    if os.name == "nt":
        return
    # Some network disks cannot: the name is then as safe as they make it.
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def cannot_write(path: Path, error: OSError) -> PlacidError:
    """The sentence for a file or folder that cannot be written, with the remedy that fits."""
    reason = error.strerror or "the system gives no reason"
    remedy = _REMEDIES.get(error.errno or 0, _REMEDY)
    return PlacidError(
        "not_writable", f"{printable(str(path))} cannot be written ({reason}); {remedy}"
    )


def make_folder(folder: Path) -> None:
    """Make a folder and those above it. Raises PlacidError `not_writable`."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as error:
        if not isinstance(error, OSError):
            error = OSError(errno.EINVAL, "a NUL is no part of a name")
        raise cannot_write(folder, error) from error


def _sync(path: Path) -> None:
    if not path.is_file():
        return
    # Windows flushes only what is open for writing.
    with path.open("r+b") as file:
        os.fsync(file.fileno())


def last_line(path: Path) -> str:
    """The last words of a log, at most 200 characters; empty when there are none."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - 2000))
            lines = file.read().decode(errors="replace").split("\n")
    except OSError:
        return ""
    return next((line.strip()[:200] for line in reversed(lines) if line.strip()), "")
