"""A rig seen as our skeleton: which bone follows which joint, and from which rest pose.

Everything in a `Binding` is in the rig's canonical axes: x to the character's left, y up, z the
way it faces, origin on the floor. There a motion and a rig of any orientation meet.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from ..shared.motion.limb_twist import hinge_axes
from ..shared.motion.rotations import (
    IDENTITY,
    between,
    conjugate,
    from_axis_angle,
    from_matrix,
    multiply,
    normalise,
    rotate,
)
from ..shared.motion.skeleton import JOINT
from ..shared.recognition.mapping import Mapping
from ..shared.recognition.skeleton_rig import Rig, RigError

_OUT: Final = {"left": np.array([1.0, 0.0, 0.0]), "right": np.array([-1.0, 0.0, 0.0])}
_DOWN: Final = np.array([0.0, -1.0, 0.0])
_LEFT: Final = np.array([1.0, 0.0, 0.0])
_FORWARD: Final = np.array([0.0, 0.0, 1.0])
_SPINE: Final = ("pelvis", "spine1", "spine2", "spine3")
# A rig whose lowest bone is farther from its origin than this share of the leg stands elsewhere.
_FLOOR_SLACK: Final = 0.2


@dataclass(frozen=True)
class Control:
    """One bone that gets keys.

    Attributes:
        bone: index in the rig.
        joint: index of the joint whose rotation it follows.
        towards: a second joint, for a bone between two of ours.
        share: 0 follows `joint`, 1 follows `towards`.
        parent: position of the control that turns it, -1 for none.
        support: position of the control that carries it along, -1 for none; the same unless the
            bone does not inherit rotation.
        align: (4,) rotation from the rig's rest pose to the T-pose of our skeleton.
    """

    bone: int
    joint: int
    towards: int
    share: float
    parent: int
    support: int
    align: np.ndarray


@dataclass(frozen=True)
class Binding:
    """A rig, a mapping and what follows from them.

    Attributes:
        rig: the armature's rest pose in armature space.
        axes: (3, 3), columns are the character's left, up and forward in armature space.
        controls: parents before children; the pelvis is the first.
        heads: (controls, 3), rest positions.
        rest: (controls, 4), rest orientations.
        at: control that starts at each mapped joint, by joint name.
        toes: rest position (3,) of each foot's tip by side.
        tips: rest position (3,) of the end of the toes by side, where a bone shows it.
        root: index of the root bone in the rig, or None.
        carrier: index of the bone that moves the first control: itself, or what it hangs on.
    """

    rig: Rig
    axes: np.ndarray
    controls: tuple[Control, ...]
    heads: np.ndarray
    rest: np.ndarray
    at: dict[str, int]
    toes: dict[str, np.ndarray]
    tips: dict[str, np.ndarray]
    root: int | None
    carrier: int

    def head(self, joint: str) -> np.ndarray:
        """Rest position of the bone that plays a joint."""
        return self.heads[self.at[joint]]

    @property
    def leg_length(self) -> float:
        """Mean length of thigh and shin together, in the rig's unit."""
        legs = [[self.head(f"{s}_{j}") for j in ("hip", "knee", "ankle")] for s in _OUT]
        return float(np.mean([np.linalg.norm(np.diff(leg, axis=0), axis=-1).sum() for leg in legs]))


