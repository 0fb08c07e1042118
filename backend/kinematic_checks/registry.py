"""Kinematic checks, one function per class of action, and the values they return."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np

from backend.kinematic_checks.body_signals import BodySignals
from backend.kinematic_checks.thresholds import Thresholds
from shared.motion.skeleton import Side
from shared.registry import Registry


@dataclass(frozen=True)
class Event:
    """Something a body does in frames [start, end).

    Attributes:
        peak: the frame in which it shows most.
        strength: its leading quantity, in the unit the check names.
        side: the limb that acts; None where none does.
    """

    start: int
    end: int
    peak: int
    strength: float
    side: Side | None = None


@dataclass(frozen=True)
class Check:
    """A named check; `find` reads events off body signals, `unit` is that of their strength."""

    name: str
    unit: str
    find: Callable[[BodySignals, Thresholds], list[Event]]


CHECKS: Final[Registry[Check]] = Registry("kinematic check", "backend.kinematic_checks")
_Find = Callable[[BodySignals, Thresholds], list[Event]]


def register(name: str, unit: str) -> Callable[[_Find], _Find]:
    """Register a check under the name of an action class."""

    def add(find: _Find) -> _Find:
        CHECKS.register(name, Check(name, unit, find))
        return find

    return add


def spans(mask: np.ndarray, least: int = 1, gap: int = 0) -> list[tuple[int, int]]:
    """Frames [start, end) in which `mask` (T,) holds for at least `least` frames.

    Interruptions of up to `gap` frames are bridged first.
    """
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]).astype(np.int8)))
    found: list[tuple[int, int]] = []
    for start, end in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        if found and start - found[-1][1] <= gap:
            found[-1] = (found[-1][0], end)
        else:
            found.append((start, end))
    return [(start, end) for start, end in found if end - start >= least]


def span_events(
    mask: np.ndarray,
    strength: np.ndarray,
    least: int = 1,
    gap: int = 0,
    side: Side | None = None,
) -> list[Event]:
    """One event per span of `mask`, peaking where `strength` (T,) is largest in it."""
    events = []
    for start, end in spans(mask, least, gap):
        peak = start + int(np.argmax(strength[start:end]))
        events.append(Event(start, end, peak, float(strength[peak]), side))
    return events


def turning_points(values: np.ndarray, sway: float) -> np.ndarray:
    """Frames of the alternating highs and lows of `values` (T,) that differ by over `sway`."""
    points: list[int] = []
    high = low = 0
    rising: bool | None = None
    for frame, value in enumerate(values.tolist()):
        if value > values[high]:
            high = frame
        if value < values[low]:
            low = frame
        if rising is not False and values[high] - value > sway:
            points.append(high)
            rising, low = False, frame
        elif rising is not True and value - values[low] > sway:
            points.append(low)
            rising, high = True, frame
    if rising is not None:
        points.append(high if rising else low)
    return np.array(points, dtype=int)


def merge_sides(left: Iterable[Event], right: Iterable[Event]) -> list[Event]:
    """Events of the two limbs in order of time; those that overlap by half become one of both."""
    rest = list(right)
    merged: list[Event] = []
    for event in left:
        partner = next((r for r in rest if _overlap(event, r) >= 0.5), None)
        if partner is None:
            merged.append(event)
            continue
        rest.remove(partner)
        strong = max(event, partner, key=lambda e: e.strength)
        start, end = min(event.start, partner.start), max(event.end, partner.end)
        merged.append(Event(start, end, strong.peak, strong.strength, "both"))
    return sorted([*merged, *rest], key=lambda e: e.start)


def _overlap(a: Event, b: Event) -> float:
    shared = min(a.end, b.end) - max(a.start, b.start)
    return shared / max(1, min(a.end - a.start, b.end - b.start))
