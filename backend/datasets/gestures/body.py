"""A script put on a recorded body: trunk, head, shoulders and arms; root and legs stay as they are.

Bones are turned and never stretched: joints are the sum of turned bone vectors (T, 22, 3).
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from backend.datasets.gestures.arms import across, solve_arm
from backend.datasets.gestures.script import Arm, Point, Script
from backend.datasets.gestures.tracks import minimum_jerk
from shared.motion import rotations as quat
from shared.motion.filters import gaussian_filter1d
from shared.motion.skeleton import BONE_SUMS, JOINT, PARENTS

# How much of the trunk's turn each bone (named by its lower end's child) takes.
_TRUNK: Final = {"spine1": 0.2, "spine2": 0.45, "spine3": 0.75}
_ABOVE: Final = ("neck", "head", "left_collar", "right_collar", "left_shoulder", "right_shoulder")
_ARM_BONES: Final = ("left_elbow", "right_elbow", "left_wrist", "right_wrist")
_NECK_SHARE: Final = 0.3

# Radians of trunk per metre that the hands go forward (twist), up (lean) or to one side (sway).
_TWIST, _LEAN, _SWAY = 0.10, -0.07, 0.06
# A shoulder rises with its upper arm (Inman et al. 1944: a third of the elevation) and goes forward
# with it; here only as far as it moves the joint.
_RISE, _FORWARD = 0.42, 0.30
_SWIVEL = 2.0  # frames over which the side of an authored elbow is evened out
_DRIFT = 0.005  # metres that a hand wanders while it is held


@dataclass(frozen=True, eq=False)
class _Frames:
    """Axes (T, 3, 3) with columns left, up, front, and origins (T, 3), by name."""

    axes: dict[str, np.ndarray]
    origin: dict[str, np.ndarray]

    def place(self, point: Point, left: bool) -> np.ndarray:
        """World positions (T, 3) of a point for the left or the right arm."""
        local = np.array([point.out if left else -point.out, point.up, point.front])
        return self.origin[point.frame] + self.axes[point.frame] @ local

    def direction(self, vector: tuple[float, float, float], left: bool) -> np.ndarray:
        """World vectors (T, 3) of (out, up, front) in the chest's frame."""
        out, up, front = vector
        return self.axes["chest"] @ np.array([out if left else -out, up, front])


def perform(joints: np.ndarray, script: Script) -> np.ndarray:
    """The recorded motion with the gesture of a script, (T, 22, 3) to (T, 22, 3).

    Pelvis, hips, legs and feet are those of the recording, and so is the length of every bone in
    every frame. Where no track is at work the whole body is.
    """
    joints = joints.astype(np.float64)
    frames = len(joints)
    bones = joints[:, 1:] - joints[:, list(PARENTS[1:])]
    upright = _upright(joints)
    angles = {name: _angle(track, frames) for name, track in script.angles.items()}
    weights = [arm.weights(frames) for arm in (script.other, script.arm)]

    plain = _frames(joints, upright, np.zeros((frames, 3)))
    _follow_hands(angles, joints, plain, (script.other, script.arm), weights)
    # Vectors of (about left, about up, about front): forward, to the left, to the right.
    trunk = np.stack([angles["lean"], -angles["twist"], angles["sway"]], axis=-1)
    head = np.stack([angles["nod"], -angles["turn"], angles["tilt"]], axis=-1)
    _turn(bones, _TRUNK, trunk, upright)
    _turn(bones, dict.fromkeys((*_ABOVE, *_ARM_BONES), 1.0), trunk, upright)
    _turn(bones, {"neck": _NECK_SHARE, "head": 1.0}, head, upright)
    rested = _assemble(joints, bones)
    placed = _frames(rested, upright, trunk, head)

    lifts = (angles["other_lift"], angles["lift"])
    for left, arm, weight, lift in zip(
        (True, False), (script.other, script.arm), weights, lifts, strict=True
    ):
        _move_arm(bones, rested, placed, left, arm, weight, lift)
    return _assemble(joints, bones).astype(np.float32)


def _assemble(joints: np.ndarray, bones: np.ndarray) -> np.ndarray:
    moved: np.ndarray = joints[:, :1] + BONE_SUMS @ bones
    return moved


