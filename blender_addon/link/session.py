"""The backend as the add-on sees it: there when it is needed, started again after it ended."""

import itertools
import time
from collections.abc import Callable
from typing import Final, Literal

from ..shared.errors import PlacidError
from ..shared.motion.motion import Motion
from ..shared.protocol.framing import pack_submit
from ..shared.protocol.messages import (
    BackendState,
    Capabilities,
    Done,
    Error,
    Progress,
    Request,
    Welcome,
    validate,
)
from .backend_process import BackendProcess, CircuitBreaker
from .client import Client, Event, Lost, Take

State = Literal["stopped", "resting", "starting"] | BackendState

_POLL_SECONDS: Final = 0.05
# After the connection broke, the process may need so long to end and so to tell the reason. What
# refuses us may have ended as well, or have only its port in common with the backend.
_EXIT_REASON_TIMEOUTS: Final = {"backend_lost": 5.0, "backend_refused": 1.0}


class Session:
    """One backend after the other behind one interface; jobs are numbered across them.

    Args:
        launch: starts a backend process; may raise PlacidError.

    Attributes:
        capabilities: of the running backend, or of the last one; None before the first.
        state: for display; `resting` while no process holds memory, because nothing was asked for.
        launched: whether there has been a backend yet.
    """

    def __init__(self, launch: Callable[[], BackendProcess]) -> None:
        self.capabilities: Capabilities | None = None
        self.state: State = "stopped"
        self.launched = False
        self._launch = launch
        self._breaker = CircuitBreaker()
        self._numbers = itertools.count(1)
        self._process: BackendProcess | None = None
        self._client: Client | None = None
        # Requests made before the backend can be reached, as they will be sent.
        self._pending: dict[int, list[bytes]] = {}
        self._undelivered: list[Event] = []
        # The connection broke; until the deadline the reason may become known.
        self._broken: Lost | None = None
        self._broken_until = 0.0

    @property
    def jobs(self) -> tuple[int, ...]:
        """Numbers of the unfinished jobs."""
        active = set(self._broken.jobs) if self._broken else set()
        if self._client:
            active |= self._client.jobs
        return tuple(sorted(active | self._pending.keys()))

    @property
    def running(self) -> bool:
        """Whether there is a backend process."""
        return self._process is not None

    def start(self) -> None:
        """Start the backend unless there is one. Returns at once.

        Raises:
            PlacidError: `backend_missing`, `not_writable`, or `backend_unavailable` when it
                keeps ending.
        """
        if self._broken:
            self._undelivered.append(self._end(self._broken))
        if self._process:
            return
        self._breaker.check()
        self._process = self._launch()
        self.launched = True
        self.state = "starting"

    def submit(self, request: Request, motion: Motion | None = None) -> int:
        """Ask for motion, starting the backend if there is none; returns the job's number.

        Args:
            motion: what an EditMotion is about.

        Raises:
            PlacidError: as `start` does, or for a request the backend cannot fulfil.
        """
        if self.capabilities:
            validate(request, self.capabilities, motion)
        job = next(self._numbers)
        # What is too large is refused here, before it can do harm, whether there is a backend yet
        # or not.
        frames = pack_submit(job, request, motion)
        self.start()
        if self._client:
            self._client.begin(job, frames)
        else:
            self._pending[job] = frames
        return job

    def cancel(self, job: int) -> None:
        """Give a job up; it ends in an Error `cancelled`."""
        if self._pending.pop(job, None):
            self._undelivered.append(Error("cancelled", "the generation was cancelled", job))
        elif self._client:
            self._client.cancel(job)

    def rest(self) -> None:
        """Free all memory that the backend takes, if nothing is being made: its process ends.

        Dropping the model alone would free next to nothing, since most of a backend's memory is
        its libraries. The next request starts a new process.
        """
        if self._process and not self.jobs:
            self.stop()
            self.state = "resting"

    def poll(self, timeout: float = 0.0) -> list[Event]:
        """What happened since the last call; waits for something at most `timeout` seconds."""
        events, self._undelivered = self._undelivered, []
        if self._process is None:
            return events
        try:
            if self._broken:
                events += self._await_reason(self._process, timeout)
            elif self._client is None:
                self._connect(self._process, timeout)
            else:
                events += self._listen(self._client, timeout)
        except PlacidError as error:
            events.append(self._end(Lost(error, self.jobs)))
        except Exception as error:
            # Whatever it was, it would happen again at every poll: this backend is given up.
            events.append(self._end(Lost(_unforeseen(error), self.jobs)))
        return events

    def generate(
        self,
        request: Request,
        progress: Callable[[Progress], None] | None = None,
        motion: Motion | None = None,
    ) -> list[Motion]:
        """Make motion and wait for it; for scripts without an event loop.

        Args:
            motion: what an EditMotion is about.

        Raises:
            PlacidError: whatever ended the job.
        """
        job = self.submit(request, motion)
        motions: list[Motion] = []
        while True:
            for event in self.poll(_POLL_SECONDS):
                match event:
                    case Take(job=number, motion=motion) if number == job:
                        motions.append(motion)
                    case Progress(job=number) if number == job and progress:
                        progress(event)
                    case Done(job=number) if number == job:
                        return motions
                    case Error(job=number) if number in (job, None):
                        raise PlacidError(event.code, event.message, event.details)
                    case Lost(error=error):
                        raise error

    def restart(self) -> None:
        """End the backend and start a fresh one, however often it ended before."""
        self.stop()
        self._breaker.reset()
        self.start()

    def stop(self) -> None:
        """End the backend at once. Nothing more is heard of unfinished jobs."""
        if self._client:
            self._client.close()
        if self._process:
            self._process.stop()
        self._client = self._process = self._broken = None
        self._pending.clear()
        self._undelivered.clear()
        self.state = "stopped"

    def _connect(self, process: BackendProcess, timeout: float) -> None:
        connection = process.connection()
        if connection is None:
            time.sleep(timeout)
            return
        self._client = Client(connection)
        for job, frames in self._pending.items():
            self._client.begin(job, frames)
        self._pending.clear()

    def _listen(self, client: Client, timeout: float) -> list[Event]:
        events = client.poll(timeout)
        for event in events:
            if isinstance(event, Welcome):
                self.state = event.state
                self.capabilities = event.capabilities or self.capabilities
        if events and isinstance(lost := events[-1], Lost):
            if patience := _EXIT_REASON_TIMEOUTS.get(lost.error.code):
                self._broken = lost
                self._broken_until = time.monotonic() + patience
                return events[:-1]
            self._end(lost)
        return events

    def _await_reason(self, process: BackendProcess, timeout: float) -> list[Event]:
        assert self._broken is not None
        if reason := process.reason(timeout):
            return [self._end(Lost(reason, self._broken.jobs))]
        if time.monotonic() > self._broken_until:
            return [self._end(self._broken)]
        return []

    def _end(self, lost: Lost) -> Lost:
        self._breaker.record_end()
        self.stop()
        return lost


def _unforeseen(error: Exception) -> PlacidError:
    """What ended a backend that we ourselves failed with; the error follows as its cause."""
    failure = PlacidError(
        "internal",
        f"the connection to the backend failed unexpectedly ({type(error).__name__}); press Copy "
        "Report and tell the authors",
    )
    failure.__cause__ = error
    return failure
