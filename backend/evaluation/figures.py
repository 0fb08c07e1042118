"""Stick figures of motions: contact sheets to look at."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np

from backend.motion.facing import facing
from shared.motion.skeleton import CHAINS, JOINT

_LEFT: Final = "tab:red"
_RIGHT: Final = "tab:blue"
_MIDDLE: Final = "0.25"
# The colour of each chain of `CHAINS`.
_COLOURS: Final = (_RIGHT, _LEFT, _MIDDLE, _RIGHT, _LEFT)
# Direction of the camera from the body in its first frame: half left, in front of it.
_VIEW: Final = 35.0
# Inches per row, and the metres it shows from below the floor to a raised hand.
_ROW: Final = 2.4
_BELOW, _ABOVE = 0.35, 2.3
_HEIGHT: Final = _BELOW + _ABOVE


def strip(
    joints: np.ndarray, path: Path, title: str, frames: int = 8, spacing: float = 0.9
) -> None:
    """Draw `frames` poses of one motion side by side as PNG; see `sheet`."""
    sheet([(title, joints)], path, frames, spacing)


def sheet(
    motions: Sequence[tuple[str, np.ndarray]],
    path: Path,
    frames: int = 8,
    spacing: float = 0.9,
) -> None:
    """Draw one row of poses per motion as PNG.

    The left limbs are red, the right ones blue. Every row is seen from half left in front of the
    body's first pose; the poses are moved apart by `spacing` metres, so travel is lost
    so a second panel shows the path from above (facing down at first, start in green).

    Args:
        motions: a title and joints (T, 22, 3), Y up, in metres, for every row.
        path: the PNG to write.
        frames: poses per row, evenly spaced in time.
        spacing: metres between neighbouring poses.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    wide = (frames + 1) * spacing * _ROW / _HEIGHT
    figure = Figure(figsize=(wide + _ROW, _ROW * len(motions)), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(len(motions), 2, squeeze=False, width_ratios=[wide, _ROW])
    for (title, joints), (row, path_view) in zip(motions, axes, strict=True):
        _draw_poses(row, _from_camera(joints), frames, spacing)
        row.set_title(title, fontsize=9, loc="left")
        _draw_path(path_view, joints)
    figure.savefig(path, dpi=80)


def _from_camera(joints: np.ndarray) -> np.ndarray:
    """Image coordinates (T, 22, 2): to the right of the viewer, up."""
    forward = facing(joints[:1])[0]
    angle = np.arctan2(forward[0], forward[2]) + np.radians(_VIEW)
    right = np.array([np.cos(angle), 0.0, -np.sin(angle)])
    return np.stack([joints @ right, joints[..., 1]], axis=-1)


def _draw_poses(axis, image: np.ndarray, frames: int, spacing: float) -> None:
    chosen = np.linspace(0, len(image) - 1, frames).round().astype(int)
    for place, frame in enumerate(chosen):
        pose = image[frame] + [place * spacing - image[frame, 0, 0], 0.0]
        for chain, colour in zip(CHAINS, _COLOURS, strict=True):
            axis.plot(*pose[list(chain)].T, color=colour, linewidth=1.6)
        axis.plot(*pose[JOINT["head"]], "o", color=_MIDDLE, markersize=5)
        axis.text(place * spacing, -0.25, f"{frame / 20:.1f} s", fontsize=7, ha="center")
    axis.axhline(0.0, color="0.7", linewidth=0.8)
    axis.set(xlim=(-spacing, frames * spacing), ylim=(-_BELOW, _ABOVE), aspect="equal")
    axis.axis("off")


def _draw_path(axis, joints: np.ndarray) -> None:
    forward = facing(joints[:1])[0]
    left = np.array([forward[2], 0.0, -forward[0]])
    ground = np.stack([joints[:, 0] @ left, -(joints[:, 0] @ forward)], axis=-1)
    ground -= ground[0]
    axis.plot(*ground.T, color="0.4", linewidth=1)
    axis.plot(0, 0, "o", color="tab:green", markersize=4)
    half = max(1.0, float(np.abs(ground).max()) * 1.1)
    axis.set(xlim=(-half, half), ylim=(-half, half), aspect="equal")
    axis.tick_params(labelsize=6)
