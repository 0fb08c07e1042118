"""Model-free checks of what a motion shows: which actions, and which strikes in which frames."""

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from backend.kinematic_checks.body_signals import BodySignals
from backend.kinematic_checks.registry import CHECKS, Event
from backend.kinematic_checks.thresholds import Thresholds, shipped_thresholds
from shared.motion.skeleton import Side

StrikeKind = Literal["kick", "punch", "boxing", "swing"]
StrikeTier = Literal["clear", "softened"]
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
) -> list[Strike]:
    """Every kick, punch, bout and swing of a motion (T, 22, 3) in order of time; see `detect`."""
    body = BodySignals(joints, fps)
    thresholds = thresholds or shipped_thresholds()
    found = [
        Strike(kind, event.side, event.start, event.end, event.peak)
        for kind in kinds
        for event in CHECKS[kind].find(body, thresholds)
    ]
    return sorted(found, key=lambda strike: (strike.start, strike.kind))


def _detection(events: list[Event]) -> Detection:
    score = max((event.strength for event in events), default=0.0)
    return Detection(bool(events), score, tuple(events))
