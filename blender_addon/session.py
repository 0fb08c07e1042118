"""The backend as the add-on sees it: there when it is needed, started again after it ended."""

import itertools
import time
from collections.abc import Callable
from typing import Final, Literal

from .backend_process import BackendProcess, CircuitBreaker
from .client import Client, Event, Lost, Take
from .shared.errors import PlacidError
from .shared.motion import Motion
from .shared.protocol import (
    BackendState,
    Capabilities,
    Done,
    Error,
    Generate,
    Progress,
    Welcome,
    validate,
)

State = Literal["stopped", "starting"] | BackendState

# After the connection broke, the process's exit code is waited for so long: it tells the reason.
_OBITUARY_SECONDS: Final = 3.0
_POLL_SECONDS: Final = 0.05


class Session:
    """One backend after the other behind one interface; jobs are numbered across them.

    Attributes:
        capabilities: of the running backend, or of the last one; None before the first.
        state: for display.
    """

    def __init__(self, launch: Callable[[], BackendProcess]) -> None:
        """`launch` starts a backend process; it may raise PlacidError."""
        self.capabilities: Capabilities | None = None
        self.state: State = "stopped"
        self._launch = launch
        self._breaker = CircuitBreaker()
        self._numbers = itertools.count(1)
        self._process: BackendProcess | None = None
        self._client: Client | None = None
        self._pending: dict[int, Generate] = {}
        self._ending: Lost | None = None
        self._ending_until = 0.0

    @property
    def jobs(self) -> tuple[int, ...]:
        """Numbers of the unfinished jobs."""
        active = self._client.jobs if self._client else set()
        return tuple(sorted(active | self._pending.keys()))

    def start(self) -> None:
        """Start the backend unless there is one. Returns at once.

        Raises:
            PlacidError: `backend_missing`, `not_writable`, or `backend_unavailable` when it
                keeps ending.
        """
        if self._process:
            return
        self._breaker.check()
        self._process = self._launch()
        self.state = "starting"

    def submit(self, request: Generate) -> int:
        """Ask for motion, starting the backend if there is none; returns the job's number.

        Raises:
            PlacidError: as `start` does, or for a request the backend cannot fulfil.
        """
        if self.capabilities:
            validate(request, self.capabilities)
        self.start()
        job = next(self._numbers)
        if self._client and not self._ending:
            self._client.submit(job, request)
        else:
            self._pending[job] = request
        return job

    def cancel(self, job: int) -> None:
        """Give a job up; it ends in an Error `cancelled`."""
        if self._client:
            self._client.cancel(job)

    def unload(self) -> None:
        """Free the model's memory if a backend holds any."""
        if self._client and not self._ending:
            self._client.unload(next(self._numbers))

    def restart(self) -> None:
        """End the backend and start a fresh one, however often it ended before."""
        self.stop()
        self._breaker.reset()
        self.start()

    def stop(self) -> None:
        """End the backend at once; unfinished jobs are dropped."""
        if self._client:
            self._client.close()
        if self._process:
            self._process.stop()
        self._client = self._process = self._ending = None
        self._pending.clear()
        self.state = "stopped"
