"""A release from its host into its place: fetched, checked, unpacked, and recorded."""

import hashlib
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from backend.checkpoints.download.archive import unpack
from backend.checkpoints.download.record import Record
from backend.checkpoints.download.sources import Offer, known_hashes, offers_of
from backend.checkpoints.download.table import Part, Source, Table, is_safe_address
from backend.checkpoints.download.transfer import LIMITS, Limits, fetch
from backend.checkpoints.official.layout import find_parts
from backend.checkpoints.official.weights import read_weights
from backend.text.clip_files import find_clip
from backend.text.hub import HUB, address_of_hub
from shared.decoding.errors import UNDECODABLE, DecodeError, explain
from shared.errors import PlacidError
from shared.files import make_folder, move_whole, sha256, take_lock

# Hidden, so that nothing looks for networks in it.
_WORK: Final = ".downloads"
Progress = Callable[[str, int, int | None], None]


def wanted_releases(names: Sequence[str], table: Table, folder: Path) -> list[str]:
    """The releases to fetch: those that were named, and what they need and the folder lacks.

    Raises:
        PlacidError: `unknown_release`.
    """
    for name in names:
        if name not in table.releases:
            known = ", ".join(table.releases)
            raise PlacidError(
                "unknown_release", f"there is no release {name!r} to download; there are: {known}"
            )
    needed = [need for name in names for need in table.releases[name].needs]
    lacking = [need for need in needed if not _is_there(need, table, folder)]
    return list(dict.fromkeys([*names, *lacking]))


def install(
    names: Sequence[str],
    table: Table,
    folder: Path,
    say: Callable[[str], None],
    progress: Progress,
    limits: Limits = LIMITS,
) -> None:
    """Fetch releases into a folder; what is there already, as it should be, is left alone.

    Nothing is written outside the folder. What an interruption left is gone on with.

    Args:
        say: told a sentence for each part, and for each source that failed.
        progress: told a file's name, its bytes that are here, and its size, None if not known.

    Raises:
        PlacidError: `download_failed`, `wrong_hash`, `not_installed`, `not_writable`,
            `wrong_record`, or `download_runs` when another process fetches into the folder.
    """
    make_folder(folder / _WORK)
    lock = take_lock(folder / _WORK / "lock")
    if lock is None:
        raise PlacidError(
            "download_runs", f"another download into {folder} is running; wait for its end"
        )
    with lock:
        for name in names:
            for part in table.releases[name].parts:
                _Installation(folder, table, say, progress, limits).install(part)


