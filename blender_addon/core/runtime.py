"""What the extension knows while Blender runs: one object, and the timer that drives it.

Everything runs on Blender's main thread, in steps of milliseconds.
"""

import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

import bpy

from ..link import launch, paths
from ..link.client import Event, Take
from ..link.session import Session
from ..shared.errors import PlacidError
from ..shared.motion.motion import Motion
from ..shared.protocol.messages import Progress, Request, Welcome
from .generations import Generations
from .jobs import Job
from .notices import Notices
from .scheduler import Scheduler

if TYPE_CHECKING:
    from ..link.environment import Setup

K = TypeVar("K")

BUSY_SECONDS = 0.05
IDLE_SECONDS = 0.5

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
        scheduler: the one timer.
        setup: the running set-up of the backend's environment, or None.
        listeners: told every event of the session, besides the panel's own generations.
    """

    def __init__(self) -> None:
        self.session = Session(launch.launch)
        self.scheduler = Scheduler()
        self.setup: Setup | None = None
        self.listeners: list[Callable[[Event], None]] = []
        self._notices = Notices()
        self._generations = Generations(lambda: self.session, self._notices)
        self._latest: dict[type, object] = {}
        self._busy_at = time.monotonic()
        self._drawn: object = None

    @property
    def notice(self) -> PlacidError | None:
        """The last problem, for the panel and the preferences."""
        return self._notices.current

    @notice.setter
    def notice(self, error: PlacidError | None) -> None:
        self._notices.current = error

    @property
    def tracebacks(self) -> deque[str]:
        """Of unforeseen errors, for the report."""
        return self._notices.tracebacks

    @property
    def job(self) -> Job | None:
        """The oldest unfinished generation."""
        return self._generations.oldest

    def set_latest(self, thing: object) -> None:
        """Note what a feature has begun, such as a film, in place of the last one of its kind."""
        self._latest[type(thing)] = thing

    def latest(self, kind: type[K]) -> K | None:
        """What was begun last of this kind."""
        thing = self._latest.get(kind)
        return thing if isinstance(thing, kind) else None

    def forget(self, kind: type) -> None:
        """Nothing of this kind is there any more."""
        self._latest.pop(kind, None)

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

        def job() -> Job:
            made = Job(request, scene.session_uid, get_armature().session_uid, place, kept)
            made.original = 0 if original is None else original.session_uid
            return made

        begun = self._generations.begin(request, motion, job)
        self.watch()
        return begun

    def cancel(self, given_up: Job | None = None) -> None:
        """Give one generation up, or every one; takes that arrived stay."""
        self._generations.cancel(given_up)

    def stop_backend(self) -> None:
        """End the backend; unfinished generations are given up, what arrived stays."""
        self._generations.release_held()
        self.session.stop()
        self._generations.end_all(PlacidError("cancelled", "the backend was stopped"))

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
        self._notices.forget_environment()

    def watch(self) -> None:
        """Keep ticking for as long as there is something to tick for."""
        self.scheduler.start(self._on_timer, BUSY_SECONDS)

    def tick(self, wait: float = 0.0) -> None:
        """Do what is due. Never raises: what goes wrong becomes the notice, and stops nothing else.

        An event that cannot be handled takes neither the events behind it along nor its job's end.
        """
        guard = self._notices.guard
        guard(self._generations.look)
        for event in guard(self.session.poll, wait) or ():
            if isinstance(event, Welcome | Progress | Take):
                self._busy_at = time.monotonic()
            for hear in (self._generations.handle, *self.listeners):
                guard(hear, event)
        guard(self._poll_setup)
        guard(self._rest)

    def note_unforeseen(self, error: Exception) -> PlacidError:
        """Keep the traceback for the report; returns the sentence for the user."""
        return self._notices.note_unforeseen(error)

    def close(self) -> None:
        """End everything that this Blender started."""
        self.scheduler.close()
        self.cancel_setup()
        self.stop_backend()
        self._generations.close()

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

    def _on_timer(self) -> float | None:
        self.tick()
        self.redraw_if_changed()
        state = self.session.state
        if self.job or self.setup or state in ("starting", "loading"):
            return BUSY_SECONDS
        return IDLE_SECONDS if self.session.running else None

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


def latest(kind: type[K]) -> K | None:
    """What was begun last of this kind; nothing begins with the question."""
    return _runtime.latest(kind) if _runtime is not None else None


def unregister() -> None:
    """End the backend together with the extension."""
    global _runtime
    if _runtime is not None:
        _runtime.close()
        _runtime = None
