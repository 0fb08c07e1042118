"""The `Motion` value that travels from the generator to the armature, and its file format."""

from dataclasses import dataclass, field, replace
from io import BytesIO
from pathlib import Path
from typing import IO, Any, Final, Literal

import msgspec
import numpy as np

from ..decoding.arrays import read_npz
from ..decoding.errors import FileKind
from ..decoding.limits import MAX_MOTION_BYTES, MAX_SETTINGS_BYTES
from ..decoding.text import decode_json
from ..errors import PlacidError
from ..files import written_whole
from .audit import Audit
from .safety import ProvenanceError, check_provenance
from .skeleton import JOINT_COUNT, PARENTS

# Version 2 has the audit.
FORMAT_VERSION: Final = 2
# Joints farther away than the earth's circumference, and frames faster than any camera, are damage.
MAX_METRES: Final = 4e7
MAX_FPS: Final = 10_000.0
# No bone of a body is shorter (metres).
_SHORTEST_BONE: Final = 1e-6
UpAxis = Literal["Y", "Z"]


class MotionError(PlacidError):
    """A motion that cannot be used; the message names the value and the remedy."""

    def __init__(self, message: str) -> None:
        super().__init__("bad_motion", message)


@dataclass(frozen=True)
class Motion:
    """A clip of the SMPL-22 skeleton.

    Attributes:
        joints: float32 (T, 22, 3), metres, floor at 0. With up axis Y the body faces +Z in the
            first frame (HumanML3D's convention), with Z it faces -Y (Blender's).
        up: which axis points up.
        fps: frames per second.
        contacts: bool (T, 4), which of left ankle, left foot, right ankle, right foot stands on
            the floor; None when unknown.
        prompt: the text it was made from.
        seed: the seed it was made with; None for captured motion.
        provenance: what made it (checkpoint hash, edit, version, ...); plain JSON values.
        audit: what the kinematic checks found in it; None when nobody looked.
    """

    joints: np.ndarray
    up: UpAxis = "Y"
    fps: float = 20.0
    contacts: np.ndarray | None = None
    prompt: str = ""
    seed: int | None = None
    provenance: dict[str, Any] = field(default_factory=dict)
    audit: Audit | None = None

    def __post_init__(self) -> None:
        shape = self.joints.shape
        if len(shape) != 3 or shape[1:] != (JOINT_COUNT, 3) or shape[0] == 0:
            raise MotionError(
                f"a motion needs joints of shape (frames, {JOINT_COUNT}, 3), not {shape}"
            )
        if self.joints.dtype.kind not in "iuf":
            raise MotionError(f"a motion needs joints that are numbers, not {self.joints.dtype}")
        # Written so that a joint that is not a number fails as well.
        is_far = ~(np.abs(self.joints) < MAX_METRES)
        if is_far.any():
            frame = int(np.argwhere(is_far)[0][0])
            value = self.joints[is_far].flat[0]
            raise MotionError(
                f"the motion has a joint at {value:g} m in frame {frame}; a body does not get there"
            )
        if self.joints.dtype != np.float32:
            object.__setattr__(self, "joints", self.joints.astype(np.float32))
        if self.contacts is not None and self.contacts.shape != (shape[0], 4):
            raise MotionError(f"contacts must be ({shape[0]}, 4), not {self.contacts.shape}")
        if self.up not in ("Y", "Z"):
            raise MotionError(f"up axis must be Y or Z, not {self.up!r}")
        if not 0 < self.fps <= MAX_FPS:
            raise MotionError(
                f"a motion needs more than 0 and at most {MAX_FPS:g} frames a second, "
                f"not {self.fps:g}"
            )

    def __len__(self) -> int:
        return self.joints.shape[0]

    @property
    def seconds(self) -> float:
        """Length in seconds."""
        return len(self) / self.fps

    def with_up(self, up: UpAxis) -> "Motion":
        """The same motion with the given up axis (a rotation, never a reflection)."""
        if up == self.up:
            return self
        x, y, z = np.moveaxis(self.joints, -1, 0)
        turned = np.stack([x, -z, y] if up == "Z" else [x, z, -y], axis=-1)
        return replace(self, joints=np.ascontiguousarray(turned), up=up)


class _Header(msgspec.Struct, forbid_unknown_fields=True):
    version: int
    up: UpAxis
    fps: float
    prompt: str
    seed: int | None
    provenance: dict[str, Any]
    audit: Audit | None = None


class _Version(msgspec.Struct):
    version: int


_FILE: Final = FileKind("a Placid motion", "export it again with `backend generate`", MotionError)


def save_motion(motion: Motion, path: Path) -> None:
    """Write a motion as npz (joints, contacts, JSON header), whole or not at all.

    Raises PlacidError `not_writable`.
    """
    with written_whole(path) as file:
        _write(motion, file)


def encode_motion(motion: Motion) -> bytes:
    """The bytes of the file that `save_motion` writes."""
    buffer = BytesIO()
    _write(motion, buffer)
    return buffer.getvalue()


def load_motion(path: Path) -> Motion:
    """Read a motion written by `save_motion`. Raises MotionError for anything else."""
    return _read(path, str(path))


def decode_motion(data: bytes) -> Motion:
    """The reverse of `encode_motion`. Raises MotionError for anything else."""
    return _read(data, "the stored motion")


def _write(motion: Motion, file: IO[bytes]) -> None:
    header = _Header(
        FORMAT_VERSION,
        motion.up,
        motion.fps,
        motion.prompt,
        motion.seed,
        motion.provenance,
        motion.audit,
    )
    arrays = {
        "header": np.frombuffer(msgspec.json.encode(header), dtype=np.uint8),
        "joints": motion.joints,
    }
    if motion.contacts is not None:
        arrays["contacts"] = motion.contacts.astype(bool)
    np.savez_compressed(file, **arrays)  # type: ignore[arg-type]


def _read(source: Path | bytes, name: str) -> Motion:
    with _FILE.reading(name):
        arrays = read_npz(source, ("header",), most=MAX_SETTINGS_BYTES, kinds="u")
        text = arrays["header"].tobytes()
        version = decode_json(text, _Version).version
        if version > FORMAT_VERSION:
            raise MotionError(
                f"{name} has format version {version}; this Placid reads up to version "
                f"{FORMAT_VERSION}: update Placid"
            )
        header = decode_json(text, _Header)
        arrays = read_npz(source, ("joints",), ("contacts",), MAX_MOTION_BYTES)
        motion = Motion(
            arrays["joints"],
            header.up,
            header.fps,
            arrays.get("contacts"),
            header.prompt,
            header.seed,
            header.provenance,
            header.audit,
        )
        _check_body(motion, name)
        try:
            check_provenance(motion.provenance, len(motion))
        except ProvenanceError as error:
            raise MotionError(ProvenanceError(error.problem, name).message) from None
        return motion


def _check_body(motion: Motion, name: str) -> None:
    """Raise MotionError for joints that are no body: no direction of a bone can be told."""
    joints = motion.joints
    bones = np.linalg.norm(joints[:, 1:] - joints[:, PARENTS[1:]], axis=-1)
    if bones.min() < _SHORTEST_BONE:
        frame = int(np.argwhere(bones < _SHORTEST_BONE)[0][0])
        raise MotionError(
            f"{name} has no body in frame {frame}, where joints lie on one another; export the "
            "motion again"
        )
