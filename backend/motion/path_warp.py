"""A motion that travels, laid along a curve on the floor.

What the pelvis does is parted into a way, smooth over a step, and what it does about it, such as
swaying. The way goes onto the curve, at the same pace but for strides that may be longer or shorter
and are shorter where the curve bends; the body turns by as much as curve and way differ in
direction, so that somebody who walks backwards still does; feet that stand do so (`footsteps.py`).
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from backend.motion.floor_curve import FloorCurve
from backend.motion.footsteps import Moves, place_feet
from backend.motion.lengths import FPS
from backend.motion.turning import turn_on_spot
from shared.motion.contacts import CONTACT_JOINTS
from shared.motion.filters import gaussian_filter1d

_FLOOR: Final = [0, 2]
_STEP_SECONDS: Final = 0.35
# Metres a second from which on a body goes somewhere, so that its way has a direction.
_GOING: Final = 0.15
# A share of the usual speed below which it pauses.
_PAUSING: Final = 0.4
# Radians a second that a body turns at most for a bend; people take shorter steps there as well.
_TURN_SPEED: Final = 1.4
_SHORTEST_STRIDE: Final = 0.3
_EASE_FRAMES: Final = 3.0
# Metres before the end of a curve at which a body has arrived.
_ARRIVED: Final = 0.1


@dataclass(frozen=True)
class Way:
    """How a motion travels.

    Attributes:
        places: (T, 2), the way of the pelvis without its swaying.
        headings: (T,), radians, where it leads; held while the body stands.
        progress: (T,), metres travelled.
    """

    places: np.ndarray
    headings: np.ndarray
    progress: np.ndarray

    @classmethod
    def of(cls, joints: np.ndarray) -> "Way":
        """The way of joints (T, 22, 3), Y up, 20 fps."""
        sigma = _STEP_SECONDS * FPS
        places = gaussian_filter1d(
            joints[:, 0, _FLOOR].astype(float), sigma, axis=0, mode="nearest"
        )
        step = np.gradient(places, axis=0)
        speed = np.linalg.norm(step, axis=-1)
        going = np.flatnonzero(speed * FPS > _GOING)
        if len(going) == 0:
            return cls(places, np.zeros(len(places)), np.zeros(len(places)))
        seen = np.unwrap(np.arctan2(step[going, 0], step[going, 1]))
        headings = np.interp(np.arange(len(places)), going, seen)
        headings = gaussian_filter1d(headings, sigma, mode="nearest")
        along = step[:, 0] * np.sin(headings) + step[:, 1] * np.cos(headings)
        walked = np.concatenate([[0.0], np.cumsum(np.maximum(along, 0.0)[1:])])
        return cls(places, headings, walked)

    @property
    def length(self) -> float:
        """Metres travelled in all."""
        return float(self.progress[-1])

    @property
    def straightness(self) -> float:
        """How far the way leads, as a share of its length: 1 straight on, 0 in a circle."""
        drawn = np.linalg.norm(np.diff(self.places, axis=0), axis=-1).sum()
        return float(np.linalg.norm(self.places[-1] - self.places[0]) / max(drawn, 1e-9))

    @property
    def pausing(self) -> float:
        """The share of the time between setting out and arriving in which it hardly goes on."""
        steps = np.diff(self.progress) * FPS
        slow = steps < _PAUSING * self.speed
        going = np.flatnonzero(~slow)
        return float(slow[going[0] : going[-1]].mean()) if len(going) > 1 else 1.0

    @property
    def speed(self) -> float:
        """Metres a second while it travels."""
        steps = np.diff(self.progress) * FPS
        fast = steps[steps > 0.5 * np.percentile(steps, 90)] if len(steps) else steps
        return float(np.median(fast)) if len(fast) else 0.0


def effort(curve: FloorCurve, speed: float) -> np.ndarray:
    """(m,), metres of straight way that the curve up to each of its samples is worth.

    In a bend strides are shorter, so that it takes more of them.

    Args:
        speed: metres a second of the motion.
    """
    stride = 1.0 / np.sqrt(1.0 + (curve.bends * speed / _TURN_SPEED) ** 2)
    cost = 1.0 / np.maximum(stride, _SHORTEST_STRIDE)
    steps = np.diff(curve.arc) * (cost[1:] + cost[:-1]) / 2
    return np.concatenate([[0.0], np.cumsum(steps)])


def follow(
    joints: np.ndarray,
    contacts: np.ndarray,
    way: Way,
    curve: FloorCurve,
    arc: np.ndarray,
    turn: float = 0.0,
) -> tuple[np.ndarray, np.ndarray]:
    """Joints (T, 22, 3) and contacts (T, 4) along the curve.

    Args:
        joints: metres, Y up, 20 fps.
        contacts: bool (T, 4).
        way: of the joints.
        arc: (T,), metres along the curve at each frame, never falling.
        turn: radians by which the body turns where it arrives.
    """
    places, headings = curve.at(arc)
    headings = gaussian_filter1d(headings, _EASE_FRAMES, mode="nearest")
    arrival = int(np.searchsorted(arc, arc[-1] - _ARRIVED))
    plan = turn_on_spot(contacts, turn, arrival)
    moves = Moves(headings - way.headings + plan.turns, way.places, places)
    return place_feet(joints, plan.contacts, moves, plan.steps), plan.contacts


def feet_slide(joints: np.ndarray, contacts: np.ndarray) -> float:
    """Mean speed over the floor (metres a second) of ankles and toes while they stand, 20 fps."""
    feet = joints[:, CONTACT_JOINTS][..., _FLOOR]
    speed = np.linalg.norm(np.diff(feet, axis=0), axis=-1) * FPS
    both = contacts[1:] & contacts[:-1]
    return float(speed[both].mean()) if both.any() else 0.0
