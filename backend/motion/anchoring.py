"""A made motion bent so that it meets poses that are kept, in place, facing and every joint.

First the body is carried over the floor, most while it moves by itself; then what still differs in
each bone's rotation is added and fades out round the kept pose; then feet that stand are put back
where they stand, which is where a kept pose has them.
"""

from itertools import pairwise
from typing import Final

import numpy as np

from backend.motion.blending import between_poses
from backend.motion.footsteps import Moves, Stance, foot_points, place_feet, steps_of
from shared.motion import rotations as quat
from shared.motion.contacts import CONTACT_JOINTS
from shared.motion.filters import gaussian_filter1d
from shared.motion.kinematics import Pose, forward_kinematics, solve
from shared.motion.limb_twist import smoothstep
from shared.motion.motion import Motion

_FLOOR: Final = [0, 2]
# Radians a second at which a difference in pose fades at most, and seconds that it takes.
_FADE_SPEED: Final = 4.0
_FADE_SECONDS: Final = (0.4, 1.5)
# A body that stands is carried along as if it moved at this speed, in metres a second.
_LEAST_SPEED: Final = 0.1
# A standing foot whose kept places are farther apart (metres) takes a step, in so many seconds.
_STEP: Final = 0.03
_STEP_SECONDS: Final = 0.4
# A "standing" foot that is faster than this (metres a second) is a wrong sign of contact.
_FASTEST_STANDING: Final = 1.0
# A foot that a kept pose holds so high (metres) does not stand there.
_RAISED: Final = 0.14


def meet(
    target: np.ndarray, kept: np.ndarray, made: np.ndarray, contacts: np.ndarray, fps: float
) -> tuple[np.ndarray, np.ndarray]:
    """Joints and contacts (T, 4) of `made` that are those of `target` in the kept frames.

    Args:
        target: (T, 22, 3), metres, Y up, floor at 0; only kept frames count.
        kept: bool (T,), at least one of them.
        made: (T, 22, 3), of the same bones.
        contacts: bool (T, 4), of what was made.
    """
    edges = _edges(kept)
    moved = _carried(made, target, edges, fps)(made)
    blended = _blended(moved, target, kept, edges, fps)
    contacts = contacts & ~_raised(target, edges, fps) & ~_fast(made, fps)
    still = Moves(np.zeros(len(made)), np.zeros((len(made), 2)), np.zeros((len(made), 2)))
    steps = {
        side: _with_steps(spans, foot_points(blended, side).mean(axis=1), kept, fps)
        for side, spans in steps_of(contacts).items()
    }
    planted = place_feet(blended, contacts, still, steps, np.flatnonzero(kept), fps)
    return np.where(kept[:, None, None], target, planted).astype(np.float32), contacts


def _edges(kept: np.ndarray) -> np.ndarray:
    """The kept frames that have a neighbour that is not."""
    padded = np.concatenate([[True], kept, [True]])
    return np.flatnonzero(kept & ~(padded[:-2] & padded[2:]))


def _carried(made: np.ndarray, target: np.ndarray, edges: np.ndarray, fps: float) -> Moves:
    """The moves over the floor that bring the root to where kept poses have it."""
    root = gaussian_filter1d(made[:, 0, _FLOOR].astype(float), 1.0, axis=0, mode="nearest")
    root[edges] = made[edges, 0][:, _FLOOR]
    raw = np.array([between_poses(made[edge], target[edge]).turn for edge in edges])
    turn = np.unwrap(raw)
    speed = np.linalg.norm(np.diff(root, axis=0), axis=-1) * fps + _LEAST_SPEED
    turns = np.full(len(made), turn[0])
    turns[edges[-1] :] = turn[-1]
    shares = np.zeros(len(made))
    for number, (start, end) in enumerate(pairwise(edges)):
        way = np.concatenate([[0.0], np.cumsum(speed[start:end])])
        share = smoothstep(way / way[-1], 0.0, 1.0)
        shares[start : end + 1] = share
        turns[start : end + 1] = turn[number] + share * (turn[number + 1] - turn[number])
    steps = _turned(np.diff(root, axis=0), (turns[1:] + turns[:-1]) / 2)
    path = np.concatenate([np.zeros((1, 2)), np.cumsum(steps, axis=0)])
    goals = target[edges, 0][:, _FLOOR]
    missing = goals - path[edges]
    places = path + missing[0]
    places[edges[-1] :] = path[edges[-1] :] + missing[-1]
    for number, (start, end) in enumerate(pairwise(edges)):
        share = shares[start : end + 1, None]
        share = np.where(np.arange(start, end + 1)[:, None] == end, 1.0, share)
        gap = missing[number] + share * (missing[number + 1] - missing[number])
        places[start : end + 1] = path[start : end + 1] + gap
    return Moves(turns, root, places)


