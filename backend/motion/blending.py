"""Joints (T, 22, 3), Y up, put together: placed where the other ended, eased in, measured.

Where two motions meet, the difference in pose and speed is added to the new one and fades out
(inertialisation, Bollo, GDC 2018), so neither position nor velocity jumps.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from backend.motion.facing import facing
from backend.motion.features import bone_lengths, with_bone_lengths
from shared.motion import rotations as quat

_UP: Final = np.array([0.0, 1.0, 0.0])
_HORIZONTAL: Final = np.array([1.0, 0.0, 1.0])
# How long a difference at a seam takes to fade out.
_FADE_SECONDS: Final = 0.5
# A gap that takes more than this to close (metres and radians a second) shows as sliding feet, so
# the rest of the motion is moved instead.
_SLIDE: Final = 0.2
_SPIN: Final = 0.6


@dataclass(frozen=True)
class Placement:
    """A turn about the vertical through `origin`, which moves to `target` on the floor."""

    turn: float
    origin: np.ndarray
    target: np.ndarray

    def __call__(self, joints: np.ndarray) -> np.ndarray:
        """Joints (..., 3) in their new place."""
        turned = quat.rotate(quat.from_axis_angle(_UP, self.turn), joints - self.origin)
        return (turned + self.target).astype(np.float32)


def heading(pose: np.ndarray) -> float:
    """Angle (radians) about the vertical that the pose (22, 3) faces; 0 is +Z."""
    forward = facing(pose[None])[0]
    return float(np.arctan2(forward[0], forward[2]))


def between_poses(source: np.ndarray, target: np.ndarray) -> Placement:
    """What puts the pose `source` (22, 3) where `target` (22, 3) is, heights unchanged."""
    turn = quat.wrapped(heading(target) - heading(source))
    return Placement(turn, source[0] * _HORIZONTAL, target[0] * _HORIZONTAL)


def to_origin(joints: np.ndarray) -> np.ndarray:
    """Joints (T, 22, 3) whose first frame stands over the origin and faces +Z."""
    placement = Placement(-heading(joints[0]), joints[0, 0] * _HORIZONTAL, np.zeros(3))
    return placement(joints)


def insert(
    joints: np.ndarray,
    new: np.ndarray,
    start: int,
    end: int,
    fps: float = 20.0,
    holds: bool = False,
) -> np.ndarray:
    """Joints with the frames [start, end) from `new` (T, 22, 3), which has all frames.

    The new frames begin where the motion was and run over into it again; frames outside keep their
    joints exactly, except that the rest is moved as a whole where the new frames end too far away
    from it, unless it `holds`: then the new frames are bent however far that is. Bones keep the
    lengths that they have in `joints`.
    """
    result = joints.astype(np.float32).copy()
    length = len(joints)
    anchor = start - 1 if start > 0 else min(end, length - 1)
    placed = between_poses(new[anchor], result[anchor])(new)
    if start > 0 and end < length:
        gap = between_poses(placed[end], result[end])
        if holds or _is_small(gap, (end - start) / fps):
            placed = _bent(placed, gap, start, end)
        else:
            result[end:] = between_poses(result[end], placed[end])(result[end:])
    fade = min(max(round(_FADE_SECONDS * fps), 2), end - start)
    inside = placed[start:end].copy()
    if start > 0:
        inside[:fade] += _fading(result, placed, start - 1, -1, fade)
    if end < length:
        inside[-fade:] += _fading(result, placed, end, 1, fade)[::-1]
    result[start:end] = with_bone_lengths(inside, bone_lengths(joints))
    return result


def close_loop(joints: np.ndarray, in_place: bool) -> np.ndarray:
    """A round (T, 22, 3) whose last pose is its first one, with the turn and travel taken out.

    Of a travelling loop only a small net turn is taken out, so that it repeats along a line.
    """
    last = len(joints) - 1
    net = between_poses(joints[0], joints[-1]).turn
    if not in_place and abs(net) > np.pi / 4:
        net = 0.0
    share = np.arange(last + 1) / last
    turns = quat.from_axis_angle(_UP, -net * share)
    steps = np.diff(joints[:, 0] * _HORIZONTAL, axis=0)
    steps = quat.rotate(turns[:-1], steps)
    if in_place:
        steps = steps - steps.mean(axis=0)
    path = np.concatenate([np.zeros((1, 3)), np.cumsum(steps, axis=0)])
    local = joints - joints[:, :1] * _HORIZONTAL
    closed = quat.rotate(turns[:, None], local) + path[:, None]
    closed[-1] = between_poses(closed[0], closed[-1])(closed[0])
    if in_place:
        closed[-1] = closed[0]
    return closed.astype(np.float32)


@dataclass(frozen=True)
class SeamFigures:
    """How a seam compares with the motion round it; at most 1 is as smooth as its own 99 %.

    Attributes:
        jump: largest movement of a joint over the seam, in metres.
        jump_ratio: the same over the 99th percentile of all frame-to-frame movements elsewhere.
        change_ratio: likewise of the change of velocity from one frame to the next.
    """

    jump: float
    jump_ratio: float
    change_ratio: float


def measure_seam(joints: np.ndarray, seam: int) -> SeamFigures:
    """Figures of the border before frame `seam` (1 to T - 1)."""
    movement = np.linalg.norm(np.diff(joints, axis=0), axis=-1)
    change = np.linalg.norm(np.diff(joints, n=2, axis=0), axis=-1)
    here = slice(max(0, seam - 2), seam)
    jump = float(movement[seam - 1].max())
    elsewhere = np.percentile(np.delete(movement, seam - 1, axis=0), 99)
    rough = float(change[here].max()) if len(change[here]) else 0.0
    smooth = np.percentile(np.delete(change, np.arange(len(change))[here], axis=0), 99)
    return SeamFigures(jump, jump / max(elsewhere, 1e-6), rough / max(float(smooth), 1e-6))


def measure_loop(joints: np.ndarray) -> SeamFigures:
    """Figures of the border at which a loop's next round begins."""
    again = between_poses(joints[0], joints[-1])(joints)
    return measure_seam(np.concatenate([joints, again[1:]]), len(joints) - 1)


