"""Messages as frames on the wire: a msgpack envelope, then one raw little-endian array a frame.

The envelope is an array whose first entry is the protocol version, in every version, so that a
peer of another version is recognised before anything else of it is read.
"""

from collections.abc import Mapping, Sequence
from typing import Final, Literal

import msgspec
import numpy as np

from ..decoding.errors import UNDECODABLE
from ..errors import PlacidError
from ..motion.motion import Motion
from .messages import PROTOCOL_VERSION, AnyMessage, Clip, Message, Result, Submit
from .requests import MAX_CLIP_FRAMES, Request

DType = Literal["<f4", "|b1"]
Arrays = Mapping[str, np.ndarray]

# All frames of a message to the backend together. The largest request is an edit with its motion,
# 264 bytes a frame; see MAX_CLIP_FRAMES.
MAX_REQUEST_BYTES: Final = 1024 * 1024


class _ArrayHeader(msgspec.Struct, array_like=True):
    name: str
    dtype: DType
    shape: tuple[int, ...]


class _Version(msgspec.Struct, array_like=True):
    version: int


class _Envelope(msgspec.Struct, array_like=True):
    version: int
    message: msgspec.Raw
    arrays: tuple[_ArrayHeader, ...] = ()


class _Tag(msgspec.Struct):
    type: str


class _Beginning(msgspec.Struct):
    type: Literal["submit", "unload"]
    job: int


_encoder = msgspec.msgpack.Encoder()
_version_decoder = msgspec.msgpack.Decoder(_Version)
_envelope_decoder = msgspec.msgpack.Decoder(_Envelope)
_message_decoder: msgspec.msgpack.Decoder[AnyMessage] = msgspec.msgpack.Decoder(AnyMessage)
_tag_decoder = msgspec.msgpack.Decoder(_Tag)
_beginning_decoder = msgspec.msgpack.Decoder(_Beginning)
_TAGS: Final = frozenset(str(kind.__struct_config__.tag) for kind in Message.__subclasses__())


def pack(message: Message, arrays: Arrays | None = None) -> list[bytes]:
    """Frames for a message and its arrays (float32 or bool, any shape)."""
    headers: list[_ArrayHeader] = []
    payload: list[bytes] = []
    for name, array in (arrays or {}).items():
        dtype: DType = "|b1" if array.dtype == np.bool_ else "<f4"
        headers.append(_ArrayHeader(name, dtype, array.shape))
        payload.append(np.ascontiguousarray(array, dtype=dtype).tobytes())
    body = msgspec.Raw(_encoder.encode(message))
    return [_encoder.encode(_Envelope(PROTOCOL_VERSION, body, tuple(headers))), *payload]


def unpack(frames: Sequence[bytes]) -> tuple[AnyMessage, dict[str, np.ndarray]]:
    """The message and arrays in these frames; the arrays are read-only views of them.

    Raises:
        PlacidError: `version_mismatch`, `unknown_message`, or `bad_message` for all else that is
            not a message of ours.
    """
    if not frames:
        raise _bad("it is empty")
    version = _decode_version(frames[0])
    if version != PROTOCOL_VERSION:
        raise PlacidError(
            "version_mismatch",
            f"the other side speaks protocol version {version} and this one "
            f"{PROTOCOL_VERSION}; install the same Placid version on both",
        )
    try:
        envelope = _envelope_decoder.decode(frames[0])
        tag = _tag_decoder.decode(envelope.message).type
        if tag not in _TAGS:
            raise PlacidError(
                "unknown_message",
                f"there is no message {tag[:40]!r}; install the same Placid version on both sides",
            )
        message = _message_decoder.decode(envelope.message)
    except UNDECODABLE as error:
        raise _bad(str(error)) from None
    return message, _read_arrays(envelope.arrays, frames[1:])


def pack_result(job: int, take: int, takes: int, motion: Motion) -> list[bytes]:
    """Frames for one finished take."""
    return pack(Result(job, take, takes, _clip(motion)), _arrays(motion))


def pack_submit(job: int, request: Request, motion: Motion | None = None) -> list[bytes]:
    """Frames for a request, and for the motion that an EditMotion is about.

    Raises:
        PlacidError: `too_large` for what no backend would take.
    """
    if motion is None:
        frames = pack(Submit(job, request))
    else:
        frames = pack(Submit(job, request, _clip(motion)), _arrays(motion))
    if (size := sum(map(len, frames))) > MAX_REQUEST_BYTES:
        raise too_large(size)
    return frames


def too_large(size: int) -> PlacidError:
    """What is said of a request of so many bytes."""
    return PlacidError(
        "too_large",
        f"the request takes {size / 2**20:.1f} MB, and a backend reads at most "
        f"{MAX_REQUEST_BYTES / 2**20:g} MB; send shorter texts, or a motion of at most "
        f"{MAX_CLIP_FRAMES} frames",
    )


def job_begun_by(frame: bytes) -> int | None:
    """The number of the job that a message would begin, read from its first frame alone.

    A message that is refused is answered under the number that its sender waits for.
    """
    try:
        return _beginning_decoder.decode(_envelope_decoder.decode(frame).message).job
    except UNDECODABLE:
        return None


def motion_of(clip: Clip, arrays: Arrays) -> Motion:
    """The motion of a Result or a Submit.

    Raises:
        PlacidError: `bad_message` without joints, `bad_motion` for joints that are no motion.
    """
    if "joints" not in arrays:
        raise _bad("a motion without joints")
    return Motion(
        arrays["joints"],
        clip.up,
        clip.fps,
        arrays.get("contacts"),
        clip.prompt,
        clip.seed,
        clip.provenance,
        clip.audit,
    )


def _clip(motion: Motion) -> Clip:
    return Clip(motion.up, motion.fps, motion.prompt, motion.seed, motion.provenance, motion.audit)


def _arrays(motion: Motion) -> dict[str, np.ndarray]:
    arrays = {"joints": motion.joints}
    if motion.contacts is not None:
        arrays["contacts"] = motion.contacts.astype(bool)
    return arrays


def _decode_version(frame: bytes) -> int:
    try:
        return _version_decoder.decode(frame).version
    except UNDECODABLE as error:
        raise _bad(str(error)) from None


def _read_arrays(headers: Sequence[_ArrayHeader], frames: Sequence[bytes]) -> dict[str, np.ndarray]:
    if len(headers) != len(frames):
        raise _bad(f"{len(headers)} arrays are announced and {len(frames)} came")
    arrays = {}
    for header, frame in zip(headers, frames, strict=True):
        try:
            arrays[header.name] = np.frombuffer(frame, header.dtype).reshape(header.shape)
        except (ValueError, OverflowError) as error:
            raise _bad(f"array {header.name[:40]!r}: {error}") from None
    return arrays


def _bad(why: str) -> PlacidError:
    return PlacidError(
        "bad_message",
        f"a message could not be read ({why}); install the same Placid version on both sides",
    )
