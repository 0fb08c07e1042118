"""A take becomes an MP4: a second Blender films it, from a copy of the file."""

import tempfile
from pathlib import Path

import bpy

from ...core import runtime, takes
from ...retargeting.animation_state import playing_meanwhile
from ...retargeting.editable import check_editable
from ...shared.errors import PlacidError
from ...shared.files import cannot_write, move_whole
from ...shared.filming.orders import Failed, Film, RenderSettings
from ...shared.names import printable
from ..batch.run import start_films

TICK_SECONDS = 0.2


class FilmedTake:
    """One film in the making; nothing here waits but for the file to be copied.

    Args:
        take: what is filmed; has an action. Its character is whom the camera follows.
        look: of the film, an MP4.
        path: of the MP4, which appears whole or not at all.

    Attributes:
        name: of the take.
        path: as given.
        active: whether it is still being made.
        done: whether the film is there.

    Raises:
        PlacidError: `not_writable`, `no_armature` or `no_blender`.
    """

    def __init__(self, take, look: RenderSettings, path: Path) -> None:
        self.name = take.name
        self.path = path
        self.active, self.done = True, False
        armature = takes.armature_of(take)
        check_editable(armature)
        try:
            self._folder = tempfile.TemporaryDirectory(dir=path.parent, prefix=".placid-")
            copy = Path(self._folder.name) / "scene.blend"
            # The second Blender films the active action; here the take may be a strip.
            with playing_meanwhile(armature, take.action):
                bpy.ops.wm.save_as_mainfile(filepath=str(copy), copy=True)
        except OSError as error:
            raise cannot_write(path, error) from error
        except RuntimeError as error:
            raise _not_saved(path, error) from error
        self._made = Path(self._folder.name) / "film.mp4"
        self._films = start_films()
        rig = f"{copy}#{armature.name}"
        self._films.send(Film("", rig, "auto", look, str(self._made)))

    @property
    def fraction(self) -> float:
        """How much of it is there, 0 to 1."""
        return self._films.fraction

    def tick(self) -> None:
        """Do what is due. Never raises: what goes wrong becomes the runtime's notice."""
        try:
            answer = self._films.poll()
            if answer is None:
                return
            if isinstance(answer, Failed):
                raise PlacidError(answer.code, answer.message)
            move_whole(self._made, self.path)
            self.done = True
        except PlacidError as error:
            runtime.get().notice = error
        self.stop()

    def stop(self) -> None:
        """End the second Blender and remove what it left unfinished."""
        if self.active:
            self.active = False
            # The folder goes when nothing writes into it any more.
            self._films.stop(self._folder.cleanup)


def _not_saved(path: Path, error: RuntimeError) -> PlacidError:
    """What Blender says when it cannot save the copy that is filmed."""
    why = printable(str(error).strip())
    return PlacidError("not_writable", f"{path} cannot be written ({why}); choose another folder")


def current() -> FilmedTake | None:
    """The film that is being made, or None."""
    film = _last()
    return film if film is not None and film.active else None


def finished() -> FilmedTake | None:
    """The last film, when it was made and no other was begun since."""
    film = _last()
    return film if film is not None and film.done else None


def start(take, look: RenderSettings, path: Path) -> None:
    """Begin a film. Raises PlacidError as `FilmedTake` does."""
    runtime.get().set_latest(FilmedTake(take, look, path))
    runtime.get().scheduler.start(_on_timer, TICK_SECONDS)


def close() -> None:
    """Give the film up that is being made."""
    film = _last()
    if film is not None:
        film.stop()


def _last() -> FilmedTake | None:
    return runtime.latest(FilmedTake)


def _on_timer() -> float | None:
    film = current()
    if film is None:
        return None
    before = film.fraction
    film.tick()
    if film.active and film.fraction == before:
        return TICK_SECONDS
    runtime.redraw()
    return TICK_SECONDS if film.active else None
