"""Where feet stand, carried to other places: each standing foot as a whole, never in parts.

A body that is moved along a curve would drag its standing feet along. So a foot gets one place
and one direction for as long as it stands, the mean of those that the body would give it, without
what it slides by itself; while it is in the air it goes over from one to the next, and the leg
follows by IK.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

import numpy as np

from backend.motion.lengths import FPS
from shared.motion import rotations as quat
from shared.motion.limb_twist import smoothstep
from shared.motion.skeleton import JOINT
from shared.motion.two_bone_ik import reach, stretch_drop

_UP: Final = np.array([0.0, 1.0, 0.0])
SIDES: Final = ("left", "right")
# Columns of contacts, as of `shared.motion.contacts.CONTACT_JOINTS`.
COLUMNS: Final = {"left": slice(0, 2), "right": slice(2, 4)}
# A foot that is in the air or on the floor for so few frames is not.
_SHORTEST: Final = 2
# How high (metres) a foot is lifted for a step that the motion does not have.
_LIFT: Final = 0.07
# Metres a second by which a foot in the air goes faster or slower than the motion has it.
_FASTEST_SHIFT: Final = 1.5
_NOWHERE: Final = np.zeros(0, int)


@dataclass(frozen=True)
class Moves:
    """Rigid movements over the floor, one for each frame: turn about `origin`, then go to `place`.

    Attributes:
        turns: (T,), radians about the vertical.
        origins, places: (T, 2), x and z.
    """

    turns: np.ndarray
    origins: np.ndarray
    places: np.ndarray

    def __call__(self, points: np.ndarray) -> np.ndarray:
        """Points (T, ..., 3) moved, frame by frame."""
        shape = (len(points),) + (1,) * (points.ndim - 2)
        turn = quat.from_axis_angle(_UP, self.turns.reshape(shape))
        moved = quat.rotate(turn, points - _on_floor(self.origins).reshape(*shape, 3))
        return moved + _on_floor(self.places).reshape(*shape, 3)


@dataclass(frozen=True)
class Stance:
    """The frames [start, end) in which a foot stands; `lifted` if it is raised before them."""

    start: int
    end: int
    lifted: bool = False


def stances(standing: np.ndarray) -> list[Stance]:
    """The spans in which a foot stands, from flags (T,)."""
    flags = standing.copy()
    for wanted in (False, True):  # what is too short in the air, then what is on the floor
        for start, end in _runs(flags == wanted):
            if end - start < _SHORTEST and start > 0 and end < len(flags):
                flags[start:end] = not wanted
    return [Stance(start, end) for start, end in _runs(flags)]


def steps_of(contacts: np.ndarray) -> dict[str, list[Stance]]:
    """Where each foot stands, of contacts (T, 4) in the order of `CONTACT_JOINTS`."""
    return {side: stances(np.any(contacts[:, COLUMNS[side]], axis=1)) for side in SIDES}


def foot_points(joints: np.ndarray, side: str) -> np.ndarray:
    """Ankle and toe (T, 2, 3) of a side."""
    return joints[:, [JOINT[f"{side}_ankle"], JOINT[f"{side}_foot"]]]


def place_feet(
    joints: np.ndarray,
    contacts: np.ndarray,
    moves: Moves,
    steps: dict[str, list[Stance]],
    fixed: np.ndarray = _NOWHERE,
    fps: float = FPS,
) -> np.ndarray:
    """Joints (T, 22, 3) moved, with feet that stand where they stand.

    Args:
        joints: metres, Y up.
        contacts: bool (T, 4), in the order of `CONTACT_JOINTS`.
        moves: of the body.
        steps: when each foot stands; see `steps_of`.
        fixed: frames in which feet stay where the moves have them, and so does what stands then.
        fps: frames per second.
    """
    moved = moves(joints)
    goals, toes, drop = {}, {}, np.zeros(len(joints))
    for side in SIDES:
        hip, knee, ankle, toe = _leg(side)
        points, standing = joints[:, [ankle, toe]], contacts[:, COLUMNS[side]]
        turn, offset = _corrections(points, standing, moves, steps[side], fixed, fps)
        middle = moved[:, [ankle, toe]].mean(axis=1, keepdims=True)
        foot = moved[:, [ankle, toe]] - middle
        foot = quat.rotate(quat.from_axis_angle(_UP, turn)[:, None], foot) + middle
        foot += offset[:, None]
        goals[side], toes[side] = foot[:, 0], foot[:, 1] - foot[:, 0]
        thigh = np.median(np.linalg.norm(joints[:, knee] - joints[:, hip], axis=-1))
        shin = np.median(np.linalg.norm(joints[:, ankle] - joints[:, knee], axis=-1))
        way = goals[side] - moved[:, ankle]
        room = stretch_drop(moved[:, hip], moved[:, ankle], way, float(thigh + shin), fps)
        drop = np.maximum(drop, room)
    moved = moved - drop[:, None, None] * _UP
    for side in SIDES:
        hip, knee, ankle, toe = _leg(side)
        top, bend, end = (moved[:, joint].copy() for joint in (hip, knee, ankle))
        turn_thigh, turn_shin = reach(top, bend, end, goals[side], toes[side])
        moved[:, knee] = top + quat.rotate(turn_thigh, bend - top)
        moved[:, ankle] = moved[:, knee] + quat.rotate(turn_shin, end - bend)
        moved[:, toe] = moved[:, ankle] + toes[side]
    return moved.astype(np.float32)


def _corrections(
    foot: np.ndarray,
    contacts: np.ndarray,
    moves: Moves,
    spans: list[Stance],
    fixed: np.ndarray,
    fps: float,
) -> tuple[np.ndarray, np.ndarray]:
    """By how much a foot turns (T,) and moves (T, 3) beyond what the body's moves do to it.

    Args:
        foot: (T, 2, 3), ankle and toe before the moves.
        contacts: bool (T, 2), which of both stands.
        fixed: frames that get no correction.
    """
    count = len(foot)
    turn, offset = np.zeros(count), np.zeros((count, 3))
    spans = _with_fixed(spans, fixed)
    if not spans:
        return turn, offset
    centre = foot.mean(axis=1)
    moved = moves(centre)
    still = centre - _drift(foot, contacts)
    for span in spans:
        here = slice(span.start, span.end)
        held = fixed[(fixed >= span.start) & (fixed < span.end)]
        if len(held):
            _hold(turn, offset, moves.turns, still, moved, here, held)
        else:
            mean_turn = moves.turns[here].mean()
            own = quat.from_axis_angle(_UP, np.array(mean_turn))
            way = quat.rotate(own, still[here] - still[here].mean(axis=0))
            turn[here] = mean_turn - moves.turns[here]
            offset[here] = moved[here].mean(axis=0) + way - moved[here]
        offset[here, 1] = 0.0
    spans = _with_room(spans, offset, fixed, fps)
    turn[: spans[0].start], offset[: spans[0].start] = turn[spans[0].start], offset[spans[0].start]
    last = spans[-1].end
    turn[last:], offset[last:] = turn[last - 1], offset[last - 1]
    for before, after in pairwise(spans):
        _lead_over(turn[:, None], before, after)
        _lead_over(offset, before, after)
        if after.lifted:
            share = np.arange(1, after.start - before.end + 1) / (after.start - before.end + 1)
            offset[before.end : after.start, 1] += _LIFT * np.sin(np.pi * share) ** 2
    return turn, offset


def _with_fixed(spans: list[Stance], fixed: np.ndarray) -> list[Stance]:
    """The spans, and those of single frames in which a foot in the air has its place as well."""
    standing = [span for span in spans if span.end > span.start]
    held = [
        Stance(frame, frame + 1)
        for frame in fixed.tolist()
        if not any(span.start <= frame < span.end for span in standing)
    ]
    return sorted([*standing, *held], key=lambda span: span.start)


def _with_room(
    spans: list[Stance], offset: np.ndarray, fixed: np.ndarray, fps: float
) -> list[Stance]:
    """The spans, shortened where a foot would have to go over to the next place too fast."""
    found = [spans[0]]
    for after in spans[1:]:
        before = found.pop()
        way = np.linalg.norm(offset[after.start] - offset[before.end - 1])
        missing = int(np.ceil(way / _FASTEST_SHIFT * fps)) - (after.start - before.end)
        if missing > 0:
            held = [frame for frame in fixed if before.start <= frame < before.end]
            earliest = max([before.start + 1, *(frame + 1 for frame in held)])
            before = replace(before, end=max(earliest, before.end - (missing + 1) // 2))
            held = [frame for frame in fixed if after.start <= frame < after.end]
            latest = min([after.end - 1, *held])
            after = replace(after, start=min(latest, after.start + missing // 2))
        found += [before, after]
    return found


def _hold(
    turn: np.ndarray,
    offset: np.ndarray,
    turns: np.ndarray,
    still: np.ndarray,
    moved: np.ndarray,
    here: slice,
    held: np.ndarray,
) -> None:
    """Fill corrections so that a foot stands as in the frames in which it is held.

    Between two of these it goes over from the one place to the other.
    """
    frames = np.arange(here.start, here.stop)
    after = np.clip(np.searchsorted(held, frames), 0, len(held) - 1)
    before = np.clip(np.searchsorted(held, frames, side="right") - 1, 0, len(held) - 1)
    first, last = held[before], held[after]
    share = smoothstep((frames - first) / np.maximum(last - first, 1), 0.0, 1.0)
    found_turn, found = np.zeros(len(frames)), np.zeros((len(frames), 3))
    for frame, weight in ((first, 1.0 - share), (last, share)):
        way = quat.rotate(quat.from_axis_angle(_UP, turns[frame]), still[frames] - still[frame])
        found_turn += weight * (turns[frame] - turns[frames])
        found += weight[:, None] * (moved[frame] + way - moved[frames])
    turn[here], offset[here] = found_turn, found


def _drift(foot: np.ndarray, contacts: np.ndarray) -> np.ndarray:
    """How far (T, 3) what stands of a foot has slid over the floor since the first frame."""
    both = (contacts[1:] & contacts[:-1])[..., None]
    slid = (np.diff(foot, axis=0) * both).sum(axis=1) / np.maximum(both.sum(axis=1), 1)
    slid[:, 1] = 0.0
    return np.concatenate([np.zeros((1, 3)), np.cumsum(slid, axis=0)])


def _lead_over(rows: np.ndarray, before: Stance, after: Stance) -> None:
    """Fill rows (T, n) between two stances, without a jump in value or speed."""
    start, end = before.end - 1, after.start
    gap = end - start
    s = (np.arange(1, gap) / gap)[:, None]
    # Speeds count in full only where the way is long enough to lose them again.
    out = rows[start] - rows[start - 1] if before.end - before.start > 1 else 0 * rows[start]
    into = rows[end + 1] - rows[end] if after.end - after.start > 1 else 0 * rows[end]
    rows[start + 1 : end] = (
        (1 + 2 * s) * (1 - s) ** 2 * rows[start]
        + s * (1 - s) ** 2 * gap * out
        + s**2 * (3 - 2 * s) * rows[end]
        - s**2 * (1 - s) * gap * into
    )


def _runs(flags: np.ndarray) -> Iterator[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(int)))
    return zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)


def _leg(side: str) -> tuple[int, int, int, int]:
    hip, knee, ankle, toe = (JOINT[f"{side}_{name}"] for name in ("hip", "knee", "ankle", "foot"))
    return hip, knee, ankle, toe


def _on_floor(places: np.ndarray) -> np.ndarray:
    return np.stack([places[..., 0], np.zeros(places.shape[:-1]), places[..., 1]], axis=-1)
