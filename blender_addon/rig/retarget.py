"""A pose of our skeleton onto a bound rig: rotations, travel, feet that stand."""

from dataclasses import dataclass, replace
from typing import Final, Literal

import numpy as np

from ..shared.kinematics import Pose, forward_kinematics
from ..shared.rotations import continuous, multiply, normalise, rotate, slerp
from ..shared.skeleton import JOINT, PARENTS
from .binding import Binding, rest_delta
from .feet import floor_lift, pin_correction, reach

RootMotion = Literal["hips", "root", "in_place"]

_SIDES: Final = ("left", "right")
# Limb bones whose direction has to equal the motion's, as child joints.
_MEASURED: Final = tuple(f"{s}_{j}" for s in _SIDES for j in ("knee", "ankle", "elbow", "wrist"))


@dataclass(frozen=True)
class Keys:
    """What to bake.

    Attributes:
        rotations: basis quaternions (T, 4) by bone name, (w, x, y, z).
        locations: basis locations (T, 3) by bone name, in the rig's unit.
    """

    rotations: dict[str, np.ndarray]
    locations: dict[str, np.ndarray]


@dataclass(frozen=True)
class Retargeted:
    """Keys and how well they follow the motion.

    Attributes:
        keys: what to bake.
        errors: degrees (T, limb bones) between the motion's bone directions and the rig's.
        skate: metres a second that standing feet still slide on the rig, in the motion's scale.
    """

    keys: Keys
    errors: np.ndarray
    skate: float


def retarget(
    pose: Pose,
    contacts: np.ndarray,
    fps: float,
    binding: Binding,
    pin_strength: float = 1.0,
    root_motion: RootMotion = "hips",
) -> Retargeted:
    """Turn and move a rig's controls so that it does what the pose does.

    Args:
        pose: T frames.
        contacts: bool (T, 4) in the order of `CONTACT_JOINTS`.
        fps: frames per second of the pose.
        binding: the rig.
        pin_strength: 0 leaves the feet as they come, 1 holds standing feet still.
        root_motion: whether hips or root bone carry the travel, or nothing does.
    """
    body = _Body(binding, _turns(pose, binding), _travel(pose, contacts, binding))
    if pin_strength > 0.0:
        body = _pin(body, contacts, fps, pin_strength)
    joints = forward_kinematics(pose)
    return Retargeted(
        _keys(body, root_motion), _direction_errors(body, joints), _skate(body, contacts, fps)
    )


@dataclass(frozen=True)
class _Body:
    """The rig in motion: how far controls are turned from rest, and where the first one is."""

    binding: Binding
    turned: np.ndarray  # (T, controls, 4)
    hips: np.ndarray  # (T, 3), position of the first control

    def positions(self) -> np.ndarray:
        """Heads (T, controls, 3)."""
        heads = self.binding.heads
        found = np.tile(heads, (len(self.turned), 1, 1))
        found[:, 0] = self.hips
        for i, control in enumerate(self.binding.controls):
            p = control.parent
            if p >= 0:
                found[:, i] = found[:, p] + rotate(self.turned[:, p], heads[i] - heads[p])
        return found

    def toe(self, side: str, positions: np.ndarray) -> np.ndarray:
        """Tip of a foot (T, 3)."""
        ankle = self.binding.at[f"{side}_ankle"]
        arm = self.binding.toes[side] - self.binding.heads[ankle]
        return positions[:, ankle] + rotate(self.turned[:, ankle], arm)


def _turns(pose: Pose, binding: Binding) -> np.ndarray:
    ours = pose.global_rotations()
    turned = np.empty((len(pose), len(binding.controls), 4))
    for i, control in enumerate(binding.controls):
        follow = ours[:, control.joint]
        if control.share > 0.0:
            follow = slerp(follow, ours[:, control.towards], control.share)
        turned[:, i] = multiply(follow, control.align)
    return turned


def _travel(pose: Pose, contacts: np.ndarray, binding: Binding) -> np.ndarray:
    """Position (T, 3) of the first control: the middle of the hips, scaled by leg length."""
    joints = forward_kinematics(pose)
    offsets = np.linalg.norm(pose.offsets, axis=-1)
    leg = np.mean([offsets[JOINT[f"{s}_knee"]] + offsets[JOINT[f"{s}_ankle"]] for s in _SIDES])
    scale = binding.leg_length / leg
    middle = (joints[:, JOINT["left_hip"]] + joints[:, JOINT["right_hip"]]) / 2.0

    stands = _standing_height(joints, contacts)
    stands_on_rig = np.mean([binding.head(f"{side}_ankle")[1] for side in _SIDES])
    middle = scale * (middle - [0.0, stands, 0.0]) + [0.0, stands_on_rig, 0.0]

    first = binding.controls[0]
    ours = pose.global_rotations()[:, first.joint]
    rest_middle = (binding.head("left_hip") + binding.head("right_hip")) / 2.0
    return middle - rotate(ours, rest_middle - binding.heads[0])