def _upright(joints: np.ndarray) -> np.ndarray:
    """Axes (T, 3, 3) of the facing direction: columns left, up, front."""
    across = joints[:, JOINT["left_hip"]] - joints[:, JOINT["right_hip"]]
    across = across + joints[:, JOINT["left_shoulder"]] - joints[:, JOINT["right_shoulder"]]
    across = gaussian_filter1d(across, 3.0, axis=0, mode="nearest")
    across[:, 1] = 0.0
    across = quat.normalise(across)
    up = np.broadcast_to([0.0, 1.0, 0.0], across.shape)
    return np.stack([across, up, np.cross(across, up)], axis=-1)


def _rotation(vectors: np.ndarray, axes: np.ndarray, share: float = 1.0) -> np.ndarray:
    """Quaternions (T, 4) of rotation vectors (T, 3) given in the axes."""
    world = np.einsum("tij,tj->ti", axes, vectors * share)
    angle = np.linalg.norm(world, axis=-1)
    axis = world / np.maximum(angle, 1e-12)[:, None]
    return quat.from_axis_angle(axis, angle)


def _turn(
    bones: np.ndarray, shares: dict[str, float], vectors: np.ndarray, axes: np.ndarray
) -> None:
    """Turn each named bone by its share of rotation vectors (T, 3), in place."""
    for name, share in shares.items():
        bone = JOINT[name] - 1
        bones[:, bone] = quat.rotate(_rotation(vectors, axes, share), bones[:, bone])


def _frames(
    joints: np.ndarray, upright: np.ndarray, trunk: np.ndarray, head: np.ndarray | None = None
) -> _Frames:
    """Frames of a body whose trunk (and head) were turned by rotation vectors (T, 3)."""
    turned = quat.rotate(_rotation(trunk, upright)[:, None], np.swapaxes(upright, 1, 2))
    chest = np.swapaxes(turned, 1, 2)
    face = chest
    if head is not None:
        nodding = _rotation(head, upright)[:, None]
        face = np.swapaxes(quat.rotate(nodding, turned), 1, 2)
    shoulders = joints[:, JOINT["left_shoulder"]] + joints[:, JOINT["right_shoulder"]]
    origin = {"chest": shoulders / 2.0, "head": joints[:, JOINT["head"]], "hips": joints[:, 0]}
    return _Frames({"chest": chest, "head": face, "hips": upright}, origin)


def _angle(track, frames: int) -> np.ndarray:  # type: ignore[no-untyped-def]
    """The angle (T,) that a track adds."""
    times = np.arange(frames) / 20.0
    angle = track.weights(frames) @ np.array([0.0, *track.values])
    for beat in track.beats:
        angle = angle + track.sizes[beat.key] * beat.at(times)
    return angle


def _follow_hands(
    angles: dict[str, np.ndarray],
    joints: np.ndarray,
    frames: _Frames,
    arms: tuple[Arm, Arm],
    weights: list[np.ndarray],
) -> None:
    """Let the trunk go along a little with where the hands go, in place."""
    for left, arm, weight in zip((True, False), arms, weights, strict=True):
        wrist = joints[:, JOINT["left_wrist" if left else "right_wrist"]]
        places = np.stack([wrist, *(frames.place(point, left) for point in arm.points)])
        moved = np.einsum("tk,ktc->tc", weight, places) - wrist
        way = np.einsum("tij,ti->tj", frames.axes["chest"], moved)
        side = 1.0 if left else -1.0
        angles["twist"] = angles["twist"] + _TWIST * side * way[:, 2]
        angles["lean"] = angles["lean"] + _LEAN * way[:, 1] / 2.0
        angles["sway"] = angles["sway"] + _SWAY * side * way[:, 1]


