"""A curve on the floor that a body can follow: measured along its length, without sharp corners."""

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np

from shared.motion.filters import gaussian_filter1d

_STEP: Final = 0.02  # metres between samples
# A corner is rounded over about so many metres, and the body turns over somewhat more.
_ROUNDING: Final = 0.1
_TURNING: Final = 0.22


@dataclass(frozen=True)
class FloorCurve:
    """A curve at even steps of its length.

    Attributes:
        drawn: (n, 2), x and z in metres, the curve as it was given.
        arc: (m,), metres from its beginning.
        places: (m, 2), x and z; both ends are those of `drawn`.
        headings: (m,), radians about the vertical, 0 is +Z; neighbours never jump by a turn.
        marks: (n,), the arc at each point of `drawn`.
    """

    drawn: np.ndarray
    arc: np.ndarray
    places: np.ndarray
    headings: np.ndarray
    marks: np.ndarray

    @classmethod
    def of(cls, points: np.ndarray) -> "FloorCurve":
        """The curve through points (n, 2), at least two of them apart."""
        drawn = np.asarray(points, float)
        along = _lengths(drawn)
        count = max(round(along[-1] / _STEP), 2)
        even = np.linspace(0.0, along[-1], count + 1)
        # Of points on one spot one is enough.
        first = np.unique(along, return_index=True)[1]
        rough = _at(even, along[first], drawn[first])
        places = _smoothed(rough, _ROUNDING * count / along[-1])
        arc = _lengths(places)
        step = np.gradient(places, axis=0)
        turned = np.unwrap(np.arctan2(step[:, 0], step[:, 1]))
        headings = _smoothed(turned[:, None], _TURNING * count / along[-1])[:, 0]
        return cls(drawn, arc, places, headings, np.interp(along, even, arc))

    @property
    def length(self) -> float:
        """Metres."""
        return float(self.arc[-1])

    @cached_property
    def bends(self) -> np.ndarray:
        """(m,), radians by which the heading turns in a metre."""
        return np.abs(np.gradient(self.headings, self.arc))

    def at(self, arc: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Places (T, 2) and headings (T,) at metres (T,) from the beginning."""
        return _at(arc, self.arc, self.places), np.interp(arc, self.arc, self.headings)

    def distances(self, places: np.ndarray) -> np.ndarray:
        """How far (T,) places (T, 2) are from the curve as it was given."""
        nearest = np.full(len(places), np.inf)
        for start, end in zip(self.drawn[:-1], self.drawn[1:], strict=True):
            way = end - start
            share = (places - start) @ way / max(float(way @ way), 1e-12)
            foot = start + np.clip(share, 0.0, 1.0)[:, None] * way
            nearest = np.minimum(nearest, np.linalg.norm(places - foot, axis=-1))
        return nearest


def _lengths(points: np.ndarray) -> np.ndarray:
    steps = np.linalg.norm(np.diff(points, axis=0), axis=-1)
    return np.concatenate([[0.0], np.cumsum(steps)])


def _at(wanted: np.ndarray, along: np.ndarray, points: np.ndarray) -> np.ndarray:
    return np.stack([np.interp(wanted, along, points[:, axis]) for axis in (0, 1)], axis=-1)


def _smoothed(rows: np.ndarray, sigma: float) -> np.ndarray:
    """Rows (m, n) with corners rounded; the ends stay, and so does the direction there."""
    room = min(len(rows) - 1, round(4 * sigma))
    before = 2 * rows[:1] - rows[room:0:-1]
    after = 2 * rows[-1:] - rows[-2 : -room - 2 : -1]
    padded = np.concatenate([before, rows, after])
    smooth = gaussian_filter1d(padded, sigma, axis=0, mode="nearest")
    return smooth[room : room + len(rows)]
