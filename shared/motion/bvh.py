"""BVH files: the animation format that every 3D program reads. Y up, metres, degrees."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np

from ..decoding.errors import DecodeError, FileKind
from ..decoding.limits import MAX_BVH_BYTES, MAX_MOTION_FRAMES
from ..decoding.text import read_text
from ..files import written_whole
from .kinematics import Pose, forward_kinematics, solve
from .motion import MAX_FPS, Motion, MotionError, UpAxis
from .rotations import from_axis_angle, multiply, to_matrix
from .skeleton import JOINT_COUNT, JOINT_NAMES, PARENTS

# Where the chains end, from their last joint, in metres.
_END_SITES: Final = {
    "head": (0.0, 0.18, 0.0),
    "left_foot": (0.0, 0.0, 0.07),
    "right_foot": (0.0, 0.0, 0.07),
    "left_wrist": (0.16, 0.0, 0.0),
    "right_wrist": (-0.16, 0.0, 0.0),
}
POSITIONS: Final = ("Xposition", "Yposition", "Zposition")
ROTATIONS: Final = ("Zrotation", "Yrotation", "Xrotation")
AXES: Final = {"X": np.eye(3)[0], "Y": np.eye(3)[1], "Z": np.eye(3)[2]}


def save_bvh(motion: Motion, path: Path) -> None:
    """Write a motion as BVH; its rest pose is the T-pose. The file appears whole or not at all."""
    text = format_bvh(solve(motion), motion.fps)
    with written_whole(path) as file:
        file.write(text.encode("ascii"))


def format_bvh(pose: Pose, fps: float) -> str:
    """A pose clip as the text of a BVH file."""
    order: list[int] = []
    lines = ["HIERARCHY", *_hierarchy(0, pose.offsets, order, "")]
    angles = np.degrees(euler_angles(pose.rotations, "ZYX"))[:, order]
    rows = np.concatenate([pose.root, angles.reshape(len(pose), -1)], axis=-1)
    lines += ["MOTION", f"Frames: {len(pose)}", f"Frame Time: {1.0 / fps:.8f}"]
    lines += [" ".join(f"{value:.6f}" for value in row) for row in rows]
    return "\n".join(lines) + "\n"


def _hierarchy(joint: int, offsets: np.ndarray, order: list[int], indent: str) -> Iterator[str]:
    """Lines of a joint and what hangs on it; `order` collects the joints as they come."""
    order.append(joint)
    name = JOINT_NAMES[joint]
    channels = (*POSITIONS, *ROTATIONS) if joint == 0 else ROTATIONS
    yield f"{indent}{'ROOT' if joint == 0 else 'JOINT'} {name}"
    yield indent + "{"
    yield f"{indent}  OFFSET {_numbers(offsets[joint])}"
    yield f"{indent}  CHANNELS {len(channels)} {' '.join(channels)}"
    for child in range(JOINT_COUNT):
        if PARENTS[child] == joint:
            yield from _hierarchy(child, offsets, order, indent + "  ")
    if name in _END_SITES:
        yield indent + "  End Site"
        yield indent + "  {"
        yield f"{indent}    OFFSET {_numbers(_END_SITES[name])}"
        yield indent + "  }"
    yield indent + "}"


def _numbers(values: np.ndarray | tuple[float, ...]) -> str:
    return " ".join(f"{value:.6f}" for value in values)


def euler_angles(rotations: np.ndarray, order: str, before: np.ndarray | None = None) -> np.ndarray:
    """Angles (T, ..., 3) in radians, without jumps in time, of rotations (T, ..., 4).

    Args:
        order: three different axes; the first turns about itself, the next about the turned second
            axis, and so on, as the channels of BVH do.
        before: angles (..., 3) that the first ones are to be near to.
    """
    i, j, k = ("XYZ".index(axis) for axis in order)
    sign = 1.0 if (j - i) % 3 == 1 else -1.0
    m = to_matrix(rotations)
    middle = np.arcsin(np.clip(sign * m[..., i, k], -1.0, 1.0))
    outer = np.arctan2(-sign * m[..., j, k], m[..., k, k])
    inner = np.arctan2(-sign * m[..., i, j], m[..., i, i])
    first = np.stack([outer, middle, inner], axis=-1)
    # The same rotation the other way round; whichever is nearer to the frame before.
    second = np.stack([outer + np.pi, np.pi - middle, inner + np.pi], axis=-1)
    angles = first.copy()
    for t in range(0 if before is not None else 1, len(angles)):
        last = angles[t - 1] if t or before is None else before
        nearest = [
            c + 2 * np.pi * np.round((last - c) / (2 * np.pi)) for c in (first[t], second[t])
        ]
        far = [np.abs(c - last).sum(-1, keepdims=True) for c in nearest]
        angles[t] = np.where(far[0] <= far[1], *nearest)
    return angles


@dataclass
class Node:
    """A joint of a file's hierarchy.

    Attributes:
        name: of the joint.
        parent: index of the joint above it, -1 for none.
        offset: (3,), where it rests from its parent, in the file's unit.
        channels: what its columns are, in their order.
        end: (3,), where its bone ends, for the last of a chain.
    """

    name: str
    parent: int
    offset: np.ndarray = field(default_factory=lambda: np.zeros(3))
    channels: list[str] = field(default_factory=list)
    end: np.ndarray | None = None


_FILE: Final = FileKind(
    "a BVH file of Placid's skeleton", "export it again with `backend generate`", MotionError
)
# Other programs' skeletons have a few hundred joints at most.
_MAX_JOINTS: Final = 1000


def load_bvh(path: Path) -> Motion:
    """Read a BVH file of the SMPL-22 skeleton, such as `save_bvh` writes, into a motion, Y up.

    Blender's exporter writes such files with Z up; the rest pose tells.

    Raises:
        MotionError: the file is missing, damaged, or of another skeleton.
    """
    with _FILE.reading(path):
        tokens = iter(read_text(path, MAX_BVH_BYTES).split())
        nodes = read_hierarchy(tokens)
        frames, seconds = read_motion_head(tokens)
        names = [node.name for node in nodes]
        missing = sorted(set(JOINT_NAMES) - set(names))
        if missing or len(names) != JOINT_COUNT:
            which = f"no {missing[0]}" if missing else f"{len(names)} joints"
            raise MotionError(f"{path} has another skeleton than Placid's ({which})")
        values = np.array(list(tokens), dtype=np.float64)
        columns = sum(len(node.channels) for node in nodes)
        if values.size != frames * columns:
            raise DecodeError(
                f"promises {frames} frames of {columns} numbers and has {values.size} numbers"
            )
        pose = _pose_of(nodes, values.reshape(frames, columns))
        joints = forward_kinematics(pose).astype(np.float32)
        up = _up_axis(pose.offsets)
        return Motion(joints, up, fps=round(1.0 / seconds, 4)).with_up("Y")


def _up_axis(offsets: np.ndarray) -> UpAxis:
    """Y, unless the head rests above the pelvis along Z; the format itself has no say."""
    way, joint = np.zeros(3), JOINT_NAMES.index("head")
    while joint > 0:
        way, joint = way + offsets[joint], PARENTS[joint]
    return "Z" if way[2] > abs(way[1]) else "Y"


def read_hierarchy(tokens: Iterator[str]) -> list[Node]:
    """The joints of the file, parents before children, up to the word MOTION."""
    nodes: list[Node] = []
    open_joints: list[int] = []
    for token in tokens:
        if token == "MOTION":
            return nodes
        if token in ("ROOT", "JOINT"):
            nodes.append(Node(next(tokens), open_joints[-1] if open_joints else -1))
            if len(nodes) > _MAX_JOINTS:
                raise DecodeError(f"has more than {_MAX_JOINTS} joints")
            open_joints.append(len(nodes) - 1)
        elif token == "End":
            # "Site { OFFSET x y z }" ends a chain and moves nothing.
            _, _, _, *way, _ = (next(tokens) for _ in range(7))
            nodes[open_joints[-1]].end = np.array([float(number) for number in way])
        elif token == "OFFSET":
            nodes[open_joints[-1]].offset = np.array([float(next(tokens)) for _ in range(3)])
        elif token == "CHANNELS":
            count = int(next(tokens))
            if not 0 <= count <= len(POSITIONS) + len(ROTATIONS):
                raise DecodeError(f"has a joint of {count} channels; six are the most")
            nodes[open_joints[-1]].channels = [next(tokens) for _ in range(count)]
        elif token == "}":
            open_joints.pop()
    raise DecodeError("has no MOTION part")


def read_motion_head(tokens: Iterator[str]) -> tuple[int, float]:
    """Frames, and seconds of each."""
    if next(tokens, "") != "Frames:":
        raise DecodeError("does not say how many frames it has")
    frames = int(next(tokens))
    if not 1 <= frames <= MAX_MOTION_FRAMES:
        raise DecodeError(f"promises {frames} frames; 1 to {MAX_MOTION_FRAMES} can be read")
    if (next(tokens, ""), next(tokens, "")) != ("Frame", "Time:"):
        raise DecodeError("does not say how long a frame takes")
    seconds = float(next(tokens))
    # Written so that what is not a number fails as well.
    if not 1.0 / MAX_FPS <= seconds <= 1000.0:
        raise DecodeError(f"gives a frame {seconds:g} seconds; {1.0 / MAX_FPS:g} to 1000 can be")
    return frames, seconds


def _pose_of(nodes: list[Node], table: np.ndarray) -> Pose:
    rotations = np.tile([1.0, 0.0, 0.0, 0.0], (len(table), JOINT_COUNT, 1))
    offsets = np.zeros((JOINT_COUNT, 3))
    root = np.zeros((len(table), 3))
    column = 0
    for node in nodes:
        joint = JOINT_NAMES.index(node.name)
        if node.parent >= 0:
            offsets[joint] = node.offset
        for channel in node.channels:
            if channel in POSITIONS and joint == 0:
                root[:, "XYZ".index(channel[0])] = table[:, column]
            elif channel in ROTATIONS:
                turn = from_axis_angle(AXES[channel[0]], np.radians(table[:, column]))
                rotations[:, joint] = multiply(rotations[:, joint], turn)
            column += 1
    return Pose(rotations, root, offsets)
