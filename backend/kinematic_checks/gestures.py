"""Checks of what arms and trunk show: waving, raised hands, bowing, dancing."""

import numpy as np

from backend.kinematic_checks.body_signals import SIDES, BodySignals
from backend.kinematic_checks.registry import (
    Event,
    merge_sides,
    register,
    span_events,
    spans,
    turning_points,
)
from backend.kinematic_checks.thresholds import Thresholds
from shared.motion.filters import maximum_filter1d


@register("wave", "swings")
def wave(body: BodySignals, thresholds: Thresholds) -> list[Event]:
    """A lifted forearm sways to and fro several times.

    Cannot tell waving from other lifted, repeated arm movements (signals, wiping a window).
    """
    limits = thresholds.wave
    found = []
    for index, side in enumerate(SIDES):
        events = []
        lifted = body.reach[:, index, 1] > limits.height
        for start, end in spans(lifted, body.frames(0.5), body.frames(0.2)):
            runs = (
                run
                for axis in range(3)
                for run in _dense_runs(
                    start + turning_points(body.forearm[start:end, index, axis], limits.sway),
                    body.frames(limits.seconds),
                )
            )
            best = max(runs, key=len, default=[])
            if len(best) - 1 >= limits.swings:
                middle = best[len(best) // 2]
                events.append(Event(best[0], best[-1] + 1, middle, len(best) - 1.0, side))
        found.append(events)
    return merge_sides(*found)


def _dense_runs(frames: np.ndarray, gap: int) -> list[list[int]]:
    """Runs of frames of which neighbours are at most `gap` apart."""
    cuts = np.flatnonzero(np.diff(frames) > gap) + 1
    return [part.tolist() for part in np.split(frames, cuts) if len(part)]


@register("raise_hand", "m")
def raise_hand(body: BodySignals, thresholds: Thresholds) -> list[Event]:
    """A wrist stays above the head joint while the body stays about where it is.

    Cannot tell raising a hand from reaching up or from a dancer's lifted arms.
    """
    limits = thresholds.raise_hand
    still = body.ground_speed < limits.drift
    least = body.frames(limits.seconds)
    found = []
    for index, side in enumerate(SIDES):
        above = body.wrist_above_head[:, index]
        found.append(span_events((above > limits.height) & still, above, least, side=side))
    return merge_sides(*found)


@register("bow", "degrees")
def bow(body: BodySignals, thresholds: Thresholds) -> list[Event]:
    """The trunk leans forward from upright over near-straight legs, on the spot.

    Cannot tell a bow from leaning over for another reason.
    """
    limits = thresholds.bow
    standing = np.percentile(body.pelvis_height, 90)
    started_upright = body.lean.min() < limits.lean / 2
    events = []
    for event in span_events(body.lean > limits.lean, body.lean, body.frames(0.3)):
        part = slice(event.start, event.end)
        path = body.joints[part, 0][:, [0, 2]]
        if (
            started_upright
            and event.strength < limits.deepest
            and standing - body.pelvis_height[part].min() < limits.drop
            and np.linalg.norm(path - path[0], axis=-1).max() < limits.travel
        ):
            events.append(event)
    return events


@register("dance", "arm lengths")
def dance(body: BodySignals, thresholds: Thresholds) -> list[Event]:
    """Within a moment the hands open wide, each of them gets around, and a leg leaves its stand.

    Cannot tell dancing from acrobatics, climbing, kicks with flung arms or steps with wide
    gestures; misses dances of the legs alone or with arms kept close. Asks for no rhythm: within
    six seconds real dances repeat themselves less than walks and waves do.
    """
    limits = thresholds.dance
    moment = body.frames(limits.seconds)
    hands = body.reach
    spread = _highest(hands[:, 0, 0] - hands[:, 1, 0], moment)
    box = _highest(hands, moment) + _highest(-hands, moment)
    sweep = np.linalg.norm(box, axis=-1).min(axis=1)
    lift = _highest(body.leg_lift.max(axis=1), moment)
    dancing = (spread > limits.spread) & (sweep > limits.sweep) & (lift > limits.lift)
    return span_events(dancing, sweep, gap=moment)


def _highest(values: np.ndarray, frames: int) -> np.ndarray:
    """The highest of `values` (T, ...) in so many frames around each."""
    return maximum_filter1d(values, frames, axis=0, mode="nearest")
