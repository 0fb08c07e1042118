"""A batch inside Blender: one step at a time between Blender's own work, through the session.

Nothing here waits. A table is read and checked a few rows at a time; takes come from the backend
that the panel uses; films are made by a second Blender without a window, so that this one stays
usable; files are written by a thread, because a disk may take its time.
"""

import contextlib
import sys
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Literal

import bpy

from ...core import runtime
from ...link import paths
from ...link.client import Event, Lost, Take
from ...shared.batch.journal import open_journal
from ...shared.batch.queue import Batch, MakeTakes, Task
from ...shared.batch.steps import WAIT, Steps, Work
from ...shared.batch.table import Row, announcements, read_table_in_steps
from ...shared.errors import PlacidError
from ...shared.filming.orders import Failed, RenderSettings
from ...shared.filming.process import RenderProcess, worker_command
from ...shared.motion.understanding import understanding_in
from ...shared.protocol.messages import Done, Error, Progress

State = Literal["starting", "running", "paused", "done"]

TICK_SECONDS = 0.05
# So long the reading and checking of a table may hold Blender up in one tick.
_STEP_SECONDS = 0.008


class BatchRun:
    """One run over a table; a paused batch goes on as a new run, which skips what is done.

    Args:
        table: CSV or JSON file.
        folder: takes the results.
        look: how films look; None for motions only.
        before: the run before this one, which may still be writing.

    Attributes:
        state: `starting` until the table is checked against what the backend offers.
        batch: the queue; None while starting.
        stage: what is being done, for people.
        error: what ended the run early.
        forgetting: what rows forget where it is not violence alone, for people.

    Raises:
        PlacidError: for a table that cannot be understood, or a backend that cannot start.
    """

    def __init__(
        self,
        table: Path,
        folder: Path,
        look: RenderSettings | None,
        before: "BatchRun | None" = None,
    ) -> None:
        self.state: State = "starting"
        self.batch: Batch | None = None
        self.stage = "Reading the table"
        self.error: PlacidError | None = None
        self.forgetting: list[str] = []
        # By row, what the model does not know of it.
        self.doubts: dict[int, str] = {}
        self.folder = folder
        self._table = table
        self._look = look
        self._task: Task | None = None
        self._task_fraction = 0.0
        self._job: int | None = None
        self._films: RenderProcess | None = None
        self._done_told = False
        self._writer = ThreadPoolExecutor(1, "placid batch")
        self._writes: list[tuple[Row, Future[Path]]] = []
        self._open = contextlib.ExitStack()
        self._closed: Future[None] | None = None
        self._fraction = 0.0
        self._preparation = Work(self._prepare(before))
        # What is wrong with a table of usual size is told at once.
        self._preparation.advance(_STEP_SECONDS)
        runtime.get().listeners.append(self._hear)
        runtime.get().watch()

    @property
    def active(self) -> bool:
        """Whether anything goes on."""
        return self.state in ("starting", "running")

    @property
    def closed(self) -> bool:
        """Whether the run has ended and written everything."""
        return self._closed is not None and self._closed.done()

    @property
    def fraction(self) -> float:
        """Share of the results that are there, 0 to 1; it never falls."""
        if self.batch is not None:
            takes = self._task.request.takes if isinstance(self._task, MakeTakes) else 0
            share = self.batch.fraction + self._task_fraction * takes / self.batch.total
            # A take that has arrived counts again only when it is on the disk.
            self._fraction = max(self._fraction, min(1.0, share))
        return self._fraction

    def tick(self) -> None:
        """Do what is due; never raises, what goes wrong ends the run."""
        try:
            if self.state == "starting":
                self._begin()
            elif self.state == "running":
                self._go_on()
        except PlacidError as error:
            self._end("paused", error)
        except Exception as error:
            self._end("paused", runtime.get().note_unforeseen(error))

    def pause(self) -> None:
        """Give up what is being made now; everything that is done stays done."""
        self._end("paused", None)

    def _begin(self) -> None:
        if self._preparation.advance(_STEP_SECONDS):
            self.batch = self._preparation.result
            self.state = "running"

    def _prepare(self, before: "BatchRun | None") -> Steps[Batch]:
        table = yield from read_table_in_steps(self._table)
        session = runtime.session()
        # What the backend does not decide is told before it starts.
        yield from table.check_in_steps(session.capabilities, with_rigs=True)
        session.start()
        self.stage = "Starting the backend"
        yield WAIT
        while session.capabilities is None or session.state != "ready":
            yield WAIT
            if not session.running or session.state == "failed":
                raise runtime.get().notice or _stopped()
        self.stage = "Checking the table"
        yield from table.check_in_steps(session.capabilities, with_rigs=True)
        while before is not None and not before.closed:
            yield WAIT
        opening = self._writer.submit(self._open.enter_context, open_journal(self.folder))
        while not opening.done():
            yield WAIT
        journal, folder = opening.result(), self._table.parent
        self.forgetting = announcements(table.rows)
        return (yield from Batch.in_steps(table.rows, journal, folder, self._look))

    def _go_on(self) -> None:
        assert self.batch is not None
        if not self._written():
            return
        if self._task is None:
            self._task = self.batch.next_task()
            if self._task is None:
                self._end("done", None)
            else:
                self._start(self._task)
        elif self._job is not None:
            if self._done_told:
                self._task = self._job = None
            elif self._job not in runtime.session().jobs:
                raise _stopped()
        elif self._films is not None:
            self._await_film(self.batch, self._films)

    def _written(self) -> bool:
        """Whether all results are on the disk. Raises PlacidError when nothing can be written."""
        assert self.batch is not None
        while self._writes and self._writes[0][1].done():
            row, write = self._writes.pop(0)
            try:
                write.result()
            except PlacidError as error:
                if error.code == "not_writable":
                    raise
                self.batch.fail(row, error)
            except Exception as error:
                self.batch.fail(row, runtime.get().note_unforeseen(error))
        return not self._writes

    def _start(self, task: Task) -> None:
        self._task_fraction = 0.0
        self._done_told = False
        self.stage = task.row.output
        if isinstance(task, MakeTakes):
            try:
                self._job = runtime.session().submit(task.request)
            except PlacidError as error:
                if not runtime.session().running:
                    raise
                assert self.batch is not None
                self.batch.fail(task.row, error)
                self._task = None
            return
        if self._films is None:
            self._films = start_films()
        self._films.send(task.order)

    def _await_film(self, batch: Batch, films: RenderProcess) -> None:
        assert self._task is not None
        try:
            answer = films.poll()
        except PlacidError:
            self._stop_films()
            raise
        if answer is None:
            return
        if isinstance(answer, Failed):
            batch.fail(self._task.row, PlacidError(answer.code, answer.message))
        else:
            self._write(batch.keep, self._task)
        self._task = None

    def _hear(self, event: Event) -> None:
        """What the backend says about the job of this run; what goes wrong ends the run."""
        try:
            self._take_in(event)
        except PlacidError as error:
            self._end("paused", error)
        except Exception as error:
            self._end("paused", runtime.get().note_unforeseen(error))

    def _take_in(self, event: Event) -> None:
        if isinstance(event, Lost):
            if self._job in event.jobs:
                self._end("paused", event.error)
            return
        if self._job is None or getattr(event, "job", None) != self._job:
            return
        assert self.batch is not None
        assert self._task is not None
        match event:
            case Progress():
                self._task_fraction = event.fraction
                self.stage = f"{self._task.row.output}: {event.stage}"
            case Take():
                self._keep(event)
            case Done():
                self._done_told = True
            case Error():
                error = PlacidError(event.code, event.message, event.details)
                self.batch.fail(self._task.row, error)
                self._task = self._job = None

    def _keep(self, take: Take) -> None:
        assert self.batch is not None
        assert self._task is not None
        understanding = understanding_in(take.motion.provenance)
        if understanding and not understanding.known:
            self.doubts[self._task.row.number] = understanding.warning
        self._write(self.batch.keep_take, self._task.row, take.motion)
        # What has arrived counts in the batch's own fraction from now on.
        self._task_fraction = max(0.0, self._task_fraction - 1.0 / take.count)

    def _write(self, keep: Callable[..., Path], *arguments: object) -> None:
        assert self._task is not None
        self._writes.append((self._task.row, self._writer.submit(keep, *arguments)))

    def _end(self, state: State, error: PlacidError | None) -> None:
        if not self.active:
            return
        self.state, self.error = state, error
        if self._job is not None:
            runtime.session().cancel(self._job)
        self._job = self._task = None
        self._stop_films()
        # Behind all that is still to be written.
        self._closed = self._writer.submit(self._open.close)
        self._writer.shutdown(wait=False)
        with contextlib.suppress(ValueError):
            runtime.get().listeners.remove(self._hear)

    def _stop_films(self) -> None:
        if self._films is not None:
            self._films.stop()
        self._films = None


