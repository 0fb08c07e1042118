"""The generations that run, and what the session says about them."""

from collections.abc import Callable

from ..link.client import Event, Lost, Take
from ..link.session import Session
from ..shared.errors import PlacidError
from ..shared.motion.motion import Motion
from ..shared.protocol.messages import Done, Error, Progress, Request, Welcome
from . import arrivals
from .jobs import Job
from .notices import Notices


class Generations:
    """Jobs by the session's numbers, from the request to the undo step of their takes."""

    def __init__(self, session: Callable[[], Session], notices: Notices) -> None:
        self._session = session
        self._notices = notices
        self._jobs: dict[int, Job] = {}
        self._arrivals = arrivals.Arrivals()
        self._held: list[Event] = []

    @property
    def oldest(self) -> Job | None:
        """The oldest unfinished generation."""
        return next((job for job in self._jobs.values() if not job.over), None)

    def begin(self, request: Request, motion: Motion | None, make_job: Callable[[], Job]) -> Job:
        """Send a request; the job is made once it could be sent. See `Runtime.generate`."""
        number = self._session().submit(request, motion)
        try:
            job = make_job()
        except Exception:
            self._session().cancel(number)
            raise
        self._jobs[number] = job
        self._arrivals.listen()
        return job

    def cancel(self, given_up: Job | None) -> None:
        """Give one generation up, or every one; takes that arrived stay."""
        for number, job in self._jobs.items():
            if given_up in (None, job):
                job.cancel()
                self._session().cancel(number)

    def end_all(self, error: PlacidError) -> None:
        """The backend is gone: what has not arrived will not."""
        for number in list(self._jobs):
            self._finish(number, error)

    def close(self) -> None:
        """Leave no handler in Blender."""
        self._arrivals.stop_listening()

    def look(self) -> None:
        """Put in again what an undo took, and handle what waited for a drag to end."""
        self._notices.guard(self._arrivals.look)
        if not arrivals.is_dragging():
            self.release_held()

    def release_held(self) -> None:
        """Handle what waited for the user's drag to end."""
        held, self._held = self._held, []
        for event in held:
            self._notices.guard(self._deliver, event)

    def handle(self, event: Event) -> None:
        """What changes the file waits for the user's drag to end, in the order in which it came."""
        if isinstance(event, Take | Done | Error | Lost) and arrivals.is_dragging():
            self._held.append(event)
        else:
            self._deliver(event)

    def _deliver(self, event: Event) -> None:
        notices = self._notices
        match event:
            case Welcome(problem=Error() as problem):
                notices.current = PlacidError(problem.code, problem.message, problem.details)
            case Progress(job=number) if job := self._jobs.get(number):
                job.advance(event)
            case Take(job=number) if job := self._jobs.get(number):
                self._arrivals.add(job, event)
            case Done(job=number):
                self._finish(number, None)
            case Error():
                error = PlacidError(event.code, event.message, event.details)
                if event.job is None:
                    notices.current = error
                else:
                    self._finish(event.job, error)
            case Lost():
                if isinstance(cause := event.error.__cause__, Exception):
                    notices.note_unforeseen(cause)
                notices.current = event.error
                for number in event.jobs:
                    self._finish(number, event.error)

    def _finish(self, number: int, error: PlacidError | None) -> None:
        job = self._jobs.pop(number, None)
        if job is None:
            return
        job.over, job.error = True, error
        if error is not None and error.code != "cancelled":
            self._notices.current = error
        self._arrivals.close(job)
