"""The jobs of all clients, in the order in which they came."""

import threading
import time
from collections import deque
from dataclasses import dataclass
from typing import Final

from shared.errors import PlacidError
from shared.motion.motion import Motion
from shared.protocol.messages import Request

# A client that asks for more without waiting for anything is broken.
_MOST_WAITING: Final = 1000


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

    @property
    def is_idle(self) -> bool:
        """Whether the queue is open and nothing waits or is made."""
        with self._changed:
            return not (self._waiting or self._running or self._closed)

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
