"""The queue of a batch: what is to do next, and keeping what was done. Knows no front end.

Front ends ask `next_task`, do it, and hand the result to `keep_take` or `keep`; when it
fails, they tell `fail` and go on with the next task.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from ..errors import PlacidError
from ..filming.orders import Film, RenderSettings, Sheet, split_rig
from ..motion.audit import Audit
from ..motion.bvh import save_bvh
from ..motion.motion import Motion, save_motion
from ..protocol.messages import Generate
from .journal import Journal
from .steps import Steps
from .table import Row, rig_file


@dataclass(frozen=True)
class MakeTakes:
    """Generate the takes of a row that are missing: seeds in a row, as one request."""

    row: Row
    request: Generate


@dataclass(frozen=True)
class MakeFilm:
    """Film one take."""

    row: Row
    seed: int
    order: Film


@dataclass(frozen=True)
class MakeSheet:
    """Lay moments of all takes of a row out on one picture."""

    row: Row
    order: Sheet


Task = MakeTakes | MakeFilm | MakeSheet


class Batch:
    """The rows of a table and the journal of an output folder.

    Args:
        rows: of the table.
        journal: of the output folder.
        table_folder: where relative .blend files of the table are.
        look: how films look; None for motions only.

    Attributes:
        total, done: results in all, and those that are there.
        failures: what went wrong in this run, by row number; failed rows are tried again in the
            next run.
    """

    def __init__(
        self,
        rows: Sequence[Row],
        journal: Journal,
        table_folder: Path,
        look: RenderSettings | None = None,
    ) -> None:
        self.failures: dict[int, PlacidError] = {}
        self.total = self.done = 0
        self._journal = journal
        self._table_folder = table_folder
        self._look = look
        self._open: dict[int, Row] = {}
        for row in rows:
            self._add(row)

    @classmethod
    def in_steps(
        cls,
        rows: Sequence[Row],
        journal: Journal,
        table_folder: Path,
        look: RenderSettings | None = None,
    ) -> Steps["Batch"]:
        """A batch, made a row a step: what is done is looked for on the disk."""
        batch = cls((), journal, table_folder, look)
        for row in rows:
            batch._add(row)
            yield None
        return batch

    @property
    def fraction(self) -> float:
        """Share of the results that are there, 0 to 1."""
        return self.done / self.total

    def next_task(self) -> Task | None:
        """What to do now; None when nothing is left that has not failed in this run."""
        while self._open:
            number, row = next(iter(self._open.items()))
            if task := self._task_of(row):
                return task
            del self._open[number]
        return None

    def keep_take(self, row: Row, motion: Motion) -> Path:
        """Write a take as npz and BVH; returns the path of the npz."""
        assert motion.seed is not None
        name = _take_name(row, motion.seed)
        files = {self._place(f"take.{suffix}"): f"{name}.{suffix}" for suffix in ("npz", "bvh")}
        npz, bvh = files
        save_motion(motion, npz)
        save_bvh(motion, bvh)
        key = _motion_key(row, motion.seed)
        return self._publish(key, _request_print(row), files, motion.audit)[0]

    def keep(self, task: MakeFilm | MakeSheet) -> Path:
        """Put a film or a contact sheet into its place and return that."""
        row, made = task.row, Path(task.order.out)
        if isinstance(task, MakeSheet):
            files = {made: f"{row.output}-sheet.png"}
            return self._publish(_sheet_key(row), self._sheet_print(row), files)[0]
        suffix = ".mp4" if task.order.look.format == "mp4" else "-frames"
        files = {made: f"{_take_name(row, task.seed)}{suffix}"}
        return self._publish(_film_key(row, task.seed), self._film_print(row), files)[0]

    def fail(self, row: Row, error: PlacidError) -> None:
        """Give a row up for this run."""
        self.failures[row.number] = error
        self._open.pop(row.number, None)

    def _add(self, row: Row) -> None:
        self._open[row.number] = row
        per_take, per_row = (1, 0) if self._look is None else (2, 1)
        self.total += per_take * row.request.takes + per_row
        self.done += self._done_of(row)

    def _publish(
        self, key: str, fingerprint: str, files: dict[Path, str], audit: Audit | None = None
    ) -> list[Path]:
        # A result that is made again counts once.
        counted = self._journal.has(key, fingerprint)
        targets = self._journal.publish(key, fingerprint, files, audit)
        self.done += not counted
        return targets

    def _task_of(self, row: Row) -> Task | None:
        if missing := next(_runs(row, self._missing(row)), None):
            request = msgspec.structs.replace(row.request, seed=missing[0], takes=len(missing))
            return MakeTakes(row, request)
        if self._look is None:
            return None
        for seed in row.seeds:
            if not self._journal.has(_film_key(row, seed), self._film_print(row)):
                motion = str(self._motion_path(row, seed))
                out = str(self._place(f"film.{self._look.format}"))
                order = Film(motion, self._rig(row), row.camera, self._look, out)
                return MakeFilm(row, seed, order)
        if not self._journal.has(_sheet_key(row), self._sheet_print(row)):
            motions = tuple(str(self._motion_path(row, seed)) for seed in row.seeds)
            out = str(self._place("sheet.png"))
            return MakeSheet(row, Sheet(motions, self._rig(row), row.camera, self._look, out))
        return None

    def _missing(self, row: Row) -> list[int]:
        fingerprint = _request_print(row)
        return [s for s in row.seeds if not self._journal.has(_motion_key(row, s), fingerprint)]

    def _done_of(self, row: Row) -> int:
        done = row.request.takes - len(self._missing(row))
        if self._look is not None:
            film = self._film_print(row)
            done += sum(self._journal.has(_film_key(row, seed), film) for seed in row.seeds)
            done += self._journal.has(_sheet_key(row), self._sheet_print(row))
        return done

    def _motion_path(self, row: Row, seed: int) -> Path:
        return self._journal.folder.absolute() / f"{_take_name(row, seed)}.npz"

    def _place(self, name: str) -> Path:
        return self._journal.workspace.absolute() / name

    def _rig(self, row: Row) -> str:
        path = rig_file(row.rig, self._table_folder.absolute())
        return row.rig if path is None else f"{path}#{split_rig(row.rig)[1]}"

    def _film_print(self, row: Row) -> str:
        return _digest((_request_print(row), row.rig, row.camera, self._look))

    def _sheet_print(self, row: Row) -> str:
        return _digest((row.request, row.rig, row.camera, self._look))


def _runs(row: Row, missing: Sequence[int]) -> Iterator[list[int]]:
    """Missing seeds as runs of neighbours: each is one request."""
    run: list[int] = []
    for seed in missing:
        if run and seed != run[-1] + 1:
            yield run
            run = []
        run.append(seed)
    if run:
        yield run


def _take_name(row: Row, seed: int) -> str:
    return f"{row.output}-{seed}"


def _motion_key(row: Row, seed: int) -> str:
    return f"motion {_take_name(row, seed)}"


def _film_key(row: Row, seed: int) -> str:
    return f"film {_take_name(row, seed)}"


def _sheet_key(row: Row) -> str:
    return f"sheet {row.output}"


def _request_print(row: Row) -> str:
    """What a take depends on besides its seed: more takes of a row leave the old ones valid."""
    return _digest(msgspec.structs.replace(row.request, seed=0, takes=1))


def _digest(value: object) -> str:
    return hashlib.sha256(msgspec.json.encode(value)).hexdigest()[:16]