def start_films() -> RenderProcess:
    """A second Blender of the same kind as this one, without a window."""
    # Blender 4.2 to 4.4 have no bpy.app.module; as a module, Blender has no program of its own.
    as_module = not bpy.app.binary_path
    program = Path(sys.executable if as_module else bpy.app.binary_path)
    command = worker_command(program, as_module, [paths.source_folder()])
    return RenderProcess(command, paths.film_log())


def _stopped() -> PlacidError:
    return PlacidError("backend_lost", "the backend was stopped; press Resume to go on")


def current() -> BatchRun | None:
    """The batch of this Blender: running, paused or done."""
    return runtime.latest(BatchRun)


def start(table: Path, folder: Path, look: RenderSettings | None) -> BatchRun:
    """Begin a batch, or go on with one. Raises PlacidError as `BatchRun` does."""
    run = BatchRun(table, folder, look, current())
    runtime.get().set_latest(run)
    runtime.get().scheduler.start(_on_timer, TICK_SECONDS)
    return run


def close() -> None:
    """End the batch together with the extension."""
    if (run := current()) is not None:
        run.pause()
        runtime.get().scheduler.stop(_on_timer)
        runtime.get().forget(BatchRun)


def _on_timer() -> float | None:
    run = current()
    if run is None:
        return None
    # The runtime's own timer is slow while the panel asks for nothing.
    runtime.get().tick()
    run.tick()
    runtime.redraw()
    return TICK_SECONDS if run.active else None
