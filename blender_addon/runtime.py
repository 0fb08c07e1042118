"""Between Blender and the session: the timer, where finished takes go, and what to tell the user.

Everything runs on Blender's main thread, in steps of milliseconds.
"""

import logging
import traceback
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import bpy

from . import paths, takes
from .backend_process import BackendProcess, backend_command
from .client import Event, Lost, Take
from .environment import Setup, environment_python, is_complete
from .session import Session
from .shared.errors import PlacidError
from .shared.protocol import Done, Error, Generate, Progress, Welcome

log = logging.getLogger(__name__)

BUSY_SECONDS = 0.05
IDLE_SECONDS = 0.5


@dataclass
class Job:
    """A generation on its way, or over.

    Attributes:
        request: what was asked for.
        scene, armature: where its takes go, by number: references die with every undo.
        fraction: progress, 0 to 1.
        stage: what is being done, for people.
        takes: names of the takes that arrived.
        error: what ended it early.
        over: whether anything can still come.
    """

    request: Generate
    scene: int
    armature: int
    fraction: float = 0.0
    stage: str = "Starting"
    takes: list[str] = field(default_factory=list)
    error: PlacidError | None = None
    over: bool = False


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
        self.session = Session(_launch)
        self._jobs: dict[int, Job] = {}
        self.setup: Setup | None = None
        self.notice: PlacidError | None = None
        self.tracebacks: deque[str] = deque(maxlen=5)
        self.listeners: list[Callable[[Event], None]] = []
        self._drawn: object = None

    @property
    def job(self) -> Job | None:
        """The oldest unfinished generation."""
        return next((job for job in self._jobs.values() if not job.over), None)

    def generate(
        self,
        scene: bpy.types.Scene,
        request: Generate,
        cast: Callable[[], bpy.types.Object],
    ) -> Job:
        """Send a request; its takes go to the armature that `cast` returns.

        Nobody is cast for a request that cannot be sent. Raises PlacidError at once or never.
        """
        self.notice = None
        number = self.session.submit(request)
        try:
            armature = cast()
        except Exception:
            self.session.cancel(number)
            raise
        job = Job(request, scene.session_uid, armature.session_uid)
        self._jobs[number] = job
        self.watch()
        return job

    def cancel(self) -> None:
        """Give every generation up; takes that arrived stay."""
        for number, job in self._jobs.items():
            job.stage = "Cancelling"
            self.session.cancel(number)

    def stop_backend(self) -> None:
        """End the backend; unfinished generations are given up."""
        self.session.stop()
        for number in list(self._jobs):
            self._finish(number, PlacidError("cancelled", "the backend was stopped"))

    def start_setup(self) -> None:
        """Begin to make the backend's environment. Raises PlacidError when that cannot begin."""
        self.notice = None
        self.stop_backend()
        self.setup = Setup(paths.environment_folder(), paths.requirements_path(), paths.setup_log())
        self.watch()

    def cancel_setup(self) -> None:
        """End the running set-up."""
        if self.setup is not None:
            self.setup.cancel()
            self.setup = None

    def watch(self) -> None:
        """Keep ticking for as long as there is something to tick for."""
        if not bpy.app.timers.is_registered(_on_timer):
            bpy.app.timers.register(_on_timer, first_interval=BUSY_SECONDS, persistent=True)

    def tick(self, wait: float = 0.0) -> None:
        """Do what is due. Never raises: what goes wrong becomes the notice."""
        try:
            for event in self.session.poll(wait):
                self._handle(event)
                for listener in tuple(self.listeners):
                    listener(event)
            if self.setup is not None and self.setup.poll():
                self.setup = None
        except PlacidError as error:
            self.notice = error
            if self.setup is not None and error.code == "setup_failed":
                self.setup = None
        except Exception as error:
            self.note_unforeseen(error)

    def note_unforeseen(self, error: Exception) -> PlacidError:
        """Keep the traceback for the report; returns the sentence for the user."""
        self.tracebacks.append("".join(traceback.format_exception(error)))
        log.error("unforeseen error", exc_info=error)
        self.notice = PlacidError(
            "internal",
            f"something unforeseen went wrong ({error}); press Copy Report and tell the authors",
        )
        return self.notice

    def close(self) -> None:
        """End everything that this Blender started."""
        if bpy.app.timers.is_registered(_on_timer):
            bpy.app.timers.unregister(_on_timer)
        self.cancel_setup()
        self.stop_backend()

    def redraw_if_changed(self) -> None:
        """Repaint the panels, but only when they would look different."""
        job, setup = self.job, self.setup
        look = (
            self.session.state,
            job and (round(job.fraction, 2), job.stage, len(job.takes)),
            setup and (setup.label, setup.detail, round(setup.fraction, 2)),
            self.notice,
        )
        if look == self._drawn:
            return
        self._drawn = look
        redraw()

    def _handle(self, event: Event) -> None:
        match event:
            case Welcome(problem=Error() as problem):
                self.notice = PlacidError(problem.code, problem.message, problem.details)
            case Progress(job=number) if job := self._jobs.get(number):
                job.fraction, job.stage = event.fraction, event.stage
            case Take(job=number) if job := self._jobs.get(number):
                self._keep(job, event)
            case Done(job=number):
                self._finish(number, None)
            case Error():
                error = PlacidError(event.code, event.message, event.details)
                if event.job is None:
                    self.notice = error
                else:
                    self._finish(event.job, error)
            case Lost():
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

    def _keep(self, job: Job, event: Take) -> None:
        """Put a take into the list first of all; showing it may fail, the take stays."""
        scene = _by_uid(bpy.data.scenes, job.scene) or bpy.context.scene
        armature = _by_uid(bpy.data.objects, job.armature)
        take = takes.add_take(scene, armature, job.request, event.motion)
        job.takes.append(take.name)
        if len(job.takes) == 1:
            # The index shows the take by its update callback.
            scene.placid.take_index = len(scene.placid.takes) - 1
        _push_undo(f"Placid: {take.name}")


