"""Model-free checks of what a motion shows: which actions, and which strikes in which frames.

Strikes have two tiers. A clear one is fast, high or far enough for a check of `strikes.py`, and a
stroke of its limb moves like a strike (`softened.py`); a softened one does only the latter.
"""

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from backend.kinematic_checks.body_signals import BodySignals
from backend.kinematic_checks.registry import CHECKS, Event
from backend.kinematic_checks.softened import strike_like
from backend.kinematic_checks.strokes import Stroke
from backend.kinematic_checks.thresholds import Thresholds, shipped_thresholds
from shared.motion.skeleton import Side

StrikeKind = Literal["kick", "punch", "boxing", "swing"]
StrikeTier = Literal["clear", "softened"]
STRIKE_TIERS: Final[tuple[StrikeTier, ...]] = ("clear", "softened")
# What a softened strike is called, and which clear kinds are of its limb.
_SOFTENED: Final[dict[str, tuple[StrikeKind, tuple[StrikeKind, ...]]]] = {
    "soft_kick": ("kick", ("kick",)),
    "soft_blow": ("punch", ("punch", "boxing")),
    "soft_slash": ("swing", ("swing",)),
}
STRIKE_KINDS: Final[tuple[StrikeKind, ...]] = ("kick", "punch", "boxing", "swing")


@dataclass(frozen=True)
class Detection:
    """What one check found in a motion.

    Attributes:
        present: whether the motion shows the action at all.
        score: strength of the strongest event in the check's own unit; 0 without one.
        events: in order of time, frames [start, end).
    """

    present: bool
    score: float
    events: tuple[Event, ...]


@dataclass(frozen=True)
class Strike:
    """A kick, a punch, a bout of boxing or a weapon-like swing in frames [start, end).

    `peak` is the frame in which the limb is most outstretched, for the first time in a bout.
    `tier` is `clear`, or `softened` for what is low, slow or merely hinted.
    """

    kind: StrikeKind
    side: Side | None
    start: int
    end: int
    peak: int
    tier: StrikeTier = "clear"


def detect(
    joints: np.ndarray, fps: float = 20.0, thresholds: Thresholds | None = None
) -> dict[str, Detection]:
    """Run every kinematic check on a motion.

    Args:
        joints: (T, 22, 3), metres, Y up, at least 2 frames.
        thresholds: those that come with Placid when None.

    Returns:
        A detection for each class that has a check (`check_names`).

    Raises:
        KinematicsError: for joints of another shape.
    """
    body = BodySignals(joints, fps)
    thresholds = thresholds or shipped_thresholds()
    return {name: _detection(check.find(body, thresholds)) for name, check in CHECKS.items()}


def check_names() -> tuple[str, ...]:
    """The classes that have a kinematic check."""
    return tuple(CHECKS)


def shows(found: dict[str, Detection], kind: str, side: Side | None = None) -> bool:
    """Whether a motion shows the action, with the limb of that side when one is asked for.

    "both" asks for both limbs at some time, together or in turn.
    """
    detection = found[kind]
    sides = {event.side for event in detection.events}
    if side is None or sides <= {None}:
        return detection.present
    wanted = {"left", "right"} if side == "both" else {side}
    return "both" in sides or wanted <= sides


def strikes(
    joints: np.ndarray,
    fps: float = 20.0,
    kinds: tuple[StrikeKind, ...] = STRIKE_KINDS,
    thresholds: Thresholds | None = None,
    tiers: tuple[StrikeTier, ...] = STRIKE_TIERS,
) -> list[Strike]:
    """Every kick, punch, bout and swing of a motion (T, 22, 3) in order of time; see `detect`.

    A softened blow of any kind is called a punch. What is part of a clear strike is not told again.
    """
    body = BodySignals(joints, fps)
    thresholds = thresholds or shipped_thresholds()
    like = strike_like(body, thresholds)
    clear, softened = [], []
    for name, (kind, clear_kinds) in _SOFTENED.items():
        moving = like[name] if name != "soft_slash" else like[name] + like["soft_blow"]
        clear += [
            Strike(clear_kind, event.side, event.start, event.end, event.peak)
            for clear_kind in clear_kinds
            for event in CHECKS[clear_kind].find(body, thresholds)
            if any(_meet(event, stroke) for stroke in moving)
        ]
        softened += [
            Strike(kind, event.side, event.start, event.end, event.peak, "softened")
            for event in CHECKS[name].find(body, thresholds)
        ]
    softened = [soft for soft in softened if not any(_meet(soft, strike) for strike in clear)]
    found = [s for s in (*clear, *softened) if s.kind in kinds and s.tier in tiers]
    return sorted(found, key=lambda strike: (strike.start, strike.kind))


def _meet(one: Event | Strike, other: Event | Strike | Stroke) -> bool:
    """Whether two share frames and, where both have one, the limb."""
    sides = {one.side, other.side}
    same = len(sides) == 1 or not sides <= {"left", "right"}
    return same and one.start < other.end and other.start < one.end


def _detection(events: list[Event]) -> Detection:
    score = max((event.strength for event in events), default=0.0)
    return Detection(bool(events), score, tuple(events))
