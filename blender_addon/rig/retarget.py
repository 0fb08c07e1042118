"""A pose of our skeleton onto a bound rig: rotations, travel, feet that stand."""

from dataclasses import dataclass, replace
from typing import Final, Literal

import numpy as np

from ..shared.motion.kinematics import Pose, forward_kinematics
from ..shared.motion.loops import close_cycle, find_cycle, repeat_cycle
from ..shared.motion.rotations import continuous, multiply, normalise, rotate, slerp
from ..shared.motion.skeleton import JOINT, JOINT_NAMES, PARENTS
from ..shared.recognition.skeleton_rig import RigError
from .binding import Binding, rest_delta
from .blend import Stance, blend_in, blend_out, meet, start_from
from .body import Body, pin, settle
from .direction import NOWHERE, Direction
from .limb_pins import hold_limbs
from .terrain import stand_on

RootMotion = Literal["hips", "root", "in_place"]

_SIDES: Final = ("left", "right")
_LEVEL: Final = np.array([1.0, 0.0, 1.0])
# Limb bones whose direction has to equal the motion's, as child joints.
_MEASURED: Final = tuple(f"{s}_{j}" for s in _SIDES for j in ("knee", "ankle", "elbow", "wrist"))


@dataclass(frozen=True)
class Keys:
    """What to bake.

    Attributes:
        rotations: basis quaternions (T, 4) by bone name, (w, x, y, z).
        locations: basis locations (T, 3) by bone name, in the rig's unit.
        cyclic: whether the keys repeat for ever; locations then carry on from where they end.
    """

    rotations: dict[str, np.ndarray]
    locations: dict[str, np.ndarray]
    cyclic: bool = False


@dataclass(frozen=True)
class Retargeted:
    """Keys, and what the rig shall do by them, in its canonical axes.

    Attributes:
        keys: what to bake.
        limbs: unit directions (T, 3) of the motion's limb bones, by the joints at their ends.
        posed: the same of the rig's, which standing feet and blending turn.
        hips: (T, 3), where the first control shall be.
        led: bool (T,), frames that lead over from another movement or to it.
        skate: metres a second that standing feet still slide on the rig, in the motion's scale.
        apart: how far each pinned limb stays from where it is held, in the rig's unit.
    """

    keys: Keys
    limbs: dict[tuple[str, str], np.ndarray]
    posed: dict[tuple[str, str], np.ndarray]
    hips: np.ndarray
    led: np.ndarray
    skate: float
    apart: tuple[float, ...] = ()


def retarget(
    pose: Pose,
    contacts: np.ndarray,
    fps: float,
    binding: Binding,
    pin_strength: float = 1.0,
    root_motion: RootMotion = "hips",
    before: Stance | None = None,
    after: Stance | None = None,
    direction: Direction = NOWHERE,
) -> Retargeted:
    """Turn and move a rig's controls so that it does what the pose does.

    Args:
        pose: T frames.
        contacts: bool (T, 4) in the order of `shared.motion.contacts.CONTACT_JOINTS`.
        fps: frames per second of the pose.
        binding: the rig.
        pin_strength: 0 leaves the feet as they come, 1 holds standing feet still.
        root_motion: whether hips or root bone carry the travel, or nothing does.
        before: what the rig does in the first frames otherwise; the motion starts there.
        after: what the rig does in the last frames otherwise.
        direction: what the movement has to keep to.

    Raises:
        RigError: the root bone shall carry the travel and the mapping names none.
    """
    if root_motion == "root" and binding.root is None:
        raise RigError(
            f"no root bone of {binding.rig.name} is known; choose one under Bone Mapping, or let "
            "the hips carry the travel"
        )
    scale = scale_of(pose, binding)
    if before is not None:
        pose = start_from(pose, before, scale)
    body = Body(binding, turns_of(pose, binding), travel_of(pose, binding, scale))
    body = settle(body, contacts)
    # What is led over from another movement neither stands nor has to follow this one.
    led = np.zeros(len(pose), dtype=bool)
    led[: len(before or ())] = True
    led[len(pose) - len(after or ()) :] = True
    contacts = contacts & ~led[:, None]
    if before is not None:
        blend_in(body.turned, body.hips, before)
    if after is not None:
        blend_out(body.turned, body.hips, after)
    kept = direction.kept
    if kept is not None:
        meet(body.turned, body.hips, kept, fps)
    if pin_strength > 0.0:
        body = pin(body, contacts, fps, pin_strength)
    if direction.ground is not None:
        body = stand_on(body, contacts, fps, direction.ground)
    body, apart = hold_limbs(body, direction.pins, fps)
    if kept is not None:
        # What pinning has changed of the kept poses.
        meet(body.turned, body.hips, kept, fps)
    skate = _skate(body, contacts, fps)
    start = binding.heads[0] if before is None else before.hips[0]
    if root_motion == "in_place":
        body = replace(body, hips=np.where(_LEVEL > 0.0, start, body.hips))
    joints = forward_kinematics(pose)
    return Retargeted(
        keys=keys_of(body, root_motion),
        limbs={
            (start, end): normalise(joints[:, JOINT[end]] - joints[:, JOINT[start]])
            for start, end in _limbs(binding)
        },
        posed={
            (start, end): rotate(
                body.turned[:, binding.at[start]],
                normalise(binding.head(end) - binding.head(start)),
            )
            for start, end in _limbs(binding)
        },
        hips=body.hips,
        led=led,
        skate=skate / scale,
        apart=tuple(apart),
    )


