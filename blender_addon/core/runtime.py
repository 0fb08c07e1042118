"""Between Blender and the session: the timer, where finished takes go, and what to tell the user.

Everything runs on Blender's main thread, in steps of milliseconds.
"""

import logging
import time
import traceback
from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

import bpy

from ..link import launch, paths
from ..link.client import Event, Lost, Take
from ..link.session import Session
from ..shared.errors import PlacidError
from ..shared.motion.motion import Motion
from ..shared.protocol.messages import Done, Error, Progress, Request, Welcome
from . import arrivals, scheduler
from .jobs import Job

if TYPE_CHECKING:
    from ..link.environment import Setup

T = TypeVar("T")

log = logging.getLogger(__name__)

BUSY_SECONDS = 0.05
IDLE_SECONDS = 0.5

# Problems that may be gone with another environment.
_OF_ENVIRONMENT = (
    *("setup_failed", "not_writable", "version_mismatch"),
    *("backend_missing", "backend_unavailable", "backend_lost", "backend_hung"),
)

# Where Placid draws: the region of each editor.
PANEL_REGIONS = {
    "VIEW_3D": "UI",
    "DOPESHEET_EDITOR": "UI",
    "NLA_EDITOR": "UI",
    "PREFERENCES": "WINDOW",
}


class Runtime:
    """What the extension knows while Blender runs.

    Attributes:
        session: the backend and the connection to it.
        setup: the running set-up of the backend's environment, or None.
        notice: the last problem, for the panel and the preferences.
        tracebacks: of unforeseen errors, for the report.
        listeners: told every event of the session, besides the panel's own generations.
    """

    def __init__(self) -> None:
        self.session = Session(launch.launch)
        self._jobs: dict[int, Job] = {}
        self._arrivals = arrivals.Arrivals()
        self._held: list[Event] = []
        self.setup: Setup | None = None
        self.notice: PlacidError | None = None
        self.tracebacks: deque[str] = deque(maxlen=5)
        self.listeners: list[Callable[[Event], None]] = []
        self._busy_at = time.monotonic()
        self._drawn: object = None

    @property
    def job(self) -> Job | None:
        """The oldest unfinished generation."""
        return next((job for job in self._jobs.values() if not job.over), None)

    def generate(
        self,
        scene: bpy.types.Scene,
        request: Request,
        get_armature: Callable[[], bpy.types.Object],
        motion: Motion | None = None,
        place: int | None = None,
        kept: Sequence[tuple[int, int | None]] = (),
        original: bpy.types.Action | None = None,
    ) -> Job:
        """Send a request; its takes go to the armature that `get_armature` returns.

        `motion` is what the request is about, and `place` the scene frame of its first frame;
        `kept` are scene frames whose poses the takes keep, each with the number (`session_uid`) of
        a library's pose or None; `original` is the action that is repaired.
        Nobody is cast for a request that cannot be sent. Raises PlacidError at once or never.
        """
        self.notice = None
        number = self.session.submit(request, motion)
        try:
            armature = get_armature()
        except Exception:
            self.session.cancel(number)
            raise
        job = Job(request, scene.session_uid, armature.session_uid, place, kept)
        job.original = 0 if original is None else original.session_uid
        self._jobs[number] = job
        self.watch()
        return job

    def cancel(self, given_up: Job | None = None) -> None:
        """Give one generation up, or every one; takes that arrived stay."""
        for number, job in self._jobs.items():
            if given_up in (None, job):
                job.cancel()
                self.session.cancel(number)

    def stop_backend(self) -> None:
        """End the backend; unfinished generations are given up, what arrived stays."""
        self._release_held()
        self.session.stop()
        for number in list(self._jobs):
            self._finish(number, PlacidError("cancelled", "the backend was stopped"))

    def start_setup(self) -> None:
        """Begin to make the backend's environment. Raises PlacidError when that cannot begin."""
        self.notice = None
        self.stop_backend()
        # The build for Blender's extension platform has no set-up.
        from ..link.environment import Setup

        self.setup = Setup(
            paths.environment_folder(),
            paths.requirements_path(),
            paths.setup_log(),
            launch.preferences().torch_build,
        )
        self.watch()

    def cancel_setup(self) -> None:
        """End the running set-up."""
        if self.setup is not None:
            self.setup.cancel()
            self.setup = None

    def forget_environment(self) -> None:
        """Put away what was wrong with the former environment, now that another one is chosen."""
        if self.notice is not None and self.notice.code in _OF_ENVIRONMENT:
            self.notice = None

    def watch(self) -> None:
        """Keep ticking for as long as there is something to tick for."""
        arrivals.listen()
        scheduler.start(_on_timer, BUSY_SECONDS)

    def tick(self, wait: float = 0.0) -> None:
        """Do what is due. Never raises: what goes wrong becomes the notice, and stops nothing else.

        An event that cannot be handled takes neither the events behind it along nor its job's end.
        """
        self._guard(self._arrivals.look)
        if not arrivals.is_dragging():
            self._release_held()
        for event in self._guard(self.session.poll, wait) or ():
            for hear in (self._handle, *self.listeners):
                self._guard(hear, event)
        self._guard(self._poll_setup)
        self._guard(self._rest)

    def note_unforeseen(self, error: Exception) -> PlacidError:
        """Keep the traceback for the report; returns the sentence for the user."""
        text = "".join(traceback.format_exception(error))
        # What happens again at every tick is told once.
        if not self.tracebacks or self.tracebacks[-1] != text:
            self.tracebacks.append(text)
            log.error("unforeseen error", exc_info=error)
        self.notice = PlacidError(
            "internal",
            f"something unforeseen went wrong ({error}); press Copy Report and tell the authors",
        )
        return self.notice

    def close(self) -> None:
        """End everything that this Blender started."""
        scheduler.stop(_on_timer)
        self.cancel_setup()
        self.stop_backend()

    def redraw_if_changed(self) -> None:
        """Repaint the panels, but only when they would look different."""
        job, setup = self.job, self.setup
        look = (
            self.session.state,
            job and (round(job.fraction, 2), job.summary()),
            setup and (setup.label, setup.detail, round(setup.fraction, 2)),
            self.notice,
        )
        if look == self._drawn:
            return
        self._drawn = look
        redraw()

    def _guard(self, do: Callable[..., T], *arguments: object) -> T | None:
        """Do one thing; what goes wrong with it becomes the notice."""
        try:
            return do(*arguments)
        except PlacidError as error:
            self.notice = error
        except Exception as error:
            self.note_unforeseen(error)
        return None

    def _poll_setup(self) -> None:
        """A set-up that fails, in whatever way, is over."""
        if self.setup is None:
            return
        try:
            over = self.setup.poll()
        except Exception:
            self.cancel_setup()
            raise
        if over:
            self.setup = None
            launch.preferences().full_backend = True

    def _rest(self) -> None:
        """Free the backend's memory once nothing was asked for so long as the preferences say."""
        minutes = launch.preferences().idle_minutes
        if minutes and self.session.running and time.monotonic() - self._busy_at > minutes * 60:
            self.session.rest()

    def _release_held(self) -> None:
        """Handle what waited for the user's drag to end."""
        held, self._held = self._held, []
        for event in held:
            self._guard(self._deliver, event)

    def _handle(self, event: Event) -> None:
        """What changes the file waits for the user's drag to end, in the order in which it came."""
        if isinstance(event, Welcome | Progress | Take):
            self._busy_at = time.monotonic()
        if isinstance(event, Take | Done | Error | Lost) and arrivals.is_dragging():
            self._held.append(event)
        else:
            self._deliver(event)

    def _deliver(self, event: Event) -> None:
        match event:
            case Welcome(problem=Error() as problem):
                self.notice = PlacidError(problem.code, problem.message, problem.details)
            case Progress(job=number) if job := self._jobs.get(number):
                job.advance(event)
            case Take(job=number) if job := self._jobs.get(number):
                self._arrivals.add(job, event)
            case Done(job=number):
                self._finish(number, None)
            case Error():
                error = PlacidError(event.code, event.message, event.details)
                if event.job is None:
                    self.notice = error
                else:
                    self._finish(event.job, error)
            case Lost():
                if isinstance(cause := event.error.__cause__, Exception):
                    self.note_unforeseen(cause)
                self.notice = event.error
                for number in event.jobs:
                    self._finish(number, event.error)

    def _finish(self, number: int, error: PlacidError | None) -> None:
        job = self._jobs.pop(number, None)
        if job is None:
            return
        job.over, job.error = True, error
        if error is not None and error.code != "cancelled":
            self.notice = error
        self._arrivals.close(job)


def redraw() -> None:
    """Repaint the panels, and not the 3D views beside them, which would take much longer."""
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            if kind := PANEL_REGIONS.get(area.type):
                for region in area.regions:
                    if region.type == kind:
                        region.tag_redraw()


_runtime: Runtime | None = None


def get() -> Runtime:
    """The one runtime of this Blender."""
    global _runtime
    if _runtime is None:
        _runtime = Runtime()
    return _runtime


def session() -> Session:
    """The one session of this Blender."""
    return get().session


def unregister() -> None:
    """End the backend together with the extension."""
    global _runtime
    arrivals.stop_listening()
    if _runtime is not None:
        _runtime.close()
        _runtime = None


def _on_timer() -> float | None:
    runtime = get()
    runtime.tick()
    runtime.redraw_if_changed()
    state = runtime.session.state
    if runtime.job or runtime.setup or state in ("starting", "loading"):
        return BUSY_SECONDS
    return IDLE_SECONDS if runtime.session.running else None
