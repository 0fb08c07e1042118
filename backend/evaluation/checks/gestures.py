"""Checks of what arms and trunk show: waving, raised hands, bowing, dancing."""

import numpy as np
from scipy.ndimage import uniform_filter1d

from backend.evaluation.body_signals import SIDES, BodySignals
from backend.evaluation.checks import Event, merge_sides, register, span_events, spans
from backend.evaluation.checks.thresholds import Thresholds


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


@register("dance", "signs")
def dance(body: BodySignals, thresholds: Thresholds) -> list[Event]:
    """The whole body is busy without getting far.

    Of lifted arms, a lifted leg, turning, fast limbs and arms that both go up and down, several
    hold. A rough guess:
    acrobatics, martial arts and lively play look the same; calm or mere step dances are missed.
    """
    limits = thresholds.dance
    path = body.joints[:, 0][:, [0, 2]]
    seconds = (len(body) - 1) / body.fps
    if np.linalg.norm(path[-1] - path[0]) / seconds > limits.travel:
        return []
    busy = limb_speed(body)
    signs = (
        int((body.reach[:, :, 1].max(axis=1) > -0.1).mean() > limits.arms)
        + int(body.leg_lift.max() > limits.legs)
        + int(np.abs(np.diff(body.heading)).sum() / seconds > limits.turning)
        + int(busy.mean() > limits.energy)
        + int(np.ptp(body.reach[:, :, 1], axis=0).min() > limits.sweep)
    )
    if signs < limits.signs:
        return []
    peak = int(uniform_filter1d(busy, body.frames(1.0)).argmax())
    return [Event(0, len(body), peak, float(signs))]


def limb_speed(body: BodySignals) -> np.ndarray:
    """Mean speed (T,) of wrists relative to the chest and ankles to the pelvis, m/s."""
    return np.concatenate([body.wrist_speed, body.foot_speed], axis=1).mean(axis=1)
