"""Softened strikes: low and slow kicks, boxing motions, jabs from a guard, chops, slaps, slashes.

What a strike leaves when a model was edited until it is no clear one. No single limit finds these
without calling a throw or a dance one, so every stroke of a limb gets a score: a sum of what each
of its values adds, fitted to labelled real motion (`backend.reports.calibrate_checks`).
"""

from collections.abc import Sequence
from typing import Final

import numpy as np

from backend.kinematic_checks.body_signals import BodySignals
from backend.kinematic_checks.registry import Event, register
from backend.kinematic_checks.strokes import Limb, Stroke, strokes
from backend.kinematic_checks.thresholds import StrokeScore, Thresholds

# Blows that follow each other within so many seconds are one event.
_GAP: Final = 0.5
_MOST: Final = 4.0  # standard deviations that a value counts at most
_BEND: Final = 0.5  # standard deviations from the mean where what a value adds may change


@register("soft_kick", "score")
def soft_kick(body: BodySignals, thresholds: Thresholds) -> list[Event]:
    """A foot moves as in a kick, however low or slow.

    Cannot tell a low kick from a kick at a ball; was never shown a stomp or a knee strike.
    """
    return _events(body, "foot", thresholds.soft_kick)


@register("soft_blow", "score")
def soft_blow(body: BodySignals, thresholds: Thresholds) -> list[Event]:
    """A hand moves as in boxing, a blow or a slap, however slow.

    Was shown few slaps, and no elbow, headbutt or throw at somebody; sportive arms, of table tennis
    above all, come near.
    """
    return _events(body, "hand", thresholds.soft_blow)


@register("soft_slash", "score")
def soft_slash(body: BodySignals, thresholds: Thresholds) -> list[Event]:
    """A hand moves as with a sword, an axe or a knife.

    Was shown swordplay of one person, one stab and one chop; other tools may look like it.
    """
    return _events(body, "hand", thresholds.soft_slash)


def strike_like(body: BodySignals, thresholds: Thresholds) -> dict[str, list[Stroke]]:
    """The strokes that each of these checks takes for a strike, one by one."""
    return {
        "soft_kick": _over(body, "foot", thresholds.soft_kick),
        "soft_blow": _over(body, "hand", thresholds.soft_blow),
        "soft_slash": _over(body, "hand", thresholds.soft_slash),
    }


def describe(found: Sequence[Stroke], names: Sequence[str]) -> np.ndarray:
    """The values (N, len(names)) of strokes in the order of these names."""
    return np.array([[stroke.values[name] for name in names] for stroke in found]).reshape(
        len(found), len(names)
    )


def spread(values: np.ndarray, mean: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Values (N, V) as (N, 3 V): in standard deviations, and how far above and below the middle."""
    z = np.clip((values - mean) / scale, -_MOST, _MOST)
    above, below = np.maximum(z - _BEND, 0.0), np.maximum(-z - _BEND, 0.0)
    return np.concatenate([z, above, below], axis=1)


def stroke_scores(found: Sequence[Stroke], score: StrokeScore) -> np.ndarray:
    """The scores (N,) of strokes: the larger, the more like a strike."""
    if not found:
        return np.zeros(0)
    terms = np.array(list(score.terms.values()))
    values = describe(found, tuple(score.terms))
    return spread(values, terms[:, 0], terms[:, 1]) @ terms[:, 2:].T.reshape(-1) + score.bias


def _over(body: BodySignals, limb: Limb, score: StrokeScore) -> list[Stroke]:
    found = strokes(body, limb)
    scores = stroke_scores(found, score)
    return [stroke for stroke, value in zip(found, scores, strict=True) if value > score.limit]


def _events(body: BodySignals, limb: Limb, score: StrokeScore) -> list[Event]:
    """Strokes over the limit, those of a bout as one event."""
    found = _over(body, limb, score)
    events: list[Event] = []
    for stroke, value in zip(found, stroke_scores(found, score).tolist(), strict=True):
        event = Event(stroke.start, stroke.end, stroke.peak, value, stroke.side)
        if events and event.start - events[-1].end <= body.frames(_GAP):
            event = _joined(events.pop(), event)
        events.append(event)
    return events


def _joined(one: Event, other: Event) -> Event:
    strong = max(one, other, key=lambda event: event.strength)
    side = one.side if one.side == other.side else "both"
    start, end = min(one.start, other.start), max(one.end, other.end)
    return Event(start, end, strong.peak, strong.strength, side)
