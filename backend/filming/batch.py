"""Runs a batch to its end without a window: generate, film, journal."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from backend.serving.failures import explain
from backend.serving.jobs import MotionGenerator
from shared.batch.queue import Batch, MakeFilm, MakeSheet, MakeTakes, Task
from shared.errors import PlacidError
from shared.filming.orders import Failed
from shared.filming.process import RenderProcess
from shared.motion.understanding import understanding_in

_POLL_SECONDS = 0.2
_FATAL = ("not_writable", "no_blender")


class Reporter(Protocol):
    """Who watches a batch."""

    def working(self, task: Task, fraction: float, stage: str) -> None:
        """A task is at work; `fraction` is of the whole batch, 0 to 1."""

    def made(self, path: Path) -> None:
        """A result is in its place."""

    def doubted(self, row: int, warning: str) -> None:
        """The model does not know what a row asks for, or not well; its takes are made."""

    def failed(self, row: int, error: PlacidError) -> None:
        """A row was given up for this run."""


@dataclass
class FilmWorker:
    """A film process that is started when first needed, and again after it broke.

    Attributes:
        start: starts one; may raise PlacidError `no_blender`.
    """

    start: Callable[[], RenderProcess]
    process: RenderProcess | None = None

    def film(self, task: MakeFilm | MakeSheet) -> None:
        """Have an order carried out. Raises PlacidError when it failed."""
        if self.process is None:
            self.process = self.start()
        self.process.send(task.order)
        try:
            while (answer := self.process.poll(_POLL_SECONDS)) is None:
                pass
        except PlacidError:
            self.close()
            raise
        if isinstance(answer, Failed):
            raise PlacidError(answer.code, answer.message)

    def close(self) -> None:
        """End the process."""
        if self.process is not None:
            self.process.stop()
        self.process = None


def run_batch(
    batch: Batch, generator: MotionGenerator, worker: FilmWorker, report: Reporter
) -> None:
    """Do everything that is not done yet; a row that fails, in whatever way, stops no other one.

    Raises:
        PlacidError: `not_writable` or `no_blender`, which would fail every row alike.
    """
    try:
        while task := batch.next_task():
            try:
                _do(batch, task, generator, worker, report)
            except Exception as error:
                failure = explain(error)
                if failure.code in _FATAL:
                    raise failure from error
                batch.fail(task.row, failure)
                report.failed(task.row.number, failure)
    finally:
        worker.close()


def _do(
    batch: Batch, task: Task, generator: MotionGenerator, worker: FilmWorker, report: Reporter
) -> None:
    match task:
        case MakeTakes():

            def progress(fraction: float, stage: str) -> None:
                report.working(task, batch.fraction, stage)

            for number, motion in enumerate(
                generator.generate(task.request, progress, lambda: False)
            ):
                understanding = understanding_in(motion.provenance)
                if number == 0 and understanding and not understanding.known:
                    report.doubted(task.row.number, understanding.warning)
                report.made(batch.keep_take(task.row, motion))
        case MakeFilm() | MakeSheet():
            stage = "filming" if isinstance(task, MakeFilm) else "contact sheet"
            report.working(task, batch.fraction, stage)
            worker.film(task)
            report.made(batch.keep(task))
