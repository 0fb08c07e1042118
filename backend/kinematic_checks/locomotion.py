"""Checks of how the whole body moves: walking, running, turning, jumping."""

from typing import Final

import numpy as np

from backend.kinematic_checks.body_signals import BodySignals
from backend.kinematic_checks.registry import Event, register, span_events
from backend.kinematic_checks.thresholds import Run, Thresholds, Turn, Walk
from shared.motion.filters import maximum_filter1d, minimum_filter1d

_GAP_SECONDS: Final = 0.3
_STEP_SECONDS: Final = 0.8
_CROUCH_SECONDS: Final = 0.7


@register("run", "m/s")
def run(body: BodySignals, thresholds: Thresholds) -> list[Event]:
    """Moves fast over ground, or at jogging speed with both feet off the floor in between.

    Blind to running on the spot; a fast dance step across the floor looks the same.
    """
    least = body.frames(thresholds.run.seconds)
    mask = _running(body, thresholds.run)
    return span_events(mask, body.pace, least, body.frames(_GAP_SECONDS))


def _running(body: BodySignals, limits: Run) -> np.ndarray:
    airborne = maximum_filter1d(body.flight, body.frames(_STEP_SECONDS)) > limits.flight
    return (body.pace > limits.speed) | (airborne & (body.pace > limits.jog_speed))


@register("walk_forward", "m")
def walk_forward(body: BodySignals, thresholds: Thresholds) -> list[Event]:
    """Travels the way the pelvis faces, upright and not running.

    Blind to the legs: gliding, marching and creeping forward all count.
    """
    walking = ~_running(body, thresholds.run)
    return _walk(body, body.pace, walking, thresholds.walk_forward)


@register("walk_backward", "m")
def walk_backward(body: BodySignals, thresholds: Thresholds) -> list[Event]:
    """Travels against the way the pelvis faces, upright; blind to the legs."""
    return _walk(body, -body.pace, np.ones(len(body), dtype=bool), thresholds.walk_backward)


def _walk(body: BodySignals, pace: np.ndarray, where: np.ndarray, limits: Walk) -> list[Event]:
    mask = (pace > limits.speed) & (body.upright > 0.5) & where
    events = []
    for event in span_events(mask, pace, 1, body.frames(_GAP_SECONDS)):
        metres = float(pace[event.start : event.end].clip(0).sum() / body.fps)
        if metres > limits.distance:
            events.append(Event(event.start, event.end, event.peak, metres))
    return events


@register("turn_left", "degrees")
def turn_left(body: BodySignals, thresholds: Thresholds) -> list[Event]:
    """The pelvis ends up heading further left; a quick twist that returns is smoothed out.

    Cannot tell a turn on the spot, a pirouette and a walked corner apart.
    """
    return _turn(body, body.heading, thresholds.turn_left)


@register("turn_right", "degrees")
def turn_right(body: BodySignals, thresholds: Thresholds) -> list[Event]:
    """The pelvis ends up heading further right; see `turn_left`."""
    return _turn(body, -body.heading, thresholds.turn_right)


def _turn(body: BodySignals, heading: np.ndarray, limits: Turn) -> list[Event]:
    """Rises of the heading by `angle` within `seconds`, each from its lowest to its end."""
    window = body.frames(limits.seconds)
    events: list[Event] = []
    start = 0
    while start < len(heading) - 1:
        ahead = heading[start : start + window + 1]
        risen = np.flatnonzero(ahead - np.minimum.accumulate(ahead) > limits.angle)
        if not len(risen):
            start += max(1, window // 4)
            continue
        low = start + int(np.argmin(ahead[: risen[0] + 1]))
        end = start + int(risen[0])
        while end + 1 < len(heading) and heading[end + 1] > heading[end]:
            end += 1
        peak = low + int(np.argmax(np.diff(heading[low : end + 1])))
        events.append(Event(low, end + 1, peak, float(heading[end] - heading[low])))
        start = end + 1
    return events


@register("jump", "m")
def jump(body: BodySignals, thresholds: Thresholds) -> list[Event]:
    """Both feet leave the floor while the pelvis rises from a lower point just before.

    Cannot tell a leap in dance or over an obstacle from a jump; hops on one foot count.
    """
    limits = thresholds.jump
    window = body.frames(_CROUCH_SECONDS)
    height = body.joints[:, 0, 1]
    # The origin shifts the window into the past.
    rise = height - minimum_filter1d(height, window, origin=(window - 1) // 2, mode="nearest")
    longest = body.frames(limits.seconds)
    return [
        event
        for event in span_events(body.flight > limits.flight, rise)
        if event.strength > limits.rise and event.end - event.start <= longest
    ]
