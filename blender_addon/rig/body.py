"""The rig in motion, and its feet on the floor."""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from ..shared.motion.rotations import from_axis_angle, multiply, normalise, rotate
from ..shared.motion.two_bone_ik import reach, stretch_drop
from .binding import Binding
from .feet import floor_lift, pin_correction, toe_bend

_SIDES: Final = ("left", "right")
_UP: Final = np.array([0.0, 1.0, 0.0])
_CONTACT_COLUMNS: Final = (slice(0, 2), slice(2, 4))


@dataclass(frozen=True)
class Body:
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
            p = control.support
            if p >= 0:
                found[:, i] = found[:, p] + rotate(self.turned[:, p], heads[i] - heads[p])
        return found

    def feet(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """For left and right foot: ankle and toe (T, 2, 3), and their heights (2,) at rest."""
        positions = self.positions()
        found = []
        for side in _SIDES:
            ankle = self.binding.at[f"{side}_ankle"]
            arm = self.binding.toes[side] - self.binding.heads[ankle]
            toe = positions[:, ankle] + rotate(self.turned[:, ankle], arm)
            rest = np.array([self.binding.heads[ankle][1], self.binding.toes[side][1]])
            found.append((np.stack([positions[:, ankle], toe], axis=1), rest))
        return found


def settle(body: Body, contacts: np.ndarray) -> Body:
    """Raise or lower the whole clip so that standing feet are as high as in the rig's rest pose."""
    gaps = np.concatenate([rest - points[..., 1] for points, rest in body.feet()], axis=-1)
    # Without a contact the lowest point of the clip is taken to touch the floor.
    shift = np.median(gaps[contacts]) if contacts.any() else gaps.max()
    return replace(body, hips=body.hips + shift * _UP)


def pin(body: Body, contacts: np.ndarray, fps: float, strength: float) -> Body:
    """Hold standing feet still and keep both above the floor."""
    leg = body.binding.leg_length
    moves, firmness = [], []
    for columns, (points, rest) in zip(_CONTACT_COLUMNS, body.feet(), strict=True):
        move, firm = pin_correction(points, contacts[:, columns], rest, fps, leg)
        moves.append(strength * move)
        firmness.append(firm)
    # What standing feet share in height the hips do; a straight leg could only bend for it.
    rises = sum(firm * move[:, 1] for firm, move in zip(firmness, moves, strict=True))
    rise = rises / np.maximum(sum(firmness), 1.0)
    body = replace(body, hips=body.hips + rise[:, None] * _UP)

    positions = body.positions()
    drop = np.zeros(len(rise))
    for i, (side, (points, rest)) in enumerate(zip(_SIDES, body.feet(), strict=True)):
        moves[i] = moves[i] - rise[:, None] * _UP
        moves[i][:, 1] += floor_lift(points + moves[i][:, None], rest)
        hip, ankle = (positions[:, body.binding.at[f"{side}_{j}"]] for j in ("hip", "ankle"))
        drop = np.maximum(drop, stretch_drop(hip, ankle, moves[i], leg, fps))
    body = replace(body, hips=body.hips - drop[:, None] * _UP)

    turned = body.turned.copy()
    positions = body.positions()
    for side, move in zip(_SIDES, moves, strict=True):
        place_foot(body, turned, positions, side, move + drop[:, None] * _UP)
    return _bend_toes(replace(body, turned=turned), fps)


def _bend_toes(body: Body, fps: float) -> Body:
    """Toes stay on the floor when the heel rises."""
    binding, turned, positions = body.binding, body.turned.copy(), body.positions()
    for side, tip in binding.tips.items():
        toe = binding.at[f"{side}_foot"]
        along = rotate(turned[:, toe], tip - binding.heads[toe])
        across = normalise(np.cross(along, rotate(turned[:, toe], _UP)))
        bend = toe_bend(positions[:, toe], along, across, tip[1], fps)
        turned[:, toe] = multiply(from_axis_angle(across, bend), turned[:, toe])
    return replace(body, turned=turned)


def place_foot(
    body: Body, turned: np.ndarray, positions: np.ndarray, side: str, move: np.ndarray
) -> None:
    """Turn thigh and shin in `turned` (T, controls, 4) so that the ankle moves by `move` (T, 3)."""
    binding = body.binding
    hip, knee, ankle = (binding.at[f"{side}_{j}"] for j in ("hip", "knee", "ankle"))
    forward = rotate(turned[:, knee], binding.toes[side] - binding.heads[ankle])
    leg = [positions[:, joint] for joint in (hip, knee, ankle)]
    thigh_turn, shin_turn = reach(*leg, leg[2] + move, forward)
    turned[:, hip] = multiply(thigh_turn, turned[:, hip])
    turned[:, knee] = multiply(shin_turn, turned[:, knee])
