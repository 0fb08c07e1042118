"""A motion as a small moving stick figure, drawn with numpy alone.

The view goes along with the body; marks on the floor, half a metre apart, show how it travels.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from ...shared.motion.motion import Motion
from ...shared.motion.skeleton import JOINT, JOINT_NAMES, PARENTS

SIZE: Final = 96  # pixels of a picture, square
RATE: Final = 10.0  # pictures a second
_TURN: Final = np.radians(35.0)  # from the front, about the vertical
_TILT: Final = np.radians(8.0)  # from above
_HEIGHT: Final = 2.15  # metres that a picture shows
_FLOOR: Final = 0.12  # of a picture, where the floor is
_SAMPLES: Final = 40  # points along a bone
_MARKS: Final = 0.5  # metres
_HEAD: Final = 0.11  # metres
_LEFT, _RIGHT, _TRUNK = (0.40, 0.68, 1.0), (1.0, 0.62, 0.30), (0.88, 0.88, 0.90)
_GROUND: Final = (0.20, 0.20, 0.22, 1.0)
_MARK: Final = (0.45, 0.45, 0.48)


def _color(name: str) -> tuple[float, float, float]:
    return {"left": _LEFT, "right": _RIGHT}.get(name.partition("_")[0], _TRUNK)


_COLORS: Final = np.array([_color(name) for name in JOINT_NAMES[1:]], dtype=np.float32)
_BRUSH: Final = np.stack(np.meshgrid([-1, 0, 1], [-1, 0, 1]), axis=-1).reshape(-1, 2)


@dataclass(frozen=True)
class Figure:
    """A motion as it is drawn.

    Attributes:
        points: (N, 22, 3), across, up and towards the viewer in pixels, of N pictures.
        travel: (N,), how far the body has gone across the picture, in pixels.
    """

    points: np.ndarray
    travel: np.ndarray

    @classmethod
    def of(cls, motion: Motion) -> "Figure":
        """The pictures of a motion, as it plays at its own speed."""
        count = max(1, round(motion.seconds * RATE))
        at = np.minimum((np.arange(count) * motion.fps / RATE).astype(int), len(motion) - 1)
        joints = motion.with_up("Y").joints[at].astype(float)
        away = joints[:, :1] * [1.0, 0.0, 1.0]
        across = np.array([np.cos(_TURN), 0.0, -np.sin(_TURN)])
        ahead = np.array([np.sin(_TURN), 0.0, np.cos(_TURN)])
        up = np.cos(_TILT) * np.array([0.0, 1.0, 0.0]) - np.sin(_TILT) * ahead
        scale = SIZE / _HEIGHT
        seen = (joints - away) @ np.stack([across, up, ahead], axis=-1) * scale
        seen += [SIZE / 2.0, _FLOOR * SIZE, 0.0]
        return cls(seen, (away[:, 0] @ across) * scale)

    def __len__(self) -> int:
        return len(self.points)

    def draw(self, number: int) -> np.ndarray:
        """Picture `number` of the round: float32 (SIZE, SIZE, 4), from the bottom row up."""
        points, travel = self.points[number % len(self)], self.travel[number % len(self)]
        picture = np.empty((SIZE, SIZE, 4), dtype=np.float32)
        picture[:] = _GROUND
        _draw_marks(picture, travel)
        # What is nearer is drawn over what is farther away.
        order = np.argsort(points[1:, 2] + points[list(PARENTS[1:]), 2])
        ends = points[1:][order], points[list(PARENTS[1:])][order]
        share = np.linspace(0.0, 1.0, _SAMPLES)[:, None]
        line = ends[0][:, None, :2] * (1.0 - share) + ends[1][:, None, :2] * share
        colors = np.repeat(_COLORS[order], _SAMPLES * len(_BRUSH), axis=0)
        _put(picture, (np.rint(line)[:, :, None] + _BRUSH).reshape(-1, 2), colors)
        _draw_head(picture, points[JOINT["head"], :2])
        return picture


def _draw_marks(picture: np.ndarray, travel: float) -> None:
    row = int(_FLOOR * SIZE) - 3
    picture[row, :, :3] = _MARK
    gap = _MARKS * SIZE / _HEIGHT
    for left in np.arange(-(travel % gap), SIZE, gap):
        if 0 <= left < SIZE:
            picture[max(0, row - 3) : row, int(left), :3] = _MARK


def _draw_head(picture: np.ndarray, middle: np.ndarray) -> None:
    rows, columns = np.mgrid[:SIZE, :SIZE]
    radius = _HEAD * SIZE / _HEIGHT
    inside = (columns - middle[0]) ** 2 + (rows - middle[1] - radius / 2.0) ** 2 < radius**2
    picture[inside, :3] = _TRUNK


def _put(picture: np.ndarray, places: np.ndarray, colors: np.ndarray) -> None:
    """Colour pixels (n, 2); those outside of the picture are left out."""
    whole = places.astype(int)
    inside = ((whole >= 0) & (whole < SIZE)).all(axis=1)
    columns, rows = whole[inside].T
    picture[rows, columns, :3] = colors[inside]
