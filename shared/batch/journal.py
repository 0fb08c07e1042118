"""What of a batch is done: a file that survives a kill at any moment.

A result is made in the folder `.unfinished`, moved to its place in one step, and then entered as
one line that is on the disk before the next result begins. A kill between the move and the line
costs one result made again over itself; a line torn by a kill is dropped at the next start.
"""

import contextlib
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import BinaryIO, Final

import msgspec

from ..errors import PlacidError

JOURNAL: Final = "batch-journal.jsonl"
UNFINISHED: Final = ".unfinished"
_LOCK: Final = ".batch-lock"


class Entry(msgspec.Struct, frozen=True):
    """One result that is done.

    Attributes:
        key: names the result within the batch, for example `motion a-person-waves-3`.
        fingerprint: of everything the result depends on.
        files: size in bytes of each file, by its path inside the output folder.
    """

    key: str
    fingerprint: str
    files: dict[str, int]


class Journal:
    """The results of one output folder; use `open_journal`.

    Attributes:
        folder: the output folder.
        workspace: an empty folder on the same disk, for files that are being made.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.workspace = folder / UNFINISHED
        self._path = folder / JOURNAL
        self._entries = {entry.key: entry for entry in _read(self._path)}
        shutil.rmtree(self.workspace, ignore_errors=True)
        self.workspace.mkdir()
        # Written afresh: torn lines and lines that later ones replaced are gone.
        whole = self.workspace / JOURNAL
        whole.write_bytes(b"".join(map(_line, self._entries.values())))
        os.replace(whole, self._path)
        self._file = self._path.open("ab")

    def has(self, key: str, fingerprint: str) -> bool:
        """Whether a result was made from the same things, and its files are still there."""
        entry = self._entries.get(key)
        if entry is None or entry.fingerprint != fingerprint:
            return False
        return all(_size(self.folder / name) == size for name, size in entry.files.items())

    def publish(self, key: str, fingerprint: str, files: Mapping[Path, str]) -> list[Path]:
        """Move files, or folders of files, out of the workspace and enter them as one result.

        Args:
            files: where each goes inside the output folder, with forward slashes.

        Returns:
            Their new places. Raises PlacidError `not_writable`.
        """
        sizes: dict[str, int] = {}
        targets = []
        try:
            for path, name in files.items():
                target = self.folder / name
                target.parent.mkdir(parents=True, exist_ok=True)
                if path.is_dir():
                    shutil.rmtree(target, ignore_errors=True)
                os.replace(path, target)
                sizes |= _sizes(target, name)
                targets.append(target)
            entry = Entry(key, fingerprint, sizes)
            self._file.write(_line(entry))
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            raise _not_writable(self.folder, error) from error
        self._entries[key] = entry
        return targets

    def close(self) -> None:
        """Leave nothing but results and the journal."""
        self._file.close()
        shutil.rmtree(self.workspace, ignore_errors=True)


@contextlib.contextmanager
def open_journal(folder: Path) -> Iterator[Journal]:
    """The journal of an output folder, which is made if needed; one batch at a time has it.

    Raises:
        PlacidError: `not_writable`, or `batch_running` when another process works there.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / _LOCK).open("ab")
    except OSError as error:
        raise _not_writable(folder, error) from error
    with lock:
        _take_lock(lock, folder)
        try:
            journal = Journal(folder)
        except OSError as error:
            raise _not_writable(folder, error) from error
        try:
            yield journal
        finally:
            journal.close()


def _take_lock(lock: BinaryIO, folder: Path) -> None:
    """The system frees the lock when the process ends, however it ends."""
    try:
        if os.name == "nt":
            import msvcrt

            msvcrt.locking(lock.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
        else:
            import fcntl

            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        raise PlacidError(
            "batch_running",
            f"another batch is writing to {folder}; wait for it or choose another output folder",
        ) from None


def _read(path: Path) -> Iterator[Entry]:
    """Entries in their order; a line that is not whole is left out."""
    try:
        lines = path.read_bytes().splitlines()
    except FileNotFoundError:
        return
    for line in lines:
        with contextlib.suppress(msgspec.MsgspecError, UnicodeDecodeError):
            yield msgspec.json.decode(line, type=Entry)


def _line(entry: Entry) -> bytes:
    return msgspec.json.encode(entry) + b"\n"


def _sizes(path: Path, name: str) -> dict[str, int]:
    if not path.is_dir():
        return {name: path.stat().st_size}
    return {f"{name}/{file.name}": file.stat().st_size for file in sorted(path.iterdir())}


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return -1


def _not_writable(folder: Path, error: OSError) -> PlacidError:
    place = error.filename or folder
    return PlacidError(
        "not_writable",
        f"{place} cannot be written ({error.strerror}); free some space or choose another folder",
    )
