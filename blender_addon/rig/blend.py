"""A rig's movement led over from what it did before, and back to it.

Everything is in the rig's canonical axes (see `binding`); weights ease in and out.
"""

from dataclasses import dataclass

import numpy as np

from ..shared.motion.kinematics import Pose
from ..shared.motion.limb_twist import smoothstep
from ..shared.motion.loops import heading, turned_about
from ..shared.motion.rotations import (
    conjugate,
    from_axis_angle,
    multiply,
    normalise,
    rotate,
    slerp,
    to_axis_angle,
)

_UP = np.array([0.0, 1.0, 0.0])
# Over which a difference to a kept pose fades out on each side.
_MEETING_SECONDS = 0.4
_LEVEL = np.array([1.0, 0.0, 1.0])


@dataclass(frozen=True)
class Stance:
    """What a rig does in the frames of a transition, without the new motion.

    Attributes:
        turned: (n, controls, 4), how far each control is turned from rest.
        hips: (n, 3), position of the first control.
    """

    turned: np.ndarray
    hips: np.ndarray

    def __len__(self) -> int:
        return len(self.hips)


@dataclass(frozen=True)
class Kept:
    """What a rig does in single frames, whatever the motion has there.

    Attributes:
        frames: (n,), rows of the motion, increasing.
        stance: what it does there.
    """

    frames: np.ndarray
    stance: Stance


def start_from(pose: Pose, stance: Stance, scale: float) -> Pose:
    """The pose clip placed so that it starts where the rig stands, facing the same way."""
    angle = heading(stance.turned[0, 0]) - heading(pose.rotations[0, 0])
    return turned_about(pose, float(angle), pose.root[0], stance.hips[0] / scale)


def blend_in(turned: np.ndarray, hips: np.ndarray, before: Stance) -> None:
    """Lead the first frames of `turned` (T, controls, 4) and `hips` (T, 3) over from `before`."""
    count = min(len(before), len(hips))
    share = smoothstep(np.arange(count) / len(before), 0.0, 1.0)
    turned[:count] = slerp(before.turned[:count], turned[:count], share[:, None])
    hips[:count] += (1.0 - share)[:, None] * (before.hips[:count] - hips[:count])


def meet(turned: np.ndarray, hips: np.ndarray, kept: Kept, fps: float) -> None:
    """Let `turned` (T, controls, 4) and `hips` (T, 3) be what is kept in its frames.

    What differs there fades out on both sides, and is gone at the next kept frame.
    """
    count, frames = len(hips), kept.frames
    apart = multiply(kept.stance.turned, conjugate(turned[frames]))
    angles, ways = to_axis_angle(apart), kept.stance.hips - hips[frames]
    turn, way = np.zeros((*turned.shape[:2], 3)), np.zeros_like(hips)
    longest = max(1, round(_MEETING_SECONDS * fps))
    around = np.concatenate([[-longest], frames, [count - 1 + longest]])
    for number, frame in enumerate(frames.tolist()):
        for step, next_one in ((-1, around[number]), (1, around[number + 2])):
            room = min(longest, abs(int(next_one) - frame))
            reached = frame + step * np.arange(0 if step > 0 else 1, room)
            reached = reached[(reached >= 0) & (reached < count)]
            share = 1.0 - smoothstep(np.abs(reached - frame) / room, 0.0, 1.0)
            turn[reached] += share[:, None, None] * angles[number]
            way[reached] += share[:, None] * ways[number]
    size = np.linalg.norm(turn, axis=-1)
    turned[:] = multiply(from_axis_angle(normalise(turn), size), turned)
    hips += way


def blend_out(turned: np.ndarray, hips: np.ndarray, after: Stance) -> None:
    """Lead the last frames over to `after`, brought to where the motion ends."""
    count = min(len(after), len(hips))
    angle = heading(turned[-1, 0]) - heading(after.turned[-1, 0])
    turn = from_axis_angle(_UP, angle)
    goal = multiply(turn, after.turned[-count:])
    way = rotate(turn, after.hips[-count:] - after.hips[-1] * _LEVEL) + hips[-1] * _LEVEL
    share = smoothstep(np.arange(count, 0, -1) / len(after) - 1.0 / len(after), 0.0, 1.0)
    turned[-count:] = slerp(goal, turned[-count:], share[:, None])
    hips[-count:] += (1.0 - share)[:, None] * (way - hips[-count:])
