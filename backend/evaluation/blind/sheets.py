"""Sheets of stick figures from which a person can tell what a motion does.

A motion is a row of poses. They lie closer in time where limbs are faster, so that no blow falls
between two of them, and are seen from where most of the movement is across the view. Wrists and
ankles leave a trail since the pose before; nose and floor arrow show which way the body faces, and
a head is orange towards the viewer, white away from him and grey in profile.
"""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from backend.motion.facing import facing
from backend.motion.lengths import FPS
from shared.motion.skeleton import CHAINS, JOINT

POSES: Final = 12
ROWS: Final = 8
_LEFT, _RIGHT, _MIDDLE, _FACE = "#c0392b", "#2c6fbb", "#444444", "#e67e22"
_LIMBS: Final = (_RIGHT, _LEFT, _MIDDLE, _RIGHT, _LEFT)  # in the order of `skeleton.CHAINS`
_TIPS: Final = {
    "left_wrist": _LEFT,
    "right_wrist": _RIGHT,
    "left_ankle": _LEFT,
    "right_ankle": _RIGHT,
}
# Metres: from pose to pose, from row to row, of a row below its floor, of the number's column.
_ACROSS, _DOWN, _BELOW, _MARGIN = 1.35, 2.4, 0.42, 0.7
_ELEVATION: Final = np.radians(12)
_NOSE, _ARROW = 0.2, 0.42  # metres
# So much of the way from pose to pose goes by time, the rest by movement.
_EVEN: Final = 0.4
# Sine of the angle to the view below which a face is neither towards nor away from the viewer.
_PROFILE: Final = 0.35
_DOTS_PER_METRE: Final = 105.0


def draw_sheet(motions: Sequence[tuple[int, np.ndarray]]) -> Figure:
    """A sheet of numbered motions, joints (T, 22, 3) in metres, Y up, 20 frames a second."""
    width = _MARGIN + POSES * _ACROSS
    height = _DOWN * len(motions)
    dots = 100
    size = (width * _DOTS_PER_METRE / dots, height * _DOTS_PER_METRE / dots)
    figure = Figure(figsize=size, dpi=dots)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, width), ylim=(0, height))
    axes.axis("off")
    for row, (number, joints) in enumerate(motions):
        floor = height - (row + 1) * _DOWN + _BELOW
        axes.text(0.08, floor + 0.8, f"{number}", fontsize=20, weight="bold")
        axes.plot([_MARGIN, width - 0.05], [floor, floor], color="0.8", linewidth=1)
        _draw_motion(axes, np.asarray(joints, dtype=np.float64), floor)
    return figure


def chosen_frames(joints: np.ndarray, count: int = POSES) -> np.ndarray:
    """Frames (count) from the first to the last, denser where wrists and ankles are faster."""
    tips = joints[:, [JOINT[name] for name in _TIPS]] - joints[:, :1]
    speed = np.linalg.norm(np.diff(tips, axis=0), axis=-1).max(axis=1)
    steps = np.full(len(speed), _EVEN / max(1, len(speed)))
    steps += (1 - _EVEN) * speed / max(float(speed.sum()), 1e-9)
    passed = np.concatenate([[0.0], np.cumsum(steps)])
    return np.abs(passed[:, None] - np.linspace(0, passed[-1], count)).argmin(axis=0)


def view_of(joints: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Horizontal unit vectors to the right of the view and towards the viewer.

    Most of the limbs' movement is along the first; the body faces the right or the viewer.
    """
    tips = joints[:, [JOINT[name] for name in _TIPS]] - joints[:, :1]
    ways = np.diff(tips, axis=0)[..., [0, 2]].reshape(-1, 2)
    # Fast movement counts most.
    weights = np.linalg.norm(ways, axis=-1)
    _, axes = np.linalg.eigh((weights[:, None] * ways).T @ ways + 1e-9 * np.diag([1.0, 0.0]))
    right = np.array([axes[0, -1], 0.0, axes[1, -1]])
    near = np.cross(right, [0.0, 1.0, 0.0])
    sign = np.sign(facing(joints).mean(axis=0) @ (right + 0.5 * near)) or 1.0
    return sign * right, sign * near


def _draw_motion(axes: Any, joints: np.ndarray, floor: float) -> None:
    joints = joints - [0.0, np.percentile(joints[..., 1].min(axis=1), 5), 0.0]
    right, near = view_of(joints)
    faces = facing(joints)
    frames = chosen_frames(joints)
    centred = joints - joints[:, :1] * [1.0, 0.0, 1.0]

    def seen(points: np.ndarray, place: int) -> np.ndarray:
        across = points @ right + _MARGIN + (place + 0.5) * _ACROSS
        up = points[..., 1] * np.cos(_ELEVATION) - points @ near * np.sin(_ELEVATION)
        return np.stack([across, up + floor], axis=-1)

    for place, frame in enumerate(frames.tolist()):
        pose = seen(centred[frame], place)
        before = int(frames[place - 1]) if place else frame
        for name, colour in _TIPS.items():
            trail = seen(centred[before : frame + 1, JOINT[name]], place)
            axes.plot(*trail.T, color=colour, linewidth=0.9, alpha=0.45)
        bones = [pose[list(chain)] for chain in CHAINS]
        axes.add_collection(LineCollection(bones, colors=_LIMBS, linewidths=2.2))
        head = centred[frame, JOINT["head"]]
        nose = seen(np.stack([head, head + _NOSE * faces[frame]]), place)
        axes.plot(*nose.T, color=_FACE, linewidth=2.4)
        towards = float(faces[frame] @ near)
        profile = abs(towards) < _PROFILE
        axes.plot(
            *pose[JOINT["head"]],
            "o",
            markersize=10,
            markeredgecolor=_MIDDLE,
            markerfacecolor="0.85" if profile else _FACE if towards > 0 else "white",
        )
        start, end = seen(np.stack([np.zeros(3), _ARROW * faces[frame]]), place)
        axes.annotate(
            "", end, start, arrowprops={"arrowstyle": "->", "color": _FACE, "linewidth": 1.2}
        )
        label = f"{frame / FPS:.1f}"
        axes.text(
            *(start - [0, 0.36]), label, fontsize=8, color="0.35", horizontalalignment="center"
        )
