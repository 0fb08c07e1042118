"""The animations of a file of any kind: read, and written again with some frames anew."""

import tempfile
from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from backend.filming.blender import start_blender
from shared.errors import PlacidError
from shared.filming.orders import (
    BLENDER_FILES,
    Animations,
    Failed,
    Order,
    ReadAnimations,
    WriteAnimation,
)
from shared.filming.process import RenderProcess
from shared.motion.motion import Motion, load_motion, save_motion
from shared.recognition.bvh_frames import with_frames
from shared.recognition.bvh_rig import BvhRig
from shared.recognition.mapping import Mapping

KINDS: Final = (".npz", ".bvh", *BLENDER_FILES)
_POLL_SECONDS: Final = 0.2


@dataclass(frozen=True)
class Animation:
    """One animation of a file.

    Attributes:
        name: within the file; empty where there is one alone.
        motion: what it shows.
        first: number that the file gives its first frame.
    """

    name: str
    motion: Motion
    first: int = 0


class AnimationFile(ABC):
    """A file with animations of people."""

    @abstractmethod
    def read(self) -> list[Animation]:
        """Its animations. Raises PlacidError."""

    @abstractmethod
    def write(
        self, animation: Animation, motion: Motion, spans: Sequence[tuple[int, int]], out: Path
    ) -> Motion:
        """Write the file to `out` with the frames [start, end) of the spans from a motion.

        Returns:
            What the written file shows.

        Raises:
            PlacidError: nothing was written.
        """


@dataclass
class NpzFile(AnimationFile):
    """A motion of Placid's."""

    path: Path

    def read(self) -> list[Animation]:
        """Its motion."""
        return [Animation("", load_motion(self.path))]

    def write(
        self, animation: Animation, motion: Motion, spans: Sequence[tuple[int, int]], out: Path
    ) -> Motion:
        """Write the motion."""
        save_motion(motion, out)
        return motion


@dataclass
class BvhFile(AnimationFile):
    """A BVH of any humanoid skeleton, which it keeps; other frames stay byte for byte."""

    path: Path
    mapping: Mapping | None = None

    def read(self) -> list[Animation]:
        """What its skeleton does."""
        return [Animation("", BvhRig.load(self.path, self.mapping).motion())]

    def write(
        self, animation: Animation, motion: Motion, spans: Sequence[tuple[int, int]], out: Path
    ) -> Motion:
        """Rewrite the lines of the new frames."""
        file = with_frames(BvhRig.load(self.path, self.mapping), motion, spans)
        file.save(out)
        return BvhRig.load(out, self.mapping).motion()


@dataclass
class BlenderFile(AnimationFile):
    """What Blender opens or imports: every action of every character in it."""

    path: Path
    blender: "Blender"

    def read(self) -> list[Animation]:
        """Every action of every character."""
        return self.blender.read(self.path)

    def write(
        self, animation: Animation, motion: Motion, spans: Sequence[tuple[int, int]], out: Path
    ) -> Motion:
        """Give the character a new action; the old one stays in a .blend."""
        self.blender.write(self.path, animation.name, motion, spans, out)
        written = [a.motion for a in self.blender.read(out) if a.name == animation.name]
        if not written:
            raise PlacidError(
                "not_written", f"{out} does not have {animation.name}; look at it in Blender"
            )
        return written[0]


@dataclass
class Blender:
    """A Blender without a window, started when it is first needed; closed with `with`.

    Attributes:
        program: of Blender, or a Python that has bpy; found as `start_blender` does if None.
        problems: of the file that was read last, a sentence for each animation that could not be.
    """

    program: Path | None = None
    problems: list[str] = field(default_factory=list)
    _open: ExitStack = field(default_factory=ExitStack)
    _folder: Path | None = None
    _process: RenderProcess | None = None

    def __enter__(self) -> "Blender":
        return self

    def __exit__(self, *_exception: object) -> None:
        if self._process is not None:
            self._process.stop()
            self._process = None
        self._open.close()

    def read(self, path: Path) -> list[Animation]:
        """Every animation that a person's rig plays, or can play, in a file."""
        folder = Path(tempfile.mkdtemp(dir=self._working_folder()))
        answer = self._ask(ReadAnimations(str(path.absolute()), str(folder)))
        assert isinstance(answer, Animations)
        self.problems = [f"{path}: {problem}" for problem in answer.problems]
        return [
            Animation(found.name, load_motion(Path(found.motion)), found.first)
            for found in answer.animations
        ]

    def write(
        self, path: Path, name: str, motion: Motion, spans: Sequence[tuple[int, int]], out: Path
    ) -> None:
        """Write a file again with some frames of one animation from a motion."""
        file = self._working_folder() / "repaired.npz"
        save_motion(motion, file)
        ranges = tuple((start, end) for start, end in spans)
        order = WriteAnimation(str(path.absolute()), name, str(file), ranges, str(out.absolute()))
        self._ask(order)

    def _ask(self, order: Order) -> object:
        if self._process is None:
            log = self._working_folder() / "blender.log"
            self._process = start_blender(self.program, log)
        self._process.send(order)
        while (answer := self._process.poll(_POLL_SECONDS)) is None:
            pass
        if isinstance(answer, Failed):
            raise PlacidError(answer.code, answer.message)
        return answer

    def _working_folder(self) -> Path:
        if self._folder is None:
            self._folder = Path(
                self._open.enter_context(
                    tempfile.TemporaryDirectory(prefix="placid-", ignore_cleanup_errors=True)
                )
            )
        return self._folder


def open_file(path: Path, blender: Blender, mapping: Mapping | None = None) -> AnimationFile:
    """A file of one of `KINDS`. Raises PlacidError for another kind, and one that is not there."""
    if not path.is_file():
        raise PlacidError("bad_file", f"{path} does not exist or is no file; check the path")
    kind = path.suffix.lower()
    if kind == ".npz":
        return NpzFile(path)
    if kind == ".bvh":
        return BvhFile(path, mapping)
    if kind in BLENDER_FILES:
        return BlenderFile(path, blender)
    raise PlacidError(
        "bad_file", f"{path} is no animation that can be read; give one of {', '.join(KINDS)}"
    )