def redraw() -> None:
    """Repaint the panels."""
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            if area.type in ("VIEW_3D", "PREFERENCES"):
                area.tag_redraw()


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
    if _runtime is not None:
        _runtime.close()
        _runtime = None


def preferences():
    """The extension's preferences."""
    return bpy.context.preferences.addons[paths.PACKAGE].preferences


def backend_python() -> Path:
    """The Python that runs the backend. Raises PlacidError `backend_missing`."""
    chosen = preferences().python_path
    if chosen:
        python = Path(bpy.path.abspath(chosen))
        if not python.is_file():
            raise PlacidError(
                "backend_missing",
                f"the backend's Python {python} does not exist; correct it in the preferences",
            )
        return python
    folder = paths.environment_folder()
    if not is_complete(folder, paths.requirements_path()):
        raise PlacidError(
            "backend_missing",
            "the backend is not set up yet; press Set Up Backend in Placid's preferences",
        )
    return environment_python(folder)


def _launch() -> BackendProcess:
    command = backend_command(backend_python(), paths.backend_log())
    if preferences().device != "auto":
        command += ["--device", preferences().device]
    return BackendProcess(command, paths.source_folder(), paths.backend_log())


def _on_timer() -> float | None:
    runtime = get()
    runtime.tick()
    runtime.redraw_if_changed()
    state = runtime.session.state
    if runtime.job or runtime.setup or state in ("starting", "loading"):
        return BUSY_SECONDS
    return None if state == "stopped" else IDLE_SECONDS


def _by_uid(blocks, uid: int):
    return next((block for block in blocks if block.session_uid == uid), None)


def _push_undo(message: str) -> None:
    """One step of undo for what a timer did; there is no undo stack without a window."""
    manager = bpy.context.window_manager
    if bpy.app.background or not manager.windows:
        return
    with bpy.context.temp_override(window=manager.windows[0]):
        bpy.ops.ed.undo_push(message=message)