class _Installation:
    """One part's way into the folder."""

    def __init__(
        self,
        folder: Path,
        table: Table,
        say: Callable[[str], None],
        progress: Progress,
        limits: Limits,
    ) -> None:
        self._folder = folder
        self._hosts = table.hosts
        self._say = say
        self._progress = progress
        self._limits = limits
        self._record = Record.load(folder)

    def install(self, part: Part) -> None:
        if any(self._is_installed(source) for source in part.sources):
            self._say(f"{part.name}: there already")
            return
        for number, source in enumerate(part.sources, 1):
            try:
                self._install_from(source)
            except PlacidError as error:
                if error.code not in ("download_failed", "wrong_hash", "not_installed"):
                    raise
                if number == len(part.sources):
                    raise
                self._say(f"{error.message} (now the next source is tried)")
            else:
                self._say(f"{part.name}: fetched and checked")
                return

    def _is_installed(self, source: Source) -> bool:
        if source.archive:
            files = self._record.unpacked.get(source.id, {})
            places = {self._folder / name: [value] for name, value in files.items()}
        else:
            places = {
                self._folder / source.to / name: [
                    *known_hashes(source, name, self._record).values()
                ]
                for name in source.files
            }
        return bool(places) and all(
            known and path.is_file() and set(known) == {sha256(path)}
            for path, known in places.items()
        )

    def _install_from(self, source: Source) -> None:
        address = self._hosts[source.host]
        # The table may name a mirror of its own; else the environment's is the hub's.
        if address == HUB:
            address = address_of_hub()
        if not is_safe_address(address):
            raise PlacidError(
                "unsafe_host", f"the host's address {address} is not https; name another one"
            )
        for offer in offers_of(source, address, self._record):
            if source.archive:
                self._unpack(source, offer)
            else:
                self._place(source, offer)
        self._record.save(self._folder)

    def _place(self, source: Source, offer: Offer) -> None:
        target = self._folder / source.to / offer.name
        if target.exists():
            found = sha256(target)
            _compare(offer, found, f"{target}, which is there already,", "move it away")
            self._keep(offer, found)
            return
        path, found = self._obtain(offer)
        self._check_pickle(offer, path, offer.name)
        make_folder(target.parent)
        self._keep(offer, found)
        move_whole(path, target)
        path.with_suffix(".mark").unlink(missing_ok=True)

    def _unpack(self, source: Source, offer: Offer) -> None:
        archive, found = self._obtain(offer)
        work = archive.with_suffix(".unpacked")
        shutil.rmtree(work, ignore_errors=True)
        try:
            try:
                files = unpack(archive, work)
            except (DecodeError, *UNDECODABLE) as error:
                raise _refused(offer, f"it {explain(error)}", archive) from error
            # Everything is looked at before anything is put into its place.
            places = {}
            for name, path in files.items():
                self._check_pickle(offer, path, name)
                target = self._folder / source.to / name
                if target.exists() and sha256(target) != sha256(path):
                    raise PlacidError(
                        "not_replaced",
                        f"{target} is there already and is another file than that of "
                        f"{source.archive}; move it away, or choose another folder",
                    )
                places[path] = target
            hashes = {}
            for path, target in places.items():
                hashes[target.relative_to(self._folder).as_posix()] = sha256(path)
                make_folder(target.parent)
                move_whole(path, target)
            self._record.unpacked[source.id] = hashes
            self._keep(offer, found)
            archive.unlink()
            archive.with_suffix(".mark").unlink(missing_ok=True)
        finally:
            shutil.rmtree(work, ignore_errors=True)

    def _obtain(self, offer: Offer) -> tuple[Path, str]:
        """The whole file, in the working folder, and its SHA-256, which fits what is known."""
        key = hashlib.sha256(offer.key.encode()).hexdigest()[:16]
        path = self._folder / _WORK / f"{key}.part"
        have = path.stat().st_size if path.exists() else 0
        free, missing = shutil.disk_usage(self._folder).free, offer.wanted.sizes[0] - have
        if missing > free:
            raise PlacidError(
                "not_writable",
                f"{offer.name} needs {missing / 1e6:.0f} MB and the disk of {self._folder} has "
                f"{free / 1e6:.0f} MB left; free some space or choose a folder on another disk",
            )

        def report(done: int, whole: int | None) -> None:
            self._progress(offer.name, done, whole)

        if not have or have != offer.wanted.sizes[1]:
            fetch(offer.wanted, path, report, self._limits)
        found = sha256(path)
        try:
            _compare(offer, found, f"what {offer.wanted.host} sent", "nothing was installed")
        except PlacidError:
            path.unlink()
            raise
        return path, found

    def _keep(self, offer: Offer, found: str) -> None:
        self._record.files[offer.key] = found
        self._record.save(self._folder)

    def _check_pickle(self, offer: Offer, path: Path, name: str) -> None:
        if not name.endswith(".tar"):
            return
        try:
            read_weights(path)
        except DecodeError as error:
            raise _refused(offer, f"{name} cannot be used ({error.problem})", path) from error


def _compare(offer: Offer, found: str, what: str, remedy: str) -> None:
    for who, expected in offer.hashes.items():
        if found != expected:
            raise PlacidError(
                "wrong_hash",
                f"{offer.name}: {what} has SHA-256 {found[:12]}..., but {who} says "
                f"{expected[:12]}...; {remedy}",
            )


def _refused(offer: Offer, problem: str, path: Path) -> PlacidError:
    path.unlink(missing_ok=True)
    return PlacidError(
        "not_installed",
        f"{offer.name} from {offer.wanted.host} is not installed, because {problem}; try again "
        "later, or take another source",
    )


def _is_there(name: str, table: Table, folder: Path) -> bool:
    if name == "clip":
        try:
            find_clip(folder / "clip", allow_download=False)
        except PlacidError:
            return False
        return True
    kinds = {part.kind for part in find_parts(folder)} if folder.is_dir() else set()
    return kinds.issuperset(table.releases[name].networks)