def _is_small(gap: Placement, seconds: float) -> bool:
    distance = float(np.linalg.norm(gap.target - gap.origin))
    return distance <= _SLIDE * seconds and abs(gap.turn) <= _SPIN * seconds


def _bent(joints: np.ndarray, gap: Placement, start: int, end: int) -> np.ndarray:
    """Joints whose path from frame start - 1 to `end` turns and drifts so that it closes the gap.

    From `end` on they are where the gap's placement puts them.
    """
    share = np.arange(1, end - start + 2) / (end - start + 1)
    share = share * share * (3 - 2 * share)
    turns = quat.from_axis_angle(_UP, gap.turn * share)
    root = joints[start - 1 : end + 1, 0] * _HORIZONTAL
    path = root[0] + np.cumsum(quat.rotate(turns, np.diff(root, axis=0)), axis=0)
    path = path + share[:, None] * (gap.target - path[-1])
    bent = joints.copy()
    local = joints[start : end + 1] - root[1:, None]
    bent[start : end + 1] = quat.rotate(turns[:, None], local) + path[:, None]
    bent[end:] = gap(joints[end:])
    return bent


def _fading(kept: np.ndarray, new: np.ndarray, frame: int, inwards: int, count: int) -> np.ndarray:
    """(count, 22, 3) to add to the new frames next to `frame`, nearest first.

    `inwards` is the direction away from the new frames, -1 or 1, in which speeds are read.
    """
    offset = kept[frame] - new[frame]
    speed = np.zeros_like(offset)
    behind = frame + inwards
    if 0 <= behind < len(kept):
        speed = offset - (kept[behind] - new[behind])
    s = (np.arange(1, count + 1) / (count + 1))[:, None, None]
    position = (1 + 2 * s) * (1 - s) ** 2
    momentum = s * (1 - s) ** 2 * (count + 1)
    return (position * offset + momentum * speed).astype(np.float32)