def bind(rig: Rig, mapping: Mapping) -> Binding:
    """Prepare a rig for a mapping. Raises RigError for missing bones or limbs without length."""
    mapping.check()
    axes, floor = _canonical_axes(rig, mapping)
    heads = (rig.heads - floor) @ axes
    tails = (rig.tails - floor) @ axes
    follows = _follows(rig, mapping)
    order = [bone for bone in range(len(rig.bones)) if bone in follows]
    pelvis = rig.index(mapping.bones["pelvis"])
    order.sort(key=lambda bone: (_depth(rig, mapping, bone, follows), bone != pelvis))
    place = {bone: i for i, bone in enumerate(order)}
    at = {joint: place[rig.index(bone)] for joint, bone in mapping.bones.items()}

    toes, tips = {}, {}
    for side in _OUT:
        foot = mapping.bones.get(f"{side}_foot")
        ankle = rig.index(mapping.bones[f"{side}_ankle"])
        toes[side] = tails[ankle] if foot is None else heads[rig.index(foot)]
        if foot is not None and _goes_on(heads[ankle], toes[side], tails[rig.index(foot)]):
            tips[side] = tails[rig.index(foot)]
    aligns = _alignments(rig, mapping, heads, tails, toes)

    controls = []
    for bone in order:
        joint, towards, share = follows[bone]
        parent, support = (
            -1 if by is None else place[by]
            for by in (
                _carrier(rig, mapping, bone, follows, turning=True),
                _carrier(rig, mapping, bone, follows, turning=False),
            )
        )
        align = aligns.get(joint, IDENTITY)
        controls.append(Control(bone, JOINT[joint], JOINT[towards], share, parent, support, align))
    return Binding(
        rig=rig,
        axes=axes,
        controls=tuple(controls),
        heads=heads[order],
        rest=from_matrix(axes.T @ rig.rest[order, :3, :3]),
        at=at,
        toes=toes,
        tips=tips,
        root=None if mapping.root is None else rig.index(mapping.root),
        carrier=next(b for b in (pelvis, *rig.ancestors(pelvis)) if not rig.connected[b]),
    )


def _goes_on(ankle: np.ndarray, toe: np.ndarray, tip: np.ndarray) -> bool:
    """Whether the toe bone ends where toes do; an import may leave its tail anywhere."""
    foot, toes = ((end - start) * [1.0, 0.0, 1.0] for start, end in ((ankle, toe), (toe, tip)))
    rises = abs(tip[1] - toe[1])
    return float(normalise(foot) @ normalise(toes)) > 0.5 and rises < float(np.linalg.norm(toes))


def _canonical_axes(rig: Rig, mapping: Mapping) -> tuple[np.ndarray, np.ndarray]:
    """Axes (3, 3) and the point of the floor (3,) above which the character rests."""

    def head(joint: str) -> np.ndarray:
        return rig.heads[rig.index(mapping.bones[joint])]

    left = head("left_hip") - head("right_hip")
    left = left - (left @ rig.up) * rig.up
    if np.linalg.norm(left) < 1e-6:
        raise RigError(f"the hips of {rig.name} lie above each other; check the mapping's legs")
    left = normalise(left)
    axes = np.stack([left, rig.up, np.cross(left, rig.up)], axis=-1)

    middle = (head("left_hip") + head("right_hip")) / 2.0
    feet = [rig.index(b) for j, b in mapping.bones.items() if j.endswith(("ankle", "foot"))]
    lowest = float(min((rig.heads[feet] @ rig.up).min(), (rig.tails[feet] @ rig.up).min()))
    leg = float((middle - head("left_ankle")) @ rig.up)
    if leg <= 0.0:
        raise RigError(f"{rig.name} does not stand upright in its rest pose; turn it upright")
    height = 0.0 if abs(lowest) < _FLOOR_SLACK * leg else lowest
    return axes, middle - (middle @ rig.up - height) * rig.up


def _follows(rig: Rig, mapping: Mapping) -> dict[int, tuple[str, str, float]]:
    """Which joint each mapped bone follows; chains of any length are spread over ours."""
    follows = {rig.index(b): (joint, joint, 0.0) for joint, b in mapping.bones.items()}
    for i, bone in enumerate(mapping.spine):
        at = 3.0 * (i + 1) / len(mapping.spine)
        low = min(int(at), 2)
        follows[rig.index(bone)] = (_SPINE[low], _SPINE[low + 1], at - low)
    for i, bone in enumerate(mapping.neck):
        follows[rig.index(bone)] = ("spine3", "neck", (i + 1) / len(mapping.neck))
    return follows


