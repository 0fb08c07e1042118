"""The worker: one thread that owns the generator and runs the jobs of all clients in turn."""

import gc
import logging
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, Protocol

import msgspec

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
from .job_queue import Job, JobQueue, cancellation

# Progress in the same stage travels no more often than a display can show it.
_PROGRESS_SECONDS: Final = 0.05
# Before this share of a job is done its speed is not known.
_ENOUGH_TO_ESTIMATE: Final = 0.03

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

    def fit_when_idle(self) -> Iterator[str]:
        """What is left to fit, in steps of seconds; yields what is being done, for people."""
        ...


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
        self._fitting: Iterator[str] = iter(())
        self._send = send
        self._log_path = log_path

    def run(self) -> None:
        """Load the model, then make jobs until the queue ends."""
        try:
            self._load()
        except PlacidError as error:
            log.error("the model could not be loaded: %s", error.message)
        while (job := self._next_job()) is not None:
            outcome = self._outcome(job)
            self.queue.finish()
            self._tell(job.client, outcome)

    def _next_job(self) -> Job | None:
        """The next job; until it comes, what is left to fit is fitted."""
        while self.queue.is_idle and self._generator is not None:
            try:
                note = next(self._fitting, "")
            except Exception as error:
                note = explain(error, self._log_path).message
                self._fitting = iter(())
            if note:
                log.info("%s", note)
            self._tell_note(note)
            if not note:
                break
        return self.queue.take()

    def _tell_note(self, note: str) -> None:
        """Tell everybody what is being fitted, and what is offered since."""
        capabilities = self.welcome.capabilities
        if self._generator is None or capabilities is None or capabilities.note == note:
            return
        offered = self._generator.capabilities()
        self._announce("ready", msgspec.structs.replace(offered, note=note))

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
        self._fitting = iter(())
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
        self._fitting = generator.fit_when_idle()
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
