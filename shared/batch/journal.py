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
from typing import Final

import msgspec

from ..decoding.errors import FileKind
from ..decoding.limits import MAX_JOURNAL_BYTES
from ..decoding.text import decode_json_lines, read_bytes
from ..errors import PlacidError
from ..files import cannot_write, make_folder, move_whole, sha256, take_lock, write_whole
from ..motion.audit import Audit
from ..names import stays_inside

JOURNAL: Final = "batch-journal.jsonl"
UNFINISHED: Final = ".unfinished"
_LOCK: Final = ".batch-lock"


class Stamp(msgspec.Struct, frozen=True):
    """What one file of a result was when it was entered.

    Attributes:
        size: in bytes.
        modified: nanoseconds since the epoch; a file that was not touched is not read again.
        sha256: of its content.
    """

    size: int
    modified: int
    sha256: str


class Entry(msgspec.Struct, frozen=True):
    """One result that is done.

    Attributes:
        key: names the result within the batch, for example `motion a-person-waves-3`.
        fingerprint: of everything the result depends on.
        files: by their paths inside the output folder.
        audit: what the kinematic checks found in it, for a motion.
    """

    key: str
    fingerprint: str
    files: dict[str, Stamp]
    audit: Audit | None = None


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
        _remove(self.workspace)
        self.workspace.mkdir()
        # Written afresh: torn lines and lines that later ones replaced are gone.
        write_whole(self._path, b"".join(map(_line, self._entries.values())))
        self._file = self._path.open("ab")

    def has(self, key: str, fingerprint: str) -> bool:
        """Whether a result was made from the same things, and its files are still what they were.

        A file that was modified since, or copied, counts while its content is the same.
        """
        entry = self._entries.get(key)
        if entry is None or entry.fingerprint != fingerprint:
            return False
        return all(
            stays_inside(name) and _is_as_stamped(self.folder / name, stamp)
            for name, stamp in entry.files.items()
        )

    def audit(self, key: str) -> Audit | None:
        """What the kinematic checks found in a motion that is entered."""
        entry = self._entries.get(key)
        return None if entry is None else entry.audit

    def publish(
        self,
        key: str,
        fingerprint: str,
        files: Mapping[Path, str],
        audit: Audit | None = None,
    ) -> list[Path]:
        """Move files, or folders of files, out of the workspace and enter them as one result.

        Args:
            files: where each goes inside the output folder, with forward slashes.
            audit: see `Entry`.

        Returns:
            Their new places. Raises PlacidError `not_writable`.
        """
        stamps: dict[str, Stamp] = {}
        targets = []
        for path, name in files.items():
            target = self.folder / name
            make_folder(target.parent)
            if path.is_dir():
                _remove(target)
            move_whole(path, target)
            targets.append(target)
            for file, inside in _files(target, name):
                stamps[inside] = _stamp(file)
        entry = Entry(key, fingerprint, stamps, audit)
        try:
            self._file.write(_line(entry))
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            raise cannot_write(self._path, error) from error
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
    make_folder(folder)
    lock = take_lock(folder / _LOCK)
    if lock is None:
        raise PlacidError(
            "batch_running",
            f"another batch is writing to {folder}; wait for it or choose another output folder",
        )
    # The system frees the lock when the process ends, however it ends.
    with lock:
        try:
            journal = Journal(folder)
        except OSError as error:
            raise cannot_write(folder, error) from error
        try:
            yield journal
        finally:
            journal.close()


_FILE: Final = FileKind(
    "a batch's journal",
    "move it away, and the batch makes its results again",
    lambda sentence: PlacidError("bad_journal", sentence),
)


def _read(path: Path) -> list[Entry]:
    """Entries in their order; a line that is not whole is left out."""
    if not path.exists():
        return []
    with _FILE.reading(path):
        return list(decode_json_lines(read_bytes(path, MAX_JOURNAL_BYTES), Entry))


def _line(entry: Entry) -> bytes:
    return msgspec.json.encode(entry) + b"\n"


def _files(path: Path, name: str) -> list[tuple[Path, str]]:
    """The files of a result with their paths inside the output folder."""
    if not path.is_dir():
        return [(path, name)]
    return [(file, f"{name}/{file.name}") for file in sorted(path.iterdir())]


def _stamp(path: Path) -> Stamp:
    try:
        status = path.stat()
        return Stamp(status.st_size, status.st_mtime_ns, sha256(path))
    except OSError as error:
        raise cannot_write(path, error) from error


def _is_as_stamped(path: Path, stamp: Stamp) -> bool:
    try:
        status = path.stat()
        if status.st_size != stamp.size:
            return False
        return status.st_mtime_ns == stamp.modified or sha256(path) == stamp.sha256
    except OSError:
        return False


def _remove(path: Path) -> None:
    """Remove a folder, or a link to one, but never what a link leads to."""
    if path.is_symlink() or path.is_file():
        path.unlink()
    else:
        shutil.rmtree(path, ignore_errors=True)
