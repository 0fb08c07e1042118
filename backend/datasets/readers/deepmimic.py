"""DeepMimic's humanoid3d text clips (zlib licence), posed by forward kinematics.

Each frame holds a duration, the root position and rotation, then joint rotations in the order of
`_JOINTS` (Peng et al. 2018, "DeepMimic", motion file format). Y is up and the body faces +X.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
from scipy.interpolate import CubicSpline
from scipy.spatial.transform import Rotation

from backend.datasets import geometry
from backend.datasets.actions import Action
from backend.datasets.sources import Clip, Segment, Split, register_source
from backend.motion.lengths import FPS
from shared.motion.skeleton import JOINT, JOINT_COUNT

# Name, parent and whether the joint is a hinge about Z (one angle) or a ball (quaternion wxyz).
_JOINTS: Final = (
    ("chest", "root", False),
    ("neck", "chest", False),
    ("right_hip", "root", False),
    ("right_knee", "right_hip", True),
    ("right_ankle", "right_knee", False),
    ("right_shoulder", "chest", False),
    ("right_elbow", "right_shoulder", True),
    ("left_hip", "root", False),
    ("left_knee", "left_hip", True),
    ("left_ankle", "left_knee", False),
    ("left_shoulder", "chest", False),
    ("left_elbow", "left_shoulder", True),
)

# Metres from the parent joint, facing +X, so that right is +Z (DeepMimic's humanoid3d character).
_OFFSET: Final = {
    "chest": (0.0, 0.236151, 0.0),
    "neck": (0.0, 0.223894, 0.0),
    "right_hip": (0.0, 0.0, 0.084887),
    "right_knee": (0.0, -0.421546, 0.0),
    "right_ankle": (0.0, -0.409870, 0.0),
    "right_shoulder": (-0.02405, 0.24350, 0.18311),
    "right_elbow": (0.0, -0.274788, 0.0),
}

# SMPL joints the character lacks: the rotating part they sit on and their place on it. The hips
# hang 8 cm below the pelvis and the toes reach to the end of the foot's box, as in SMPL.
_EXTRA: Final = {
    "spine1": ("root", (0.0, 0.12, 0.0)),
    "spine2": ("chest", (0.0, 0.0, 0.0)),
    "spine3": ("chest", (0.0, 0.06, 0.0)),
    "neck": ("chest", (0.0, 0.26, 0.0)),
    "head": ("neck", (0.02, 0.14, 0.0)),
    "right_collar": ("chest", (-0.01, 0.20, 0.07)),
    "right_wrist": ("right_elbow", (0.0, -0.258947, 0.0)),
    "right_foot": ("right_ankle", (0.13, -0.05, 0.0)),
}

_ACTION: Final = {
    "backflip": Action("flip", variant="backflip"),
    "cartwheel": Action("cartwheel"),
    "crawl": Action("crawl"),
    "dance_a": Action("dance"),
    "dance_b": Action("dance"),
    "getup_facedown": Action("get_up", variant="facedown"),
    "getup_faceup": Action("get_up", variant="faceup"),
    "jump": Action("jump"),
    "kick": Action("kick"),
    "punch": Action("punch"),
    "roll": Action("roll"),
    "run": Action("run"),
    "spin": Action("spin", variant="aerial"),
    "spinkick": Action("kick", variant="spin"),
    "walk": Action("walk_forward"),
}
# One cycle of these is under two seconds and goes straight on, so cycles are put end to end.
_REPEATED: Final = {"walk": 4, "run": 6}
# Every class is one clip here; held out are those of which other sources have plenty.
_HELD_OUT: Final[dict[str, Split]] = {
    "walk": "test",
    "jump": "test",
    "run": "val",
    "dance_b": "val",
}


@register_source("deepmimic", "zlib (DeepMimic, as shipped with PyBullet)", "A")
def read_deepmimic(root: Path) -> Iterator[Clip]:
    """Read `deepmimic/humanoid3d_*.txt` below `root`."""
    for name, base in _ACTION.items():
        path = root / "deepmimic" / f"humanoid3d_{name}.txt"
        content: dict[str, Any] = msgspec.json.decode(path.read_bytes())
        frames = np.asarray(content["Frames"], dtype=np.float64)
        joints = pose(repeat(frames, _REPEATED.get(name, 1)))
        segments = tuple(_segments(joints, base))
        split = _HELD_OUT.get(name, "train")
        yield Clip(f"deepmimic_{name}", "deepmimic", joints, segments, split)


def _segments(joints: np.ndarray, action: Action) -> Iterator[Segment]:
    if action.kind in ("kick", "punch"):
        events = geometry.strikes(joints, action.kind)
        yield from geometry.strike_segments(len(joints), events, action)
        return
    action = geometry.with_speed(action, joints)
    yield Segment(0, len(joints), action, core=geometry.core(joints, action))


def repeat(frames: np.ndarray, times: int) -> np.ndarray:
    """Put a cyclic clip (F, 44) end to end; its last frame is the first of the next cycle."""
    step = frames[-1, 1:4] - frames[0, 1:4]
    step[1] = 0
    cycles = [frames[:-1].copy() for _ in range(times - 1)] + [frames]
    for number, cycle in enumerate(cycles):
        cycle[:, 1:4] += number * step
    return np.concatenate(cycles)


def pose(frames: np.ndarray) -> np.ndarray:
    """Frames (F, 44) as SMPL-22 joints float32 (T, 22, 3) at 20 fps.

    Raises:
        ValueError: when the frames have another width than humanoid3d's 44 numbers.
    """
    if frames.ndim != 2 or frames.shape[1] != 44:
        raise ValueError(f"humanoid3d frames hold 44 numbers, not {frames.shape[1:]}")
    rotation, position = _forward(frames)
    joints = np.empty((len(frames), JOINT_COUNT, 3))
    for name, index in JOINT.items():
        if name.endswith(("_hip", "_knee", "_ankle", "_shoulder", "_elbow")):
            joints[:, index] = position[name]
    joints[:, JOINT["pelvis"]] = position["root"] + rotation["root"].apply([0.0, 0.08, 0.0])
    for name, (part, offset) in _mirrored(_EXTRA).items():
        joints[:, JOINT[name]] = position[part] + rotation[part].apply(offset)
    return _resample(joints, frames[:, 0])


def _forward(frames: np.ndarray) -> tuple[dict[str, Rotation], dict[str, np.ndarray]]:
    rotation = {"root": Rotation.from_quat(frames[:, 4:8], scalar_first=True)}
    position = {"root": frames[:, 1:4]}
    offsets = {name: offset for name, (_, offset) in _mirrored(_as_parts(_OFFSET)).items()}
    column = 8
    for name, parent, hinge in _JOINTS:
        width = 1 if hinge else 4
        values = frames[:, column : column + width]
        column += width
        local = (
            Rotation.from_rotvec(values * [[0.0, 0.0, 1.0]])
            if hinge
            else Rotation.from_quat(values, scalar_first=True)
        )
        rotation[name] = rotation[parent] * local
        position[name] = position[parent] + rotation[parent].apply(offsets[name])
    return rotation, position


_Placed = dict[str, tuple[str, tuple[float, float, float]]]


def _as_parts(offsets: dict[str, tuple[float, float, float]]) -> _Placed:
    return {name: (name, offset) for name, offset in offsets.items()}


def _mirrored(right: _Placed) -> _Placed:
    """Add the left counterpart of everything on the right."""
    left = {
        name.replace("right", "left"): (part.replace("right", "left"), (x, y, -z))
        for name, (part, (x, y, z)) in right.items()
        if name.startswith("right")
    }
    return {**right, **left}


def _resample(joints: np.ndarray, durations: np.ndarray) -> np.ndarray:
    times = np.concatenate([[0.0], np.cumsum(durations[:-1])])
    kept = np.concatenate([[True], np.diff(times) > 1e-6])
    grid = np.arange(0.0, times[-1] + 1e-9, 1.0 / FPS)
    return CubicSpline(times[kept], joints[kept])(grid).astype(np.float32)