def _move_arm(
    bones: np.ndarray,
    rested: np.ndarray,
    frames: _Frames,
    left: bool,
    arm: Arm,
    weights: np.ndarray,
    lift: np.ndarray,
) -> None:
    """Turn shoulder, upper arm and forearm to where the arm's track wants them, in place."""
    name = "left" if left else "right"
    collar, shoulder, elbow, wrist = (
        JOINT[f"{name}_{part}"] for part in ("collar", "shoulder", "elbow", "wrist")
    )
    if not arm.moves and not arm.beats and not lift.any():
        return
    lengths = tuple(np.linalg.norm(bones[:, joint - 1], axis=-1) for joint in (elbow, wrist))
    authored = np.clip(1.0 - weights[:, 0], 0.0, 1.0)
    target = _target(rested[:, wrist], frames, left, arm, weights, authored)
    side = _elbow(rested[:, (shoulder, elbow, wrist)], frames, left, arm, weights)
    root = rested[:, shoulder]
    side = _unhurried(across(side, target - root), authored)
    bent, _ = solve_arm(root, target, side, lengths, authored)
    before = quat.normalise(rested[:, elbow] - root)
    after = quat.normalise(bent - root)
    _help(bones, (collar, shoulder), frames, left, _raised(before, after, frames), lift)
    moved = _assemble(rested, bones)
    root = moved[:, shoulder]
    # An arm that is not at work hangs from its shoulder as it did.
    target = target + (root - rested[:, shoulder]) * (1.0 - authored)[:, None]
    bent, end = solve_arm(root, target, side, lengths, authored)
    bones[:, elbow - 1] = bent - root
    bones[:, wrist - 1] = end - bent


def _target(
    wrist: np.ndarray,
    frames: _Frames,
    left: bool,
    arm: Arm,
    weights: np.ndarray,
    authored: np.ndarray,
) -> np.ndarray:
    places = np.stack([wrist, *(frames.place(point, left) for point in arm.points)])
    target = np.einsum("tk,ktc->tc", weights, places)
    for key, arc in enumerate(arm.arcs, start=1):
        # The way bends while the weight is split between a key and those before it.
        split = 4.0 * weights[:, key] * weights[:, :key].sum(1).clip(0.0, 1.0)
        target += split.clip(0.0, 1.0)[:, None] * frames.direction(arc, left)
    times = np.arange(len(wrist)) / 20.0
    for beat in arm.beats:
        target += beat.at(times)[:, None] * frames.direction(arm.offsets[beat.key], left)
    wander = gaussian_filter1d(arm.rng.standard_normal((len(wrist), 3)), 6.0, axis=0)
    return target + wander * 4.0 * _DRIFT * authored[:, None]


def _elbow(
    recorded: np.ndarray, frames: _Frames, left: bool, arm: Arm, weights: np.ndarray
) -> np.ndarray:
    shoulder, elbow, wrist = np.moveaxis(recorded, 1, 0)
    sides = [across(elbow - shoulder, wrist - shoulder)]
    sides += [quat.normalise(frames.direction(elbow_hint, left)) for elbow_hint in arm.elbows]
    return np.einsum("tk,ktc->tc", weights, np.stack(sides))


def _unhurried(side: np.ndarray, authored: np.ndarray) -> np.ndarray:
    """Sides of an elbow (T, 3) that do not flip where the hand passes in line with them."""
    slow = gaussian_filter1d(side, _SWIVEL, axis=0, mode="nearest")
    return side + (slow - side) * np.minimum(6.0 * authored, 1.0)[:, None]


def _raised(before: np.ndarray, after: np.ndarray, frames: _Frames) -> np.ndarray:
    """How much more (up, forward) an upper arm points than before: radians of shoulder (T, 2)."""

    def amounts(arm: np.ndarray) -> np.ndarray:
        local = np.einsum("tij,ti->tj", frames.axes["chest"], arm)
        elevation = np.arccos(np.clip(-local[:, 1], -1.0, 1.0)) / np.pi
        up = _RISE * minimum_jerk((elevation - 0.12) / 0.88)
        return np.stack([up, _FORWARD * local[:, 2].clip(0.0, 1.0) ** 2], axis=-1)

    return amounts(after) - amounts(before)


def _help(
    bones: np.ndarray,
    joints: tuple[int, int],
    frames: _Frames,
    left: bool,
    raised: np.ndarray,
    lift: np.ndarray,
) -> None:
    """Raise and bring forward a shoulder, in place."""
    side = 1.0 if left else -1.0
    up, forward = raised[:, 0] + lift, raised[:, 1]
    vectors = np.stack([np.zeros_like(up), -side * forward, side * up], axis=-1)
    for joint, share in zip(joints, (0.4, 1.0), strict=True):
        turn = _rotation(vectors, frames.axes["chest"], share)
        bones[:, joint - 1] = quat.rotate(turn, bones[:, joint - 1])
