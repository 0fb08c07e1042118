"""Hands and feet that are held to places, by two-bone IK on the rig's own bones.

Positions are canonical (y up, floor at 0) in the rig's unit; T frames. What comes of it are
rotations of upper and lower limb, keyed like all others.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from ..shared.motion.rotations import multiply, rotate
from ..shared.motion.two_bone_ik import reach, stretch_drop
from .body import Body, place_foot

LIMBS: Final = ("left_hand", "right_hand", "left_foot", "right_foot")
# The middle of the palm, as a share of the hand's bone.
_PALM: Final = 0.6
# Where an elbow goes that is straight and has to bend, seen from the body.
_ELBOW: Final = np.array([0.0, -0.5, -1.0])
_UP: Final = np.array([0.0, 1.0, 0.0])


@dataclass(frozen=True)
class LimbPin:
    """A limb that is held.

    Attributes:
        limb: one of `LIMBS`.
        goals: (T, 3), where palm or sole shall be; None for where they are in the first frame in
            which they are held.
        weights: (T,), how firmly: 1 is held, 0 is as the motion has it.
    """

    limb: str
    goals: np.ndarray | None
    weights: np.ndarray


def hold_limbs(body: Body, pins: Sequence[LimbPin], fps: float) -> tuple[Body, list[float]]:
    """The body with pins in force, one after another, and how far each stays from its goal.

    The distance is the largest one in frames in which the limb is held fully, in the rig's unit.
    """
    apart = [0.0] * len(pins)
    # Feet first: hips may sink for them, and take the arms along.
    for number in sorted(range(len(pins)), key=lambda number: pins[number].limb.endswith("hand")):
        pin = pins[number]
        if pin.weights.any() and _joints(body, pin.limb)[0] >= 0:
            body, apart[number] = _held(body, pin, fps)
    return body, apart


def _held(body: Body, pin: LimbPin, fps: float) -> tuple[Body, float]:
    """The body with one limb held, and how far it stays from its goal."""
    upper, lower, end = _joints(body, pin.limb)
    tip = _tip(body, pin.limb)
    first = int(pin.weights.argmax())
    goals = np.tile(tip[first], (len(tip), 1)) if pin.goals is None else pin.goals
    if pin.limb.endswith("foot"):
        body = _sunk(body, pin, pin.weights[:, None] * (goals - tip), fps)
        tip = _tip(body, pin.limb)
        side = pin.limb.partition("_")[0]
        foot = body.binding.toes[side] - body.binding.head(f"{side}_ankle")
        hint = rotate(body.turned[:, lower], foot)
    else:
        hint = rotate(body.turned[:, 0], _ELBOW)
    positions = body.positions()
    wrist = _end(body, pin.limb, positions, end)
    goal = wrist + pin.weights[:, None] * (goals - tip)
    turns = reach(positions[:, upper], positions[:, lower], wrist, goal, hint)
    turned = body.turned.copy()
    moving = (pin.weights > 0.0)[:, None]
    for joint, turn in zip((upper, lower), turns, strict=True):
        turned[:, joint] = np.where(moving, multiply(turn, turned[:, joint]), turned[:, joint])
    body = replace(body, turned=turned)
    off = np.linalg.norm(_tip(body, pin.limb) - goals, axis=-1)[pin.weights >= 1.0]
    return body, float(off.max()) if len(off) else 0.0


def _sunk(body: Body, pin: LimbPin, move: np.ndarray, fps: float) -> Body:
    """The body with hips low enough for the held foot; the other one stays where it is."""
    upper, _, end = _joints(body, pin.limb)
    positions = body.positions()
    hip, ankle = positions[:, upper], positions[:, end]
    drop = stretch_drop(hip, ankle, move, body.binding.leg_length, fps)[:, None] * _UP
    sunk = replace(body, hips=body.hips - drop)
    other = "right" if pin.limb.startswith("left") else "left"
    turned = sunk.turned.copy()
    place_foot(sunk, turned, sunk.positions(), other, drop)
    return replace(sunk, turned=turned)


def _joints(body: Body, limb: str) -> tuple[int, int, int]:
    """The controls of upper limb, lower limb and its end; -1 for what the rig has not."""
    side, _, part = limb.partition("_")
    names = ("shoulder", "elbow", "wrist") if part == "hand" else ("hip", "knee", "ankle")
    upper, lower, end = (body.binding.at.get(f"{side}_{name}", -1) for name in names)
    return upper, lower, end


def _end(body: Body, limb: str, positions: np.ndarray, end: int) -> np.ndarray:
    """Where the lower limb ends (T, 3), also on a rig without a bone for the hand."""
    if end >= 0:
        return positions[:, end]
    _, lower, _ = _joints(body, limb)
    arm = _rest_tail(body, lower) - body.binding.heads[lower]
    return positions[:, lower] + rotate(body.turned[:, lower], arm)


def _tip(body: Body, limb: str) -> np.ndarray:
    """The middle of the palm, or the sole below the ankle, (T, 3)."""
    _, _, end = _joints(body, limb)
    place = _end(body, limb, body.positions(), end)
    if limb.endswith("foot"):
        return place - body.binding.heads[end] * _UP
    if end < 0:
        return place
    return place + rotate(
        body.turned[:, end], _PALM * (_rest_tail(body, end) - body.binding.heads[end])
    )


def _rest_tail(body: Body, control: int) -> np.ndarray:
    """Where a control's bone ends at rest, in canonical axes."""
    binding, bone = body.binding, body.binding.controls[control].bone
    along = binding.rig.tails[bone] - binding.rig.heads[bone]
    return binding.heads[control] + along @ binding.axes
