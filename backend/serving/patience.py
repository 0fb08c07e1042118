"""How long a client, a job and a generator are waited for."""

import time
from dataclasses import dataclass

from .job_queue import Job
from .jobs import Worker


@dataclass(frozen=True)
class Limits:
    """Patience, in seconds.

    Attributes:
        heartbeat: between two signs of life.
        liveness: heartbeats without a sign of life after which a connection counts as gone.
        cancel: for the generator to notice that a job was cancelled.
        stall: for the generator to do one step.
        load: for the generator to be made, from a slow disk for example; nothing else counts then.
    """

    heartbeat: float = 1.0
    liveness: int = 5
    cancel: float = 15.0
    stall: float = 180.0
    load: float = 600.0


def hangs(job: Job, worker: Worker, limits: Limits) -> bool:
    """Whether the generator, which runs this job, reacts no more."""
    # From the last sign of life on, or from when the generator could give one.
    silent = time.monotonic() - max(job.alive_at, worker.loaded_at)
    if worker.welcome.state == "loading":
        # While the generator is made, nobody asks whether the job is cancelled.
        return silent > limits.load
    if job.cancelled_at is None:
        return silent > limits.stall
    return time.monotonic() - max(job.cancelled_at, worker.loaded_at) > limits.cancel