def _standing_height(joints: np.ndarray, contacts: np.ndarray) -> float:
    """How high the motion's ankles are when its feet are flat on the floor."""
    ankles = joints[:, [JOINT["left_ankle"], JOINT["right_ankle"]], 1]
    flat = contacts[:, [0, 2]] & contacts[:, [1, 3]]
    return float(np.median(ankles[flat])) if flat.any() else float(ankles.min())


def _pin(body: _Body, contacts: np.ndarray, fps: float, strength: float) -> _Body:
    binding = body.binding
    turned = body.turned.copy()
    positions = body.positions()
    for side, columns in zip(_SIDES, (slice(0, 2), slice(2, 4)), strict=True):
        hip, knee, ankle = (binding.at[f"{side}_{j}"] for j in ("hip", "knee", "ankle"))
        rest = np.array([binding.heads[ankle][1], binding.toes[side][1]])
        points = np.stack([positions[:, ankle], body.toe(side, positions)], axis=1)
        move = strength * pin_correction(
            points, contacts[:, columns], rest, fps, binding.leg_length
        )
        move[:, 1] += floor_lift(points + move[:, None], rest)
        forward = rotate(turned[:, knee], binding.toes[side] - binding.heads[ankle])
        thigh_turn, shin_turn = reach(
            positions[:, hip],
            positions[:, knee],
            positions[:, ankle],
            positions[:, ankle] + move,
            forward,
        )
        turned[:, hip] = multiply(thigh_turn, turned[:, hip])
        turned[:, knee] = multiply(shin_turn, turned[:, knee])
    return replace(body, turned=turned)


def _keys(body: _Body, root_motion: RootMotion) -> Keys:
    binding, rig = body.binding, body.binding.rig
    rotations = {
        rig.bones[control.bone]: continuous(rest_delta(binding, i, body.turned))
        for i, control in enumerate(binding.controls)
    }
    moved = body.hips - binding.heads[0]
    ground = moved * [1.0, 0.0, 1.0]
    locations = {}
    if root_motion == "root" and binding.root is not None:
        locations[rig.bones[binding.root]] = _basis_location(binding, binding.root, ground)
    if root_motion != "hips":
        moved = moved - ground
    first = binding.controls[0].bone
    locations[rig.bones[first]] = _basis_location(binding, first, moved)
    return Keys(rotations, locations)


def _basis_location(binding: Binding, bone: int, moved: np.ndarray) -> np.ndarray:
    in_armature = moved @ binding.axes.T
    rig = binding.rig
    return in_armature @ rig.rest[bone, :3, :3] if rig.local_location[bone] else in_armature


def _direction_errors(body: _Body, joints: np.ndarray) -> np.ndarray:
    binding = body.binding
    positions = body.positions()
    columns = []
    for name in _MEASURED:
        child, parent = JOINT[name], PARENTS[JOINT[name]]
        parent_name = name.replace("knee", "hip").replace("ankle", "knee")
        parent_name = parent_name.replace("elbow", "shoulder").replace("wrist", "elbow")
        if name not in binding.at:
            continue
        ours = normalise(joints[:, child] - joints[:, parent])
        theirs = normalise(positions[:, binding.at[name]] - positions[:, binding.at[parent_name]])
        columns.append(np.degrees(np.arccos(np.clip((ours * theirs).sum(-1), -1.0, 1.0))))
    return np.stack(columns, axis=-1)


def _skate(body: _Body, contacts: np.ndarray, fps: float) -> float:
    """Mean horizontal speed of touching points, in metres of the motion's body."""
    if len(contacts) < 2:
        return 0.0
    positions = body.positions()
    points = []
    for side in _SIDES:
        points += [positions[:, body.binding.at[f"{side}_ankle"]], body.toe(side, positions)]
    path = np.stack(points, axis=1)[..., [0, 2]]
    speed = np.linalg.norm(np.diff(path, axis=0), axis=-1) * fps
    both = contacts[1:] & contacts[:-1]
    return float(speed[both].mean()) if both.any() else 0.0
