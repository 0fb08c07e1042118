"""Where in a clip the labelled action happens, read off the joints (T, 22, 3), Y up, metres."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from backend.datasets.actions import Action
from backend.datasets.sources import FPS, Segment
from shared.skeleton import JOINT

_LEFT_HIP, _RIGHT_HIP = JOINT["left_hip"], JOINT["right_hip"]
_LEFT_SHOULDER, _RIGHT_SHOULDER = JOINT["left_shoulder"], JOINT["right_shoulder"]
_WRISTS = {
    "left": (JOINT["left_wrist"],),
    "right": (JOINT["right_wrist"],),
    "both": (JOINT["left_wrist"], JOINT["right_wrist"]),
}


def facing(joints: np.ndarray) -> np.ndarray:
    """Horizontal unit vectors (T, 3) that the body faces, from hips and shoulders."""
    across = joints[:, _LEFT_HIP] - joints[:, _RIGHT_HIP]
    across = across + joints[:, _LEFT_SHOULDER] - joints[:, _RIGHT_SHOULDER]
    forward = np.cross(across, [0.0, 1.0, 0.0])
    return forward / np.maximum(np.linalg.norm(forward, axis=-1, keepdims=True), 1e-8)


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
    low = np.flatnonzero(height < (height.max() + height.min()) / 2)
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
    if action.kind == "jump" and action.variant is None:
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