def retarget_cycle(
    pose: Pose,
    contacts: np.ndarray,
    fps: float,
    binding: Binding,
    pin_strength: float = 1.0,
    root_motion: RootMotion = "hips",
) -> Retargeted:
    """Like `retarget`, of the part that repeats best; the last frame is the first one again.

    The cycle is played three times and the middle one taken, so that feet are pinned across its
    seam.
    """
    first, last = find_cycle(pose, fps)
    cut = Pose(pose.rotations[first : last + 1], pose.root[first : last + 1], pose.offsets)
    length = last - first
    cycle = repeat_cycle(close_cycle(cut), 3)
    standing = np.concatenate([contacts[first:last]] * 3 + [contacts[first : first + 1]])
    result = retarget(cycle, standing, fps, binding, pin_strength, root_motion)
    middle = slice(length, 2 * length + 1)
    rotations = {b: continuous(turns[middle]) for b, turns in result.keys.rotations.items()}
    locations = {bone: _from_origin(way[middle]) for bone, way in result.keys.locations.items()}
    return Retargeted(
        keys=Keys(rotations, locations, cyclic=True),
        limbs={ends: directions[middle] for ends, directions in result.limbs.items()},
        posed={ends: directions[middle] for ends, directions in result.posed.items()},
        hips=_from_origin(result.hips[middle]),
        led=result.led[middle],
        skate=result.skate,
    )


def _from_origin(way: np.ndarray) -> np.ndarray:
    """The middle one of three cycles (T, 3), counted from where the first one began."""
    return way - (way[-1] - way[0])


def turns_of(pose: Pose, binding: Binding) -> np.ndarray:
    """How far each control is turned from rest (T, controls, 4) so that it follows the pose."""
    ours = pose.global_rotations()
    turned = np.empty((len(pose), len(binding.controls), 4))
    for i, control in enumerate(binding.controls):
        follow = ours[:, control.joint]
        if control.share > 0.0:
            follow = slerp(follow, ours[:, control.towards], control.share)
        turned[:, i] = multiply(follow, control.align)
    return turned


def scale_of(pose: Pose, binding: Binding) -> float:
    """Leg length of the rig over that of the motion; strides and hips' height follow it."""
    lengths = np.linalg.norm(pose.offsets, axis=-1)
    leg = np.mean([lengths[JOINT[f"{s}_knee"]] + lengths[JOINT[f"{s}_ankle"]] for s in _SIDES])
    return float(binding.leg_length / leg)


def travel_of(pose: Pose, binding: Binding, scale: float) -> np.ndarray:
    """Position (T, 3) of the first control, so that the middle of the hips follows the motion's."""
    joints = forward_kinematics(pose)
    middle = scale * (joints[:, JOINT["left_hip"]] + joints[:, JOINT["right_hip"]]) / 2.0
    turned = pose.global_rotations()[:, binding.controls[0].joint]
    rest_middle = (binding.head("left_hip") + binding.head("right_hip")) / 2.0
    return middle - rotate(turned, rest_middle - binding.heads[0])


def keys_of(body: Body, root_motion: RootMotion) -> Keys:
    """The controls' own channels, and the travel of whatever bones carry it."""
    binding, rig = body.binding, body.binding.rig
    rotations = {
        rig.bones[control.bone]: continuous(rest_delta(binding, i, body.turned))
        for i, control in enumerate(binding.controls)
    }
    moved = body.hips - binding.heads[0]
    ways = {binding.carrier: moved}
    if root_motion == "root" and binding.root is not None:
        ground = moved * _LEVEL
        ways = {binding.root: ground}
        # Both may be the same bone, where the hips are connected to the root.
        ways[binding.carrier] = ways.get(binding.carrier, 0.0) + moved - ground
    locations = {rig.bones[bone]: _basis_location(binding, bone, way) for bone, way in ways.items()}
    return Keys(rotations, locations)


def _basis_location(binding: Binding, bone: int, moved: np.ndarray) -> np.ndarray:
    in_armature = moved @ binding.axes.T
    rig = binding.rig
    return in_armature @ rig.rest[bone, :3, :3] if rig.local_location[bone] else in_armature


def _limbs(binding: Binding) -> list[tuple[str, str]]:
    """The limb bones that the rig has, by the joints at their ends."""
    return [(JOINT_NAMES[PARENTS[JOINT[name]]], name) for name in _MEASURED if name in binding.at]


def _skate(body: Body, contacts: np.ndarray, fps: float) -> float:
    """Mean horizontal speed of touching points, in the rig's unit a second."""
    if len(contacts) < 2:
        return 0.0
    path = np.concatenate([points for points, _ in body.feet()], axis=1)[..., [0, 2]]
    speed = np.linalg.norm(np.diff(path, axis=0), axis=-1) * fps
    both = contacts[1:] & contacts[:-1]
    return float(speed[both].mean()) if both.any() else 0.0
