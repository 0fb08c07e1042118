"""Turning where one stands: small turns within the last step, larger ones in steps on the spot."""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from backend.motion.footsteps import COLUMNS, SIDES, Stance, steps_of
from shared.motion.limb_twist import smoothstep

# Radians that a body turns over standing feet, and by which a step on the spot turns a foot.
_WITHIN_A_STEP: Final = np.radians(45.0)
_PER_STEP: Final = np.radians(60.0)
# Frames (20 a second) in which a small turn is made, of which so many before the body arrives.
_SMALL: Final = (24, 18)
# Frames of a step with each foot, and of one foot's being in the air.
_CYCLE: Final = 16
_IN_AIR: Final = 7
# Frames that pass between arriving and the first step.
_PAUSE: Final = 4


@dataclass(frozen=True)
class Turning:
    """A turn at the end of a motion.

    Attributes:
        turns: (T,), radians about the vertical.
        steps: when each foot stands.
        contacts: bool (T, 4), without feet that are lifted for the turn.
    """

    turns: np.ndarray
    steps: dict[str, list[Stance]]
    contacts: np.ndarray


def frames_to_turn(angle: float) -> int:
    """Frames after arriving that a turn by an angle (radians) takes."""
    cycles = _cycles(angle)
    return _PAUSE + cycles * _CYCLE if cycles else 0


def turn_on_spot(contacts: np.ndarray, angle: float, arrival: int) -> Turning:
    """A turn by an angle (radians) from frame `arrival` on, where the motion stands.

    Args:
        contacts: bool (T, 4), in the order of `CONTACT_JOINTS`.
    """
    steps, count = steps_of(contacts), len(contacts)
    cycles = _cycles(angle)
    if cycles == 0:
        start = arrival - _SMALL[1]
        share = smoothstep((np.arange(count) - start) / _SMALL[0], 0.0, 1.0)
        return Turning(angle * share, steps, contacts)
    start = arrival + _PAUSE
    share = smoothstep((np.arange(count) - start) / (cycles * _CYCLE), 0.0, 1.0)
    contacts = contacts.copy()
    # The foot on the side of the turn goes first, so that legs do not cross.
    order = SIDES if angle > 0 else SIDES[::-1]
    for number, side in enumerate(order):
        for cycle in range(cycles):
            lift = start + cycle * _CYCLE + number * _CYCLE // 2
            steps[side] = _lifted(steps[side], lift, lift + _IN_AIR)
            contacts[lift : lift + _IN_AIR, COLUMNS[side]] = False
    return Turning(angle * share, steps, contacts)


def _cycles(angle: float) -> int:
    if abs(angle) <= _WITHIN_A_STEP:
        return 0
    return int(np.ceil(abs(angle) / _PER_STEP - 1e-6))


def _lifted(spans: list[Stance], start: int, end: int) -> list[Stance]:
    """Spans of standing with the frames [start, end) in the air."""
    found: list[Stance] = []
    for span in spans:
        if span.start < start and end < span.end:
            found += [replace(span, end=start), Stance(end, span.end, lifted=True)]
        else:
            found.append(span)
    return found