def _carrier(rig: Rig, mapping: Mapping, bone: int, follows: dict, turning: bool) -> int | None:
    """The mapped bone that turns a bone, or just carries it along: named by the mapping, or the
    nearest ancestor."""
    named = mapping.parents.get(rig.bones[bone])
    if named is not None:
        return rig.index(named)
    if turning and not rig.inherits_rotation[bone]:
        return None
    for ancestor in rig.ancestors(bone):
        if ancestor in follows:
            return ancestor
        if turning and not rig.inherits_rotation[ancestor]:
            return None
    return None


def _depth(rig: Rig, mapping: Mapping, bone: int, follows: dict) -> int:
    depth = 0
    seen = {bone}
    while (parent := _carrier(rig, mapping, bone, follows, turning=False)) is not None:
        if parent in seen:
            raise RigError(f"the mapping's parents of {rig.bones[bone]!r} run in a circle")
        seen.add(parent)
        bone, depth = parent, depth + 1
    return depth


def _alignments(
    rig: Rig, mapping: Mapping, heads: np.ndarray, tails: np.ndarray, toes: dict[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """By joint, the rotation that brings its bone from the rig's rest pose into our T-pose.

    Rigs rest upright, so pelvis, spine, neck, head and collars need none. Limbs are turned as the
    solver would turn them, had the rest pose been a frame of a motion.
    """

    def head(joint: str) -> np.ndarray:
        return heads[rig.index(mapping.bones[joint])]

    aligns: dict[str, np.ndarray] = {}
    for side, out in _OUT.items():
        hip, knee, ankle = (head(f"{side}_{part}") for part in ("hip", "knee", "ankle"))
        upper, lower = knee - hip, ankle - knee
        foot = toes[side] - ankle
        thigh, shin = _limb_turns(rig, upper, lower, _DOWN, _LEFT, foot)
        heading = np.arctan2(foot[0], foot[2])
        level = from_axis_angle(np.array([0.0, 1.0, 0.0]), -heading)
        aligns |= {f"{side}_hip": thigh, f"{side}_knee": shin}
        aligns |= {f"{side}_ankle": level, f"{side}_foot": level}

        shoulder, elbow = head(f"{side}_shoulder"), head(f"{side}_elbow")
        wrist = mapping.bones.get(f"{side}_wrist")
        forearm = rig.index(mapping.bones[f"{side}_elbow"])
        end = tails[forearm] if wrist is None else heads[rig.index(wrist)]
        axis = np.cross(out, _FORWARD)
        arm, fore = _limb_turns(rig, elbow - shoulder, end - elbow, out, axis, None)
        aligns |= {f"{side}_shoulder": arm, f"{side}_elbow": fore, f"{side}_wrist": fore}
    return aligns


def _limb_turns(
    rig: Rig,
    upper: np.ndarray,
    lower: np.ndarray,
    out: np.ndarray,
    rest_axis: np.ndarray,
    foot: np.ndarray | None,
) -> tuple[np.ndarray, np.ndarray]:
    """Rotations of upper and lower bone from the rig's rest pose to the straight limb `out`."""
    if min(np.linalg.norm(upper), np.linalg.norm(lower)) < 1e-6:
        raise RigError(f"{rig.name} has a limb bone without length; check the mapping")
    toes = None if foot is None else foot[None]
    axis = hinge_axes(upper[None], lower[None], out, rest_axis, toes)[0]
    swing = between(upper, out)
    twist_from = rotate(swing, axis)
    turn = np.arctan2(np.cross(twist_from, rest_axis) @ out, twist_from @ rest_axis)
    upper_turn = multiply(from_axis_angle(out, turn), swing)
    lower_turn = multiply(between(rotate(upper_turn, lower), out), upper_turn)
    return upper_turn, lower_turn


def rest_delta(binding: Binding, control: int, turned: np.ndarray) -> np.ndarray:
    """Basis rotation (T, 4) in the bone's own axes from how far controls are turned from rest."""
    parent = binding.controls[control].parent
    own = binding.rest[control]
    relative = turned[:, control]
    if parent >= 0:
        relative = multiply(conjugate(turned[:, parent]), relative)
    return multiply(conjugate(own), multiply(relative, own))
