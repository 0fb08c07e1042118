"""What a front end says to the process that films motions in Blender without a window.

One JSON value a line, over the process's standard input and output; lines of the output that do
not begin with `PREFIX` are Blender's own talk. The process ends when its input is closed.
"""

from typing import Annotated, Final, Literal, get_args

import msgspec

Engine = Literal["workbench", "eevee", "cycles"]
FilmFormat = Literal["mp4", "png"]
Side = Annotated[int, msgspec.Meta(ge=16, le=8192, multiple_of=2)]

ENGINES: Final[tuple[str, ...]] = get_args(Engine)
FORMATS: Final[tuple[str, ...]] = get_args(FilmFormat)
PREFIX: Final = b"@placid "
# Endings of the files with animations that Blender opens or imports.
BLENDER_FILES: Final = (".blend", ".fbx", ".glb")


class RenderSettings(msgspec.Struct, frozen=True):
    """How films look.

    Attributes:
        engine: Workbench is the fastest, Cycles the most beautiful.
        format: one MP4, or a folder of PNGs.
        width, height: of the picture, in pixels; even, as the H.264 codec wants it.
        fps: frames a second.
        samples: a pixel, for EEVEE and Cycles.
    """

    engine: Engine = "workbench"
    format: FilmFormat = "mp4"
    width: Side = 640
    height: Side = 360
    fps: Annotated[int, msgspec.Meta(ge=1, le=240)] = 24
    samples: Annotated[int, msgspec.Meta(ge=1, le=4096)] = 16


class Film(msgspec.Struct, frozen=True, tag="film"):
    """Film one motion.

    Attributes:
        motion: path of a motion's file; empty for what the rig's armature plays already.
        rig: who plays it, as in a batch's table; files are absolute.
        camera: one of a batch's cameras.
        out: path of the MP4, or of the folder for the PNGs; must not exist yet.
    """

    motion: str
    rig: str
    camera: str
    look: RenderSettings
    out: str


class Sheet(msgspec.Struct, frozen=True, tag="sheet"):
    """Moments of motions on one PNG; attributes as of `Film`."""

    motions: tuple[str, ...]
    rig: str
    camera: str
    look: RenderSettings
    out: str


class ReadAnimations(msgspec.Struct, frozen=True, tag="read"):
    """Read what people do in a file; the answer is `Animations`.

    Attributes:
        file: path of one of `BLENDER_FILES`.
        out: folder for the motions.
    """

    file: str
    out: str


class WriteAnimation(msgspec.Struct, frozen=True, tag="write"):
    """Write a file again with some frames of one of its animations from a motion.

    Attributes:
        file: as of `ReadAnimations`.
        name: of the animation, as `Animations` has it.
        motion: path of a motion's file, which has all frames of the animation.
        frames: ranges [start, end) that are new.
        out: path of the new file, which must not exist yet.
    """

    file: str
    name: str
    motion: str
    frames: tuple[tuple[int, int], ...]
    out: str


class Ready(msgspec.Struct, frozen=True, tag="ready"):
    """The process has loaded; it names its Blender."""

    blender: str


class Drawn(msgspec.Struct, frozen=True, tag="drawn"):
    """The order goes on; so much of it is done, 0 to 1."""

    fraction: float


class Filmed(msgspec.Struct, frozen=True, tag="filmed"):
    """The last order is carried out; `report` says how well the rig follows."""

    report: str


class FoundAnimation(msgspec.Struct, frozen=True):
    """What one character does.

    Attributes:
        name: of character and action.
        motion: path of the motion's file.
        first: its first frame in the file.
    """

    name: str
    motion: str
    first: int


class Animations(msgspec.Struct, frozen=True, tag="animations"):
    """The animations of a file.

    Attributes:
        animations: what could be read.
        problems: a sentence for each that could not.
    """

    animations: tuple[FoundAnimation, ...]
    problems: tuple[str, ...] = ()


class Failed(msgspec.Struct, frozen=True, tag="failed"):
    """The last order failed; the process waits for the next one."""

    code: str
    message: str


Order = Film | Sheet | ReadAnimations | WriteAnimation
Answer = Ready | Drawn | Filmed | Animations | Failed


def split_rig(rig: str) -> tuple[str, str]:
    """The file of a rig such as `hero.blend#Armature`, and the armature in it; "" for the first.

    Both may have a # in their names, so the end of the file's name is what parts them.
    """
    end = rig.lower().find(".blend#")
    if end < 0:
        return rig, ""
    return rig[: end + len(".blend")], rig[end + len(".blend#") :]


def encode_answer(answer: Answer) -> bytes:
    """The line for an answer."""
    return PREFIX + msgspec.json.encode(answer) + b"\n"


def decode_answer(line: bytes) -> Answer | None:
    """The answer in a line of output; None for Blender's own talk."""
    if not line.startswith(PREFIX):
        return None
    return msgspec.json.decode(line[len(PREFIX) :], type=Answer)


def encode_order(order: Order) -> bytes:
    """The line for an order."""
    return msgspec.json.encode(order) + b"\n"


def decode_order(line: bytes) -> Order:
    """The order in a line of input."""
    return msgspec.json.decode(line, type=Order)
