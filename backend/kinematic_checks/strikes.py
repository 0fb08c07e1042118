"""Checks of violent movement: kicks, punches, bouts of punches, swings of a weapon."""

from collections.abc import Iterator
from typing import Final

import numpy as np

from backend.kinematic_checks.body_signals import SIDES, BodySignals
from backend.kinematic_checks.registry import Event, register, spans, turning_points
from backend.kinematic_checks.thresholds import Boxing, Thresholds
from shared.motion.filters import uniform_filter1d

# A guard's other fist is about half as far in front as the one that strikes; hands that push,
# clap or stretch out together are level.
_HELD_BACK: Final = 2 / 3


@register("kick", "m/s")
def kick(body: BodySignals, thresholds: Thresholds) -> list[Event]:
    """A foot shoots up and out, the leg near straight, while the trunk stays up.

    Cannot tell a kick from a dancer's fast high leg; misses low kicks.
    """
    limits = thresholds.kick
    near = body.frames(limits.seconds)
    events = []
    for index, side in enumerate(SIDES):
        lift, speed = body.leg_lift[:, index], body.foot_speed[:, index]
        out = (body.leg_extension[:, index] > limits.extension) & (body.upright > limits.upright)
        for peak in _peaks(np.where(out & (lift > limits.lift), lift, 0.0), body.frames(0.4)):
            start, end = max(0, peak - near), min(len(body), peak + near + 1)
            fastest = float(speed[start : peak + 1].max())
            if fastest > limits.speed:
                events.append(Event(start, end, peak, fastest, side))
    return sorted(events, key=lambda event: event.start)


@register("punch", "m/s")
def punch(body: BodySignals, thresholds: Thresholds) -> list[Event]:
    """A wrist shoots away from its shoulder until the arm is near straight and about level.

    Cannot tell a punch from a quick reach, push, throw or pointing arm; misses hooks and
    uppercuts, whose arm stays bent.
    """
    limits = thresholds.punch
    before, after = body.frames(0.4), body.frames(0.25)
    events = []
    for index, side in enumerate(SIDES):
        thrust, extension = body.arm_thrust[:, index], body.arm_extension[:, index]
        for fastest in _peaks(np.where(thrust > limits.thrust, thrust, 0.0), body.frames(0.3)):
            start, end = max(0, fastest - before), min(len(body), fastest + after + 1)
            out = fastest + int(extension[fastest:end].argmax())
            left, up, forward = body.reach[out, index] / max(extension[out], 1e-6)
            if (
                extension[out] > limits.extension
                and extension[out] - extension[start : fastest + 1].min() > limits.gain
                and body.wrist_speed[start:end, index].max() > limits.speed
                and abs(up) < limits.steepest
                and max(forward, abs(left)) > limits.forward
            ):
                events.append(Event(start, end, out, float(thrust[fastest]), side))
    return sorted(events, key=lambda event: event.start)


@register("boxing", "blows")
def boxing(body: BodySignals, thresholds: Thresholds) -> list[Event]:
    """Blows of one hand or both follow each other, to the front and at shoulder height.

    A blow may be slower and reach less far than a `punch`. Cannot tell boxing from single punches
    in a row or from lively gestures to the front; misses blows to the body, hooks and uppercuts
    whose arm keeps its bend, and a boxer who only keeps the guard up.
    """
    limits = thresholds.boxing
    blows = sorted(_blows(body, limits), key=lambda blow: blow.peak)
    needed = max(2, round(limits.blows))
    bouts: list[list[Event]] = []
    for first in range(len(blows) - needed + 1):
        group = blows[first : first + needed]
        if group[-1].peak - group[0].peak > body.frames(limits.seconds):
            continue
        if bouts and group[0] in bouts[-1]:
            bouts[-1] += [event for event in group if event not in bouts[-1]]
        else:
            bouts.append(group)
    return [
        Event(min(blow.start for blow in bout), bout[-1].end, bout[0].peak, float(len(bout)))
        for bout in bouts
    ]


def _blows(body: BodySignals, limits: Boxing) -> Iterator[Event]:
    """Arms that stretch and bend again, the fist fast and in front, the other one held back.

    Frames may begin or end in the middle of a blow: half of one counts.
    """
    before = body.frames(0.3)
    for index, side in enumerate(SIDES):
        extension = body.arm_extension[:, index]
        turns = turning_points(extension, limits.gain).tolist()
        stretched = turns[int(np.argmax(extension[turns[:2]])) :: 2] if turns else []
        for out in stretched:
            start = max(0, out - before)
            left, up, forward = body.reach[out, index]
            fastest = float(body.wrist_speed[start : out + 1, index].max())
            if (
                fastest > limits.speed
                and abs(up) < limits.level
                and forward > abs(left)
                and body.reach[out, 1 - index, 2] < _HELD_BACK * forward
            ):
                yield Event(start, out + 1, out, fastest, side)


@register("swing", "degrees")
def swing(body: BodySignals, thresholds: Thresholds) -> list[Event]:
    """A stretched arm sweeps a wide arc fast and downward, as with a sword or a club.

    Cannot tell a weapon's swing from a sporting, dancing or clearing sweep of the arm; misses
    cuts that rise or stay level.
    """
    limits = thresholds.swing
    events = []
    for index, side in enumerate(SIDES):
        length = np.maximum(body.arm_extension[:, index, None], 1e-6)
        direction = body.reach[:, index] / length
        cosine = np.clip((direction[1:] * direction[:-1]).sum(-1), -1, 1)
        turned = np.concatenate([[0.0], np.degrees(np.arccos(cosine))])
        rate = uniform_filter1d(turned * body.fps, body.frames(0.15), mode="nearest")
        fast = (rate > limits.rate) & (body.arm_extension[:, index] > limits.extension)
        for start, end in spans(fast, 2, 1):
            arc = float(turned[start:end].sum())
            speed = body.wrist_speed[start:end, index].max()
            fall = body.reach[start, index, 1] - body.reach[end - 1, index, 1]
            if arc > limits.arc and speed > limits.speed and fall > limits.fall:
                peak = start + int(rate[start:end].argmax())
                events.append(Event(start, end, peak, arc, side))
    return sorted(events, key=lambda event: event.start)


def _peaks(values: np.ndarray, distance: int) -> list[int]:
    """Frames of the largest values above 0, taken greedily, more than `distance` apart."""
    peaks: list[int] = []
    for frame in np.argsort(-values, kind="stable").tolist():
        if values[frame] <= 0:
            break
        if all(abs(frame - other) > distance for other in peaks):
            peaks.append(frame)
    return sorted(peaks)
