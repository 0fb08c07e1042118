"""Where in a clip the labelled action happens, read off the joints (T, 22, 3), Y up, metres."""

from collections.abc import Iterator
from dataclasses import replace
from typing import cast

import numpy as np
from scipy.signal import find_peaks

from backend.datasets.actions import Action
from backend.datasets.sources import Segment
from backend.motion.facing import facing
from backend.motion.lengths import FPS
from shared.motion.skeleton import JOINT, Side

_LEFT_HIP, _RIGHT_HIP = JOINT["left_hip"], JOINT["right_hip"]
_LEFT_SHOULDER, _RIGHT_SHOULDER = JOINT["left_shoulder"], JOINT["right_shoulder"]
_WRISTS = {
    "left": (JOINT["left_wrist"],),
    "right": (JOINT["right_wrist"],),
    "both": (JOINT["left_wrist"], JOINT["right_wrist"]),
}


def heading(joints: np.ndarray) -> np.ndarray:
    """Continuous heading (T,) in degrees relative to the first frame; left turns are positive."""
    forward = facing(joints)
    angle = np.unwrap(np.arctan2(forward[:, 0], forward[:, 2]))
    return np.degrees(angle - angle[0])


def travel_speed(joints: np.ndarray) -> float:
    """Mean horizontal pelvis speed in m/s along the body's facing, negative when backing away."""
    step = np.diff(joints[:, 0], axis=0)
    return float((step * facing(joints)[:-1]).sum(-1).mean() * FPS) if len(step) else 0.0


def turn_span(joints: np.ndarray) -> tuple[int, int]:
    """Frames [start, end) in which the middle 80 % of the net turn happens."""
    angle = heading(joints)
    done = angle / angle[-1]
    start = int(np.argmax(done > 0.1))
    end = len(done) - int(np.argmax(done[::-1] < 0.9))
    return min(start, end - 1), end


def jump_span(joints: np.ndarray) -> tuple[int, int]:
    """Frames [start, end) from the crouch before the highest pelvis position to the landing."""
    height = joints[:, 0, 1]
    top = int(height.argmax())
    before, after = height[max(0, top - 12) : top + 1], height[top : top + 13]
    return max(0, top - 12) + int(before.argmin()), top + int(after.argmin()) + 1


def raise_span(joints: np.ndarray, side: str) -> tuple[int, int]:
    """Frames [start, end) in which the wrist(s) of `side` rise from lowest to highest."""
    height = joints[:, _WRISTS[side], 1].mean(1)
    top = int(height.argmax())
    low = int(height[: top + 1].argmin())
    return low, top + 1


def bow_span(joints: np.ndarray) -> tuple[int, int]:
    """Frames [start, end) in which the head is more than halfway down."""
    height = joints[:, JOINT["head"], 1] - joints[:, 0, 1]
    low = np.flatnonzero(height <= (height.max() + height.min()) / 2)
    return int(low[0]), int(low[-1]) + 1


_SLOW = {"walk_forward": 0.75, "walk_backward": 0.55, "run": 1.7}
_FAST = {"walk_forward": 1.5, "walk_backward": 1.1, "run": 3.2}


def with_speed(action: Action, joints: np.ndarray) -> Action:
    """The action with its speed measured, for kinds that travel and have none stated."""
    if action.speed or action.kind not in _SLOW:
        return action
    speed = abs(travel_speed(joints))
    if speed < _SLOW[action.kind]:
        jog = "jog" if action.kind == "run" else action.variant
        return replace(action, speed="slow", variant=jog)
    return replace(action, speed="fast") if speed > _FAST[action.kind] else action


def core(joints: np.ndarray, action: Action) -> tuple[int, int] | None:
    """Frames [start, end) that show a one-time action; None for actions that go on and on."""
    if action.kind in ("turn_left", "turn_right"):
        return turn_span(joints)
    if action.kind == "jump" and action.variant != "repeated":
        return jump_span(joints)
    if action.kind == "raise_hand":
        return raise_span(joints, action.side or "both")
    return bow_span(joints) if action.kind == "bow" else None


def straight_parts(joints: np.ndarray, turn: Segment, least: int = 30) -> Iterator[Segment]:
    """The stretches of plain walking or running before and after a turn."""
    if turn.core is None:
        return
    kind = "run" if turn.action.variant == "run" else "walk_forward"
    for start, end in ((turn.start, turn.core[0] - 4), (turn.core[1] + 4, turn.end)):
        if end - start >= least:
            action = Action(kind, style=turn.action.style)
            yield Segment(start, end, with_speed(action, joints[start:end]))


