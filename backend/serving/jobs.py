"""The jobs of all clients, one after the other, in one worker thread that owns the generator."""

import gc
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from shared import VERSION
from shared.errors import PlacidError
from shared.motion.motion import Motion
from shared.protocol.framing import pack, pack_result
from shared.protocol.messages import (
    BackendState,
    Capabilities,
    Done,
    Error,
    Message,
    Progress,
    Request,
    Welcome,
    validate,
)

from .failures import explain

# Progress in the same stage travels no more often than a display can show it.
_PROGRESS_SECONDS: Final = 0.05
# Before this share of a job is done its speed is not known.
_ENOUGH_TO_ESTIMATE: Final = 0.03
# A client that asks for more without waiting for anything is broken.
_MOST_WAITING: Final = 1000

# The address of everybody, for `Send`.
EVERYBODY: Final = b""

Send = Callable[[bytes, list[bytes]], None]

log = logging.getLogger(__name__)


class MotionGenerator(Protocol):
    """What serving sees of the generator."""

    def capabilities(self) -> Capabilities:
        """What it can do, of which the panel makes its choices."""

    def generate(
        self,
        request: Request,
        progress: Callable[[float, str], None],
        cancelled: Callable[[], bool],
        motion: Motion | None = None,
    ) -> Iterator[Motion]:
        """Yield takes as they are ready, each with its audit.

        Args:
            request: already validated.
            progress: told the fraction of the whole request, 0 to 1, and the stage.
            cancelled: asked between sampling steps; when true, raise PlacidError `cancelled`.
            motion: what an EditMotion is about.
        """
        ...

    def unload(self) -> None:
        """Free what a device holds; the generator is not used afterwards."""
        ...


@dataclass(eq=False)
class Job:
    """One request of one client; `request` is None for "unload the model".

    `motion` is what an EditMotion is about.
    """

    client: bytes
    number: int
    request: Request | None
    motion: Motion | None = None
    cancelled_at: float | None = None
    alive_at: float = 0.0

    def is_cancelled(self) -> bool:
        """Whether the job was given up; to be asked is a sign of life of the generator."""
        self.alive_at = time.monotonic()
        return self.cancelled_at is not None


def cancellation() -> PlacidError:
    """How a job that was given up ends."""
    return PlacidError("cancelled", "the generation was cancelled; the takes made so far are kept")


class JobQueue:
    """Jobs in order of arrival; safe to use from several threads."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting: deque[Job] = deque()
        self._running: Job | None = None
        self._closed = False

    def put(self, job: Job) -> None:
        """Let a job wait for its turn.

        Raises:
            PlacidError: `duplicate_job` for the number of an unfinished job of the same client,
                `busy` when too many wait.
        """
        with self._changed:
            if self._knows(job.client, job.number):
                raise PlacidError(
                    "duplicate_job",
                    f"job {job.number} is not finished yet; give each job a number of its own",
                )
            if len(self._waiting) >= _MOST_WAITING:
                raise PlacidError(
                    "busy",
                    f"{_MOST_WAITING} jobs are waiting already; wait for some of them or cancel "
                    "them",
                )
            self._waiting.append(job)
            self._changed.notify()

    def knows(self, client: bytes, number: int) -> bool:
        """Whether a client has an unfinished job of this number."""
        with self._changed:
            return self._knows(client, number)

    def take(self) -> Job | None:
        """The next job, as soon as there is one; None once the queue is closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closed)
            if self._closed:
                return None
            self._running = self._waiting.popleft()
            self._running.alive_at = time.monotonic()
            return self._running

    def finish(self) -> None:
        """The job that was taken last is over; its number is free again."""
        with self._changed:
            self._running = None

    def cancel(self, client: bytes, number: int | None = None) -> list[Job]:
        """Give up one job of a client, or all; returns those that had not begun."""
        with self._changed:

            def meant(job: Job) -> bool:
                return job.client == client and number in (None, job.number)

            if self._running and meant(self._running) and self._running.cancelled_at is None:
                self._running.cancelled_at = time.monotonic()
            dropped = [job for job in self._waiting if meant(job)]
            self._waiting = deque(job for job in self._waiting if not meant(job))
            return dropped

    def close(self) -> None:
        """Give everything up and let no job begin any more."""
        with self._changed:
            self._closed = True
            self._waiting.clear()
            if self._running:
                self._running.cancelled_at = time.monotonic()
            self._changed.notify_all()

    @property
    def running(self) -> Job | None:
        """The job that is made now, if any is."""
        return self._running

    def _knows(self, client: bytes, number: int) -> bool:
        jobs = [*self._waiting, self._running] if self._running else self._waiting
        return any((job.client, job.number) == (client, number) for job in jobs)


