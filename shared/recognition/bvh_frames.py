"""Some frames of a BVH file from a motion of ours; every other frame stays byte for byte.

No rest pose is needed: how a bone of the file lies on a bone of ours is read where the frames of
both agree, before and behind what is replaced, and goes over from one to the other in between.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from ..motion.bvh import POSITIONS, Node, euler_angles
from ..motion.kinematics import solve
from ..motion.motion import Motion
from ..motion.rotations import (
    IDENTITY,
    between,
    conjugate,
    continuous,
    from_matrix,
    multiply,
    rotate,
    slerp,
)
from ..motion.skeleton import JOINT
from .bvh_rig import BvhRig, pose_of

Span = tuple[int, int]

_SPINE: Final = ("pelvis", "spine1", "spine2", "spine3")
# Bones that are aimed where the joint behind them is.
_AIMED: Final = {
    f"{side}_{upper}": f"{side}_{lower}"
    for side in ("left", "right")
    for upper, lower in (
        *(("hip", "knee"), ("knee", "ankle"), ("ankle", "foot")),
        *(("shoulder", "elbow"), ("elbow", "wrist")),
    )
}


def with_frames(file: BvhRig, motion: Motion, spans: Sequence[Span]) -> BvhRig:
    """The file with the frames [start, end) of each span from a motion that has all its frames.

    Joints of the file that play none of ours turn evenly from how they are before a span to how
    they are behind it.

    Args:
        motion: as `file.motion()`, and different in the spans alone.
    """
    motion = motion.with_up("Y")
    table, rows = file.table.copy(), list(file.rows)
    turns = _turns(file, solve(motion).global_rotations())
    for span in spans:
        table[slice(*span)] = _Span(file, motion.joints.astype(float), turns, span).rows()
        for frame in range(*span):
            ending = rows[frame][len(rows[frame].rstrip()) :]
            rows[frame] = " ".join(f"{value:.6f}" for value in table[frame]) + (ending or "\n")
    return replace(file, table=table, rows=tuple(rows))


def _turns(file: BvhRig, turned: np.ndarray) -> dict[str, np.ndarray]:
    """How far our skeleton is turned (T, 4) where each mapped bone is, in the file's axes."""
    axes, mapping = from_matrix(file.axes), file.mapping
    own = multiply(multiply(conjugate(axes), turned), axes)

    def mixed(lower: str, upper: str, share: float) -> np.ndarray:
        return slerp(own[:, JOINT[lower]], own[:, JOINT[upper]], np.full(len(own), share))

    found = {bone: own[:, JOINT[joint]] for joint, bone in mapping.bones.items()}
    for number, bone in enumerate(mapping.spine, start=1):
        at = 3.0 * number / len(mapping.spine)
        low = min(int(at), 2)
        found[bone] = mixed(_SPINE[low], _SPINE[low + 1], at - low)
    for number, bone in enumerate(mapping.neck, start=1):
        found[bone] = mixed("spine3", "neck", number / len(mapping.neck))
    return found


class _Span:
    """The frames of one span, joint by joint from the root outwards."""

    def __init__(
        self, file: BvhRig, joints: np.ndarray, turns: dict[str, np.ndarray], span: Span
    ) -> None:
        self.file, self.nodes, self.joints, self.turns = file, file.nodes, joints, turns
        self.frames = np.arange(*span)
        kept = [at for at in (span[0] - 1, span[1]) if 0 <= at < len(joints)]
        # Without a frame to hold on to, the first one tells how the bones lie.
        self.anchors = [(kept or [span[0]])[0], (kept or [span[0]])[-1]]
        width = max(self.anchors[1] - self.anchors[0], 1)
        self.share = np.clip((self.frames - self.anchors[0]) / width, 0.0, 1.0)
        self.old, _ = pose_of(self.nodes, file.table[self.anchors])
        self.turned = np.tile(IDENTITY, (len(self.frames), len(self.nodes), 1))

    def rows(self) -> np.ndarray:
        """The numbers (frames, columns) of the file."""
        for bone, node in enumerate(self.nodes):
            self.turned[:, bone] = self._turned(bone, node)
        before, behind = self.file.table[self.anchors]
        evenly = before + self.share[:, None] * (behind - before)
        column = 0
        for bone, node in enumerate(self.nodes):
            columns = np.arange(column, column + len(node.channels))
            column += len(node.channels)
            turning = [c for c in columns if node.channels[c - columns[0]] not in POSITIONS]
            order = "".join(node.channels[c - columns[0]][0] for c in turning)
            if sorted(order) == ["X", "Y", "Z"]:
                own = continuous(multiply(conjugate(self._above(bone)), self.turned[:, bone]))
                angles = euler_angles(own, order, np.radians(before[turning]))
                evenly[:, turning] = np.degrees(angles)
        return self._placed(evenly)

    def _above(self, bone: int) -> np.ndarray:
        parent = self.nodes[bone].parent
        return self.turned[:, parent] if parent >= 0 else np.tile(IDENTITY, (len(self.frames), 1))

    def _turned(self, bone: int, node: Node) -> np.ndarray:
        turn = self.turns.get(node.name)
        if turn is None:
            own = self.old[:, bone]
            if node.parent >= 0:
                own = multiply(conjugate(self.old[:, node.parent]), own)
            return multiply(self._above(bone), slerp(own[0], own[1], self.share))
        lies = multiply(conjugate(turn[self.anchors]), self.old[:, bone])
        turned = multiply(turn[self.frames], slerp(lies[0], lies[1], self.share))
        aim = self._aim(bone, node)
        if aim is None:
            return turned
        return multiply(between(rotate(turned, aim[0]), aim[1]), turned)

    def _aim(self, bone: int, node: Node) -> tuple[np.ndarray, np.ndarray] | None:
        """Where the next joint is, seen from the bone (3,) and in the file's axes (frames, 3)."""
        bones = self.file.mapping.bones
        for joint, following in _AIMED.items():
            if bones.get(joint) == node.name and following in bones:
                child = self.nodes[self.file.index(bones[following])]
                if child.parent != bone or not child.offset.any():
                    return None
                way = self.joints[self.frames, JOINT[following]]
                return child.offset, (way - self.joints[self.frames, JOINT[joint]]) @ self.file.axes
        return None

    def _placed(self, rows: np.ndarray) -> np.ndarray:
        """The rows with the pelvis where the motion has it, by the joint that carries it."""
        pelvis = self.file.index(self.file.mapping.bones["pelvis"])
        carrier = pelvis
        while carrier >= 0 and not set(POSITIONS) <= set(self.nodes[carrier].channels):
            carrier = self.nodes[carrier].parent
        if carrier < 0:
            return rows
        _, places = pose_of(self.nodes, rows)
        missing = self.file.to_file(self.joints[self.frames, 0]) - places[:, pelvis]
        missing = rotate(conjugate(self._above(carrier)), missing)
        first = sum(len(node.channels) for node in self.nodes[:carrier])
        for number, channel in enumerate(self.nodes[carrier].channels):
            if channel in POSITIONS:
                rows[:, first + number] += missing[:, "XYZ".index(channel[0])]
        return rows