# A strike of the data: the limb is far out from the pelvis (metres), nearly straight (share of
# its length) and was fast on its way (m/s); a kick is also high, a punch near shoulder height.
_KICK_REACH, _KICK_HEIGHT, _KICK_SPEED = 0.45, 0.45, 2.5
_PUNCH_STRAIGHT, _PUNCH_DROP, _PUNCH_SPEED = 0.75, 0.35, 2.0
_RUN_UP = 5
# Strikes closer than this are one event.
_APART = 6


def strikes(joints: np.ndarray, kind: str) -> list[tuple[int, str]]:
    """Frames and sides of the strikes of a clip of `kind` "kick" or "punch", in order."""
    end, base = ("ankle", "hip") if kind == "kick" else ("wrist", "shoulder")
    found: list[tuple[int, str, float]] = []
    for side in ("left", "right"):
        tip, root = joints[:, JOINT[f"{side}_{end}"]], joints[:, JOINT[f"{side}_{base}"]]
        from_pelvis = tip - joints[:, 0]
        reach = np.linalg.norm(from_pelvis[:, [0, 2]], axis=-1)
        speed = np.linalg.norm(np.diff(from_pelvis, axis=0, prepend=from_pelvis[:1]), axis=-1) * FPS
        for peak in find_peaks(reach, distance=_APART)[0]:
            fastest = float(speed[max(0, peak - _RUN_UP) : peak + 1].max())
            if kind == "kick":
                height = tip[peak, 1] - joints[..., 1].min()
                hit = reach[peak] > _KICK_REACH and height > _KICK_HEIGHT and fastest > _KICK_SPEED
            else:
                straight = np.linalg.norm(tip[peak] - root[peak]) / _limb_length(joints, side)
                drop = abs(tip[peak, 1] - root[peak, 1])
                hit = straight > _PUNCH_STRAIGHT and drop < _PUNCH_DROP and fastest > _PUNCH_SPEED
            if hit:
                found.append((int(peak), side, fastest))
    kept: list[tuple[int, str, float]] = []
    for event in sorted(found):
        if kept and event[0] - kept[-1][0] < _APART:
            kept[-1] = max(kept[-1], event, key=lambda item: item[2])
        else:
            kept.append(event)
    return [(peak, side) for peak, side, _ in kept]


def _limb_length(joints: np.ndarray, side: str) -> float:
    chain = [JOINT[f"{side}_{part}"] for part in ("shoulder", "elbow", "wrist")]
    return float(np.linalg.norm(np.diff(joints[0, chain], axis=0), axis=-1).sum())


# A window reaches this far (frames) round a strike at least and at most; between the two it ends
# midway to the next strike, so that a label stays with its own strike.
_WINDOW_LEAST, _WINDOW_MOST = 20, 40
_STRIKE_BEFORE, _STRIKE_AFTER = 8, 5
# A row of strikes with no longer pause than this is also one segment that any crop shows.
_PAUSE = 60


def strike_segments(
    length: int, events: list[tuple[int, str]], action: Action, captions: tuple[str, ...] = ()
) -> Iterator[Segment]:
    """The segments of a clip of strikes: the whole row when it is dense, then every strike.

    Without a strike, the whole clip is one segment.
    """
    if not events:
        yield Segment(0, length, action, captions)
        return
    peaks = [peak for peak, _ in events]
    sides = {side for _, side in events}
    if len(events) > 1 and max(np.diff(peaks)) <= _PAUSE:
        start, end = max(0, peaks[0] - _WINDOW_MOST), min(length, peaks[-1] + _WINDOW_MOST)
        one_side = events[0][1] if len(sides) == 1 else None
        yield Segment(start, end, replace(action, side=cast(Side | None, one_side)), captions)
    for number, (peak, side) in enumerate(events):
        before = peak - peaks[number - 1] if number else 2 * _WINDOW_MOST
        after = peaks[number + 1] - peak if number + 1 < len(peaks) else 2 * _WINDOW_MOST
        start = max(0, peak - int(np.clip(before // 2, _WINDOW_LEAST, _WINDOW_MOST)))
        end = min(length, peak + int(np.clip(after // 2, _WINDOW_LEAST, _WINDOW_MOST)))
        core = (max(start, peak - _STRIKE_BEFORE), min(end, peak + _STRIKE_AFTER))
        yield Segment(start, end, replace(action, side=cast(Side, side)), core=core)