class Worker(threading.Thread):
    """Loads the generator, then runs jobs; one job's failure is not the next one's.

    Args:
        make_generator: called in this thread, so that the server can answer while it loads.
        send: gives frames for a client (or EVERYBODY) to the server; called in this thread only.
        log_path: named in reports of unforeseen errors.
    """

    def __init__(
        self,
        make_generator: Callable[[], MotionGenerator],
        send: Send,
        log_path: Path,
    ) -> None:
        # A daemon, because a generator that hangs must not keep the process alive.
        super().__init__(name="worker", daemon=True)
        self.queue = JobQueue()
        self.welcome = Welcome(VERSION, "loading")
        # When the generator was made last.
        self.loaded_at = 0.0
        self._make_generator = make_generator
        self._generator: MotionGenerator | None = None
        self._send = send
        self._log_path = log_path

    def run(self) -> None:
        """Load the model, then make jobs until the queue ends."""
        try:
            self._load()
        except PlacidError as error:
            log.error("the model could not be loaded: %s", error.message)
        while (job := self.queue.take()) is not None:
            outcome = self._outcome(job)
            self.queue.finish()
            self._tell(job.client, outcome)

    def _outcome(self, job: Job) -> Message:
        began = time.monotonic()
        try:
            self._perform(job)
        except Exception as error:
            failure = explain(error, self._log_path)
            log.info("job %d: %s", job.number, failure.message)
            return Error.of(failure, job.number)
        log.info("job %d done in %.2f s", job.number, time.monotonic() - began)
        return Done(job.number)

    def _perform(self, job: Job) -> None:
        if job.request is None:
            self._unload()
            return
        generator = self._generator or self._load()
        if job.is_cancelled():
            raise cancellation()
        capabilities = self.welcome.capabilities
        assert capabilities is not None, "a loaded generator has told its capabilities"
        validate(job.request, capabilities, job.motion)
        takes = job.request.takes
        reporter = _Reporter(job, takes, self._tell)
        for take, motion in enumerate(
            generator.generate(job.request, reporter.progress, job.is_cancelled, job.motion)
        ):
            if job.is_cancelled():
                raise cancellation()
            self._send(job.client, pack_result(job.number, take, takes, motion))
            reporter.finished = take + 1

    def _unload(self) -> None:
        """Let go of the generator; the next request makes another one."""
        if self._generator is not None:
            self._generator.unload()
        self._generator = None
        gc.collect()

    def _load(self) -> MotionGenerator:
        self._announce("loading")
        try:
            generator = self._make_generator()
            capabilities = generator.capabilities()
        except Exception as error:
            failure = explain(error, self._log_path)
            self._announce("failed", problem=Error.of(failure))
            raise failure from None
        self._generator = generator
        self.loaded_at = time.monotonic()
        self._announce("ready", capabilities)
        return generator

    def _announce(
        self,
        state: BackendState,
        capabilities: Capabilities | None = None,
        problem: Error | None = None,
    ) -> None:
        self.welcome = Welcome(VERSION, state, capabilities, problem)
        self._tell(EVERYBODY, self.welcome)

    def _tell(self, client: bytes, message: Message) -> None:
        self._send(client, pack(message))


class _Reporter:
    """Turns the generator's progress into messages, not more of them than can be seen."""

    def __init__(self, job: Job, takes: int, tell: Callable[[bytes, Message], None]) -> None:
        self.finished = 0
        self._most = 0.0
        self._job = job
        self._takes = takes
        self._tell = tell
        self._last_stage = ""
        self._began = time.monotonic()
        self._last_time = 0.0

    def progress(self, fraction: float, stage: str) -> None:
        now = self._job.alive_at = time.monotonic()
        if stage == self._last_stage and now - self._last_time < _PROGRESS_SECONDS:
            return
        self._last_stage, self._last_time = stage, now
        # A part that is begun again, with less memory for example, does not set the display back.
        fraction = self._most = max(self._most, min(1.0, fraction))
        left = None
        if fraction > _ENOUGH_TO_ESTIMATE:
            left = (now - self._began) * (1 - fraction) / fraction
        job, takes = self._job.number, self._takes
        self._tell(self._job.client, Progress(job, fraction, stage, self.finished, takes, left))