def _blended(
    moved: np.ndarray, target: np.ndarray, kept: np.ndarray, edges: np.ndarray, fps: float
) -> np.ndarray:
    """Joints with the difference to the kept poses added, fading out round them."""
    pose, own = _solved(moved), np.flatnonzero(kept)
    wanted = _solved(target[own])
    apart = quat.multiply(wanted.rotations, quat.conjugate(pose.rotations[own]))
    angles = quat.to_axis_angle(apart)
    roots = wanted.root - pose.root[own]
    # What rotations of rigid bones do not show of a pose.
    rest_wanted = target[own] - forward_kinematics(wanted)
    rest = moved - forward_kinematics(pose)
    rows = np.concatenate([angles, roots[:, None], rest_wanted - rest[own]], axis=1)
    place = {int(frame): number for number, frame in enumerate(own)}
    added = np.zeros((len(moved), *rows.shape[1:]))
    added[own] = rows
    for edge in edges.tolist():
        for inwards in (-1, 1):
            room = _room(edge, inwards, kept)
            if room == 0:
                continue
            here = rows[place[edge]]
            largest = float(np.linalg.norm(here[:22], axis=-1).max())
            seconds = np.clip(1.5 * largest / _FADE_SPEED, *_FADE_SECONDS)
            count = min(room, round(float(seconds) * fps))
            behind = place.get(edge - inwards)
            speed = 0.0 * here if behind is None else here - rows[behind]
            s = (np.arange(1, count + 1) / (count + 1)).reshape(-1, 1, 1)
            fading = (1 + 2 * s) * (1 - s) ** 2 * here + s * (1 - s) ** 2 * (count + 1) * speed
            frames = edge + inwards * np.arange(1, count + 1)
            added[frames] += fading
    size = np.linalg.norm(added[:, :22], axis=-1)
    turns = quat.from_axis_angle(quat.normalise(added[:, :22]), size)
    turned = Pose(quat.multiply(turns, pose.rotations), pose.root + added[:, 22], pose.offsets)
    return forward_kinematics(turned) + rest + added[:, 23:]


def _solved(joints: np.ndarray) -> Pose:
    """Rotations of joints (T, 22, 3), each frame by itself."""
    return solve(Motion(joints.astype(np.float32), contacts=np.zeros((len(joints), 4), bool)))


def _room(edge: int, inwards: int, kept: np.ndarray) -> int:
    """Frames beside an edge up to the next kept one, or to the motion's end."""
    beside = kept[edge + 1 :] if inwards > 0 else kept[:edge][::-1]
    if len(beside) == 0 or beside[0]:
        return 0
    return int(beside.argmax()) if beside.any() else len(beside)


def _raised(target: np.ndarray, edges: np.ndarray, fps: float) -> np.ndarray:
    """Contacts (T, 4) that cannot be, because a kept pose near has the foot in the air."""
    raised = np.zeros((len(target), 4), bool)
    near = round(_FADE_SECONDS[0] * fps / 2)
    for edge in edges.tolist():
        heights = target[edge, CONTACT_JOINTS, 1].reshape(2, 2).min(axis=1)
        raised[max(0, edge - near) : edge + near + 1] |= np.repeat(heights > _RAISED, 2)
    return raised


def _fast(made: np.ndarray, fps: float) -> np.ndarray:
    """Contacts (T, 4) that cannot be, because the foot moves."""
    feet = made[:, CONTACT_JOINTS][..., _FLOOR]
    return np.linalg.norm(np.gradient(feet, axis=0), axis=-1) * fps > _FASTEST_STANDING


def _with_steps(
    spans: list[Stance], foot: np.ndarray, kept: np.ndarray, fps: float
) -> list[Stance]:
    """Spans of standing with a step between kept poses that have the foot in different places."""
    found: list[Stance] = []
    for span in spans:
        start, lifted = span.start, span.lifted
        held = [frame for frame in np.flatnonzero(kept).tolist() if span.start <= frame < span.end]
        for before, after in pairwise(held):
            room = after - before - 2
            if room < 2 or np.linalg.norm((foot[after] - foot[before])[_FLOOR]) < _STEP:
                continue
            length = min(room, round(_STEP_SECONDS * fps))
            lift = (before + after + 1 - length) // 2
            found.append(Stance(start, lift, lifted))
            start, lifted = lift + length, True
        found.append(Stance(start, span.end, lifted))
    return found


def _turned(vectors: np.ndarray, turns: np.ndarray) -> np.ndarray:
    """Vectors (T, 2), x and z, turned by radians (T,) about the vertical."""
    sin, cos = np.sin(turns), np.cos(turns)
    x, z = vectors.T
    return np.stack([cos * x + sin * z, cos * z - sin * x], axis=-1)
