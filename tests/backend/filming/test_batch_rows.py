"""A row that fails, in whatever way, is told, and every other row is made."""

from pathlib import Path

import pytest
from walking_backend import WalkingGenerator

from backend.filming.batch import FilmWorker, run_batch
from shared.batch.journal import open_journal
from shared.batch.queue import Batch, Task
from shared.batch.table import Row
from shared.errors import PlacidError
from shared.protocol.messages import Generate


class Report:
    """Remembers what it is told."""

    def __init__(self) -> None:
        self.made_files: list[str] = []
        self.failures: dict[int, str] = {}
        self.fractions: list[float] = []
        self.doubts: dict[int, str] = {}

    def working(self, task: Task, fraction: float, stage: str) -> None:
        self.fractions.append(fraction)

    def made(self, path: Path) -> None:
        self.made_files.append(path.name)

    def doubted(self, row: int, warning: str) -> None:
        assert row not in self.doubts, "a row is doubted once"
        self.doubts[row] = warning

    def failed(self, row: int, error: PlacidError) -> None:
        self.failures[row] = error.code


def _no_film() -> FilmWorker:
    raise AssertionError("nothing is filmed here")


def test_defects_and_a_lack_of_memory_end_their_own_rows_only(tmp_path: Path) -> None:
    prompts = ("a walk", "a bug", "memory", "refused", "another walk")
    rows = [
        Row(number, Generate(prompt, seconds=1.0, takes=2), output=prompt.replace(" ", "-"))
        for number, prompt in enumerate(prompts, start=1)
    ]
    report = Report()
    with open_journal(tmp_path) as journal:
        batch = Batch(rows, journal, tmp_path)
        run_batch(batch, WalkingGenerator(), FilmWorker(_no_film), report)  # type: ignore[arg-type]
        assert (batch.done, batch.total) == (4, 10)
    assert report.failures == {2: "internal", 3: "resource_exhausted", 4: "bad_request"}
    assert report.made_files == [
        *("a-walk-0.npz", "a-walk-1.npz"),
        *("another-walk-0.npz", "another-walk-1.npz"),
    ]
    assert report.fractions == sorted(report.fractions), "the display never falls"


def test_a_row_that_the_model_does_not_know_is_told_once_and_made(tmp_path: Path) -> None:
    rows = [
        Row(number, Generate(prompt, seconds=1.0, takes=2), output=f"row-{number}")
        for number, prompt in enumerate(("a walk", "golf", "another walk"), start=1)
    ]
    report = Report()
    with open_journal(tmp_path) as journal:
        batch = Batch(rows, journal, tmp_path)
        run_batch(batch, WalkingGenerator(), FilmWorker(_no_film), report)  # type: ignore[arg-type]
        assert batch.done == 6
    assert report.doubts == {2: "Placid does not know 'golf'; nearest: 'swings a racket'"}


def test_a_folder_that_cannot_be_written_ends_the_batch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise PlacidError("not_writable", "the disk is full; free some space")

    monkeypatch.setattr(Batch, "keep_take", full)
    rows = [Row(1, Generate("a walk", seconds=1.0), output="walk")]
    with open_journal(tmp_path) as journal, pytest.raises(PlacidError, match="disk is full"):
        run_batch(
            Batch(rows, journal, tmp_path),
            WalkingGenerator(),
            FilmWorker(_no_film),  # type: ignore[arg-type]
            Report(),
        )
