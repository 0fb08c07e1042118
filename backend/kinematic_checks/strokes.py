"""Strokes: every quick movement of a hand or a foot, described by what tells a strike from others.

A stroke may be harmless: `softened.py` scores it. What describes it is relative to the body:
lengths in arm or leg lengths, speeds in metres a second, angles in degrees, times in seconds.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal

import numpy as np

from backend.kinematic_checks.body_signals import SIDES, BodySignals
from shared.motion.rotations import wrapped
from shared.motion.skeleton import JOINT, Side

_HANDS_FROM, _FEET_FROM = 0.8, 1.0  # m/s: what is slower is no stroke
_APART: Final = 0.25  # seconds between two strokes of one limb
_BEFORE, _OUT, _AFTER = 0.5, 0.3, 0.5  # seconds: run-up, way to the outermost place, way back
_NEIGHBOURS: Final = 1.25  # seconds to each side in which strokes of other moments count

Limb = Literal["hand", "foot"]


@dataclass(frozen=True)
class Stroke:
    """A movement of one limb in frames [start, end), outermost in frame `peak`.

    `values` describe it by name.
    """

    side: Side
    start: int
    end: int
    peak: int
    values: dict[str, float]


@lru_cache(maxsize=4)  # several checks ask for those of one body
def strokes(body: BodySignals, limb: Limb) -> tuple[Stroke, ...]:
    """All strokes of hands or of feet, in order of time."""
    find = _hand if limb == "hand" else _foot
    found = sorted(
        (stroke for index in range(len(SIDES)) for stroke in find(body, index)),
        key=lambda stroke: stroke.peak,
    )
    speeds = [(stroke.peak, stroke.values["speed"]) for stroke in found]
    near = body.frames(_NEIGHBOURS)
    for stroke in found:
        half = stroke.values["speed"] / 2
        stroke.values["others"] = float(
            sum(0 < abs(p - stroke.peak) <= near and speed > half for p, speed in speeds)
        )
    return tuple(found)


def _hand(body: BodySignals, index: int) -> Iterator[Stroke]:
    speed, extension = body.wrist_speed[:, index], body.arm_extension[:, index]
    thrust, other = body.arm_thrust[:, index], 1 - index
    outward = 1.0 if index == 0 else -1.0
    for fastest, start, peak, end in _moments(body, speed, extension, _HANDS_FROM):
        left, up, forward = body.reach[peak, index]
        from_left, from_up, from_forward = body.reach[start, index]
        other_left, other_up, other_forward = body.reach[peak, other]
        way = body.reach[start : peak + 1, index]
        values = {
            "speed": float(speed[fastest]),
            "extension": float(extension[peak]),
            "gain": float(extension[peak] - extension[start]),
            "thrust": float(thrust[start : peak + 1].max()),
            "back": float(extension[peak] - extension[peak:end].min()),
            "up": float(up),
            "forward": float(forward),
            "outward": float(outward * left),
            "from_up": float(from_up),
            "from_forward": float(from_forward),
            "from_outward": float(outward * from_left),
            "fall": float(way[:, 1].max() - up),
            "rise": float(up - way[:, 1].min()),
            "other_up": float(other_up),
            "other_forward": float(other_forward),
            "other_outward": float(-outward * other_left),
            "other_extension": float(body.arm_extension[peak, other]),
            "other_speed": float(body.wrist_speed[start : peak + 1, other].max()),
            "other_gain": float(body.arm_extension[peak, other] - body.arm_extension[start, other]),
            "shoulder_turn": _turn(body, start, peak) * -outward,
            **_posture(body, start, peak, end),
        }
        yield Stroke(SIDES[index], start, end, peak, values)


def _foot(body: BodySignals, index: int) -> Iterator[Stroke]:
    speed, lift = body.foot_speed[:, index], body.leg_lift[:, index]
    side, other = SIDES[index], SIDES[1 - index]
    outward = 1.0 if index == 0 else -1.0
    extension = body.leg_extension[:, index]
    ankle = body.joints[:, JOINT[f"{side}_ankle"]]
    support = np.linalg.norm(body.velocity(body.joints[:, JOINT[f"{other}_ankle"]]), axis=-1)
    own = np.linalg.norm(body.velocity(ankle), axis=-1)
    thigh = body.joints[:, JOINT[f"{side}_knee"]] - body.joints[:, JOINT[f"{side}_hip"]]
    raised = np.degrees(np.arctan2(np.linalg.norm(thigh[:, [0, 2]], axis=-1), -thigh[:, 1]))
    for fastest, start, peak, end in _moments(body, speed, lift, _FEET_FROM):
        reach = (ankle[peak] - body.joints[peak, 0]) / body.leg_length
        height = (ankle[:, 1] - np.percentile(body.joints[..., 1].min(axis=1), 5)) / body.leg_length
        values = {
            "speed": float(speed[fastest]),
            "own_speed": float(own[fastest]),
            "lift": float(lift[peak]),
            "lift_gain": float(lift[peak] - lift[start : peak + 1].min()),
            "lift_back": float(lift[peak] - lift[peak:end].min()),
            "thigh": float(raised[start : peak + 1].max()),
            "extension": float(extension[peak]),
            "chamber": float(extension[start : peak + 1].min()),
            "height": float(height[peak]),
            "fall": float(-np.diff(height[peak:end]).min(initial=0.0) * body.fps),
            "forward": float(reach @ body.facing[peak]),
            "outward": float(outward * (reach @ body.leftward[peak])),
            "support_speed": float(support[start : peak + 1].mean()),
            "flight": float(body.flight[start:end].max()),
            "hands_up": float(body.reach[start:end, :, 1].mean()),
            "hands_wide": float(np.abs(body.reach[start:end, :, 0]).max()),
            "hands_forward": float(body.reach[start:end, :, 2].mean()),
            **_posture(body, start, peak, end),
        }
        yield Stroke(side, start, end, peak, values)


def _moments(
    body: BodySignals, speed: np.ndarray, out: np.ndarray, least: float
) -> Iterator[tuple[int, int, int, int]]:
    """Frames of the peaks of a speed: fastest, start of the run-up, outermost, end."""
    apart = body.frames(_APART)
    taken = np.zeros(len(speed), dtype=bool)
    for fastest in np.argsort(-speed, kind="stable").tolist():
        if speed[fastest] < least:
            break
        if taken[fastest]:
            continue
        taken[max(0, fastest - apart) : fastest + apart + 1] = True
        before = max(0, fastest - body.frames(_BEFORE))
        start = before + int(out[before : fastest + 1].argmin())
        peak = fastest + int(out[fastest : fastest + body.frames(_OUT) + 1].argmax())
        yield fastest, start, peak, min(len(speed), peak + body.frames(_AFTER) + 1)


def _posture(body: BodySignals, start: int, peak: int, end: int) -> dict[str, float]:
    ankles = body.joints[peak, JOINT["left_ankle"]] - body.joints[peak, JOINT["right_ankle"]]
    heading = body.heading[start:end]
    return {
        "seconds": (peak - start) / body.fps,
        "travel": float(body.ground_speed[peak]),
        "upright": float(body.upright[start:end].min()),
        "lean": float(body.lean[peak]),
        "pelvis": float(body.pelvis_height[peak]),
        "stance": float(np.hypot(ankles[0], ankles[2]) / body.leg_length),
        "turn": float(np.ptp(heading) / max(1, end - start) * body.fps),
    }


def _turn(body: BodySignals, start: int, peak: int) -> float:
    """Degrees that the shoulders turn to the left."""
    across = body.joints[:, JOINT["left_shoulder"]] - body.joints[:, JOINT["right_shoulder"]]
    ends = across[[start, peak]]
    first, last = np.arctan2(-ends[:, 2], ends[:, 0])
    return float(np.degrees(wrapped(last - first)))
