"""Checks of violent movement: kicks, punches, bouts of punches, swings of a weapon."""

import msgspec
import numpy as np
from scipy.ndimage import uniform_filter1d

from backend.evaluation.body_signals import SIDES, BodySignals
from backend.evaluation.checks import Event, register, spans
from backend.evaluation.checks.thresholds import Thresholds


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


@register("boxing", "punches")
def boxing(body: BodySignals, thresholds: Thresholds) -> list[Event]:
    """Punches follow each other quickly; as blind as `punch` to what they are for.

    Jabs from a guard are shorter than a single punch, so each may reach less far than `punch` asks.
    """
    limits = thresholds.boxing
    jab = msgspec.structs.replace(
        thresholds.punch, thrust=limits.thrust, extension=limits.extension, gain=limits.gain
    )
    punches = punch(body, msgspec.structs.replace(thresholds, punch=jab))
    needed = max(2, round(limits.punches))
    bouts: list[list[Event]] = []
    for first in range(len(punches) - needed + 1):
        group = punches[first : first + needed]
        if group[-1].peak - group[0].peak > body.frames(limits.seconds):
            continue
        if bouts and group[0] in bouts[-1]:
            bouts[-1] += [event for event in group if event not in bouts[-1]]
        else:
            bouts.append(group)
    return [
        Event(bout[0].start, max(event.end for event in bout), bout[0].peak, float(len(bout)))
        for bout in bouts
    ]


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
