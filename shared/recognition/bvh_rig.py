"""BVH files of any humanoid skeleton, read as motions of ours.

The file is kept as text, so that what nobody changes stays byte for byte, whatever wrote it.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np

from ..decoding.errors import DecodeError, FileKind
from ..decoding.limits import MAX_BVH_BYTES
from ..decoding.text import read_bytes
from ..files import write_whole
from ..motion.bvh import AXES, POSITIONS, Node, read_hierarchy, read_motion_head
from ..motion.motion import Motion, MotionError
from ..motion.rotations import IDENTITY, from_axis_angle, multiply, rotate
from ..motion.skeleton import BONE_LENGTHS, JOINT
from .detect import detect
from .joints import joints_at
from .mapping import Mapping
from .skeleton_rig import Rig, RigError

_FILE: Final = FileKind("a BVH file", "export it again", MotionError)
_LEG: Final = float(BONE_LENGTHS[JOINT["left_knee"]] + BONE_LENGTHS[JOINT["left_ankle"]])
_SIDES: Final = ("left", "right")
# Our axes as rows, in files with Y and with Z up.
_Y_UP: Final = np.eye(3)
_Z_UP: Final = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]])


@dataclass(frozen=True)
class BvhRig:
    """A BVH file, and what its skeleton is for us.

    Attributes:
        path: of the file, for messages.
        head: its text up to the first frame.
        rows: a line of text a frame.
        nodes: its joints, parents before children.
        table: (T, columns), the numbers of the rows.
        fps: frames a second.
        mapping: which of its joints play ours.
        axes: (3, 3), rows are our axes in the file's.
        scale: our metres in one of the file's units.
        floor: height of the floor in our axes and size.
    """

    path: Path
    head: str
    rows: tuple[str, ...]
    nodes: tuple[Node, ...]
    table: np.ndarray
    fps: float
    mapping: Mapping
    axes: np.ndarray
    scale: float = 1.0
    floor: float = 0.0

    @classmethod
    def load(cls, path: Path, mapping: Mapping | None = None) -> "BvhRig":
        """Read a file.

        Args:
            mapping: its joints; recognised by their names, or by the skeleton's shape, if None.

        Raises:
            MotionError: the file is missing or damaged.
            RigError: nothing human is recognised in its skeleton.
        """
        with _FILE.reading(path):
            # Names may be in any encoding; as they came they are written again.
            text = read_bytes(path, MAX_BVH_BYTES).decode("utf-8", "surrogateescape")
            lines = text.splitlines(keepends=True)
            start = next(i for i, line in enumerate(lines) if "Frame Time:" in line) + 1
            tokens = iter("".join(lines[:start]).split())
            nodes = tuple(read_hierarchy(tokens))
            frames, seconds = read_motion_head(tokens)
            rows = tuple(line for line in lines[start:] if line.strip())
            columns = sum(len(node.channels) for node in nodes)
            if len(rows) != frames or any(len(row.split()) != columns for row in rows):
                raise DecodeError(f"does not have {frames} lines of {columns} numbers")
            table = np.array([row.split() for row in rows], dtype=np.float64)
            if not np.isfinite(table).all():
                raise DecodeError("has a number that is not finite")
        chosen = mapping or _recognised(path.stem, nodes)
        missing = set(chosen.all_bones()) - {node.name for node in nodes}
        if missing:
            raise RigError(f"{path} has no joint {min(missing)!r}; choose another mapping")
        head = "".join(lines[:start])
        read = cls(path, head, rows, nodes, table, round(1.0 / seconds, 4), chosen, _Y_UP)
        return read._measured()

    def motion(self) -> Motion:
        """What it shows at our size: Y up, floor at 0, the frames of the file."""
        return Motion(self._joints().astype(np.float32), "Y", self.fps)

    def save(self, path: Path) -> None:
        """Write it, whole or not at all. Raises PlacidError `not_writable`."""
        text = self.head + "".join(self.rows)
        write_whole(path, text.encode("utf-8", "surrogateescape"))

    def index(self, name: str) -> int:
        """Position of a joint of the file."""
        return next(i for i, node in enumerate(self.nodes) if node.name == name)

    def to_file(self, places: np.ndarray) -> np.ndarray:
        """Places (..., 3) of ours in the file's axes and unit."""
        return (places + np.array([0.0, self.floor, 0.0])) / self.scale @ self.axes

    def _measured(self) -> "BvhRig":
        """The same with axes, size and floor known."""
        joints = self._joints()
        shoulders, ankles = (
            joints[:, [JOINT[f"{side}_{part}"] for side in _SIDES]].mean(axis=1)
            for part in ("shoulder", "ankle")
        )
        rise = np.abs(np.median(shoulders - ankles, axis=0))
        legs = [[JOINT[f"{s}_{part}"] for part in ("hip", "knee", "ankle")] for s in _SIDES]
        leg = np.mean([np.linalg.norm(np.diff(joints[0, leg], axis=0), axis=-1) for leg in legs])
        if not leg > 0.0:
            raise MotionError(f"{self.path} has legs of no length; export it again")
        axes = _Z_UP if rise[2] > rise[1] else _Y_UP
        sized = replace(self, axes=axes, scale=_LEG / (2.0 * float(leg)))
        return replace(sized, floor=float(np.median(sized._joints()[..., 1].min(axis=1))))

    def _joints(self) -> np.ndarray:
        turned, places = pose_of(self.nodes, self.table)
        found = {}
        for name in self.mapping.all_bones():
            bone = self.index(name)
            tail = places[:, bone] + rotate(turned[:, bone], _tail(self.nodes, bone))
            found[name, "head"], found[name, "tail"] = self._ours(places[:, bone]), self._ours(tail)
        return joints_at(found, self.mapping)

    def _ours(self, places: np.ndarray) -> np.ndarray:
        return places @ self.axes.T * self.scale - np.array([0.0, self.floor, 0.0])


def pose_of(nodes: tuple[Node, ...], table: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How far joints are turned (T, N, 4) and where they are (T, N, 3) in the file's axes."""
    turned = np.tile(IDENTITY, (len(table), len(nodes), 1))
    places = np.zeros((len(table), len(nodes), 3))
    column = 0
    for number, node in enumerate(nodes):
        place = np.tile(node.offset, (len(table), 1))
        own = np.tile(IDENTITY, (len(table), 1))
        for channel in node.channels:
            if channel in POSITIONS:
                place[:, "XYZ".index(channel[0])] = table[:, column]
            else:
                turn = from_axis_angle(AXES[channel[0]], np.radians(table[:, column]))
                own = multiply(own, turn)
            column += 1
        if node.parent >= 0:
            place = places[:, node.parent] + rotate(turned[:, node.parent], place)
            own = multiply(turned[:, node.parent], own)
        turned[:, number], places[:, number] = own, place
    return turned, places


def _tail(nodes: tuple[Node, ...], bone: int) -> np.ndarray:
    """Where a joint's bone ends (3,), seen from the joint: at its end, or amid its children."""
    if (end := nodes[bone].end) is not None:
        return end
    ends = [node.offset for node in nodes if node.parent == bone]
    return np.mean(ends, axis=0) if ends else np.zeros(3)


def _recognised(name: str, nodes: tuple[Node, ...]) -> Mapping:
    """The joints that play ours, with either axis up. Raises RigError."""
    heads = np.zeros((len(nodes), 3))
    for number, node in enumerate(nodes):
        heads[number] = node.offset + (heads[node.parent] if node.parent >= 0 else 0.0)
    rest = np.tile(np.eye(4), (len(nodes), 1, 1))
    rest[:, :3, 3] = heads
    everywhere = np.ones(len(nodes), bool)
    rig = Rig(
        name=name,
        bones=tuple(node.name for node in nodes),
        parents=np.array([node.parent for node in nodes]),
        rest=rest,
        tails=heads + [_tail(nodes, number) for number in range(len(nodes))],
        up=_Y_UP[1],
        inherits_rotation=everywhere,
        local_location=everywhere,
        connected=~everywhere,
    )
    try:
        return detect(rig).mapping
    except RigError:
        return detect(replace(rig, up=_Z_UP[1])).mapping
