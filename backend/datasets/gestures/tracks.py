"""Curves over time: minimum-jerk moves between keys, followed by a spring, and beats on top.

A move between two keys is the minimum-jerk profile (Flash and Hogan 1985), which first draws
back a little. A slightly underdamped spring follows it, so that a move ends by passing its key
and settling on it. What is interpolated are the weights of the keys, so a key may be a number, a
point that moves along with the body, or the pose of the recording itself.
"""

from dataclasses import dataclass, field
from typing import Final

import numpy as np
from scipy.signal import bilinear, lfilter, lfilter_zi

from backend.motion.lengths import FPS

_FINE: Final = 10  # steps of the spring per frame
_DAMPING: Final = 0.72
_ARRIVAL: Final = 0.14  # seconds that the spring still needs when a move is over
_ANTICIPATION: Final = 0.035  # how far a move draws back, as a share of its way


def minimum_jerk(share: np.ndarray) -> np.ndarray:
    """The minimum-jerk profile, 0 to 1, of the share of time that passed (clipped to 0..1)."""
    u = np.clip(share, 0.0, 1.0)
    return u**3 * (10.0 - 15.0 * u + 6.0 * u**2)


def _drawn_back(share: np.ndarray) -> np.ndarray:
    """A minimum-jerk profile that goes a little the other way first."""
    u = np.clip(share, 0.0, 1.0)
    return minimum_jerk(u) - _ANTICIPATION * 45.6 * u**2 * (1.0 - u) ** 4


def follow(target: np.ndarray, stiffness: float) -> np.ndarray:
    """What a spring at rest makes of `target` (N, K), sampled at `_FINE` steps a frame.

    Args:
        stiffness: undamped angular frequency in rad/s; a higher one follows more closely.
    """
    numerator, denominator = bilinear(
        [stiffness**2], [1.0, 2.0 * _DAMPING * stiffness, stiffness**2], FPS * _FINE
    )
    start = lfilter_zi(numerator, denominator)[:, None] * target[:1]
    return np.asarray(lfilter(numerator, denominator, target, axis=0, zi=start)[0])


@dataclass(frozen=True)
class _Move:
    start: float
    end: float
    key: int


@dataclass(frozen=True, eq=False)
class Beat:
    """An offset keyed on its own, such as the strokes of a clap: amounts (-1..1) at times."""

    key: int
    times: tuple[float, ...]
    amounts: tuple[float, ...]

    def at(self, times: np.ndarray) -> np.ndarray:
        """The amount (N,) at times (N,) in seconds, in minimum-jerk steps; 0 before and after."""
        knots, amounts = np.array(self.times), np.array(self.amounts)
        index = np.clip(np.searchsorted(knots, times, side="right") - 1, 0, len(knots) - 2)
        share = (times - knots[index]) / (knots[index + 1] - knots[index])
        return amounts[index] + (amounts[index + 1] - amounts[index]) * minimum_jerk(share)


@dataclass(eq=False)
class Track:
    """The moves and beats of one part of the body, in seconds; key 0 is the recorded pose.

    Attributes:
        tempo: how many times as fast as written everything is done.
        size: how large beats and angles are, against what is written.
        stiffness: of the spring that follows the moves, rad/s.
        clock: the time up to which the track is written.
    """

    tempo: float
    rng: np.random.Generator
    size: float = 1.0
    stiffness: float = 17.0
    clock: float = 0.0
    moves: list[_Move] = field(default_factory=list)
    beats: list[Beat] = field(default_factory=list)
    keys: int = 1

    def wait(self, seconds: float) -> None:
        """Stay at the last key."""
        self.clock += seconds / self.tempo

    def go(self, seconds: float, key: int | None = None) -> int:
        """Move to a new key, or back to a known one; gives its number."""
        if key is None:
            key, self.keys = self.keys, self.keys + 1
        end = self.clock + seconds / self.tempo
        self.moves.append(_Move(self.clock, end, key))
        self.clock = end
        return key

    def beat(self, key: int, amounts: list[float], seconds: list[float]) -> None:
        """Add the offset `key` in steps: to each amount in its time, from 0 and back to 0."""
        if self.moves and self.clock < self.moves[-1].end + _ARRIVAL:
            self.clock = self.moves[-1].end + _ARRIVAL
        slips = 1.0 + 0.06 * self.rng.standard_normal(len(seconds)).clip(-2, 2)
        times = self.clock + np.cumsum([0.0, *(np.array(seconds) * slips / self.tempo)])
        self.beats.append(Beat(key, tuple(times), (0.0, *amounts)))
        self.clock = float(times[-1])

    def strokes(self, key: int, count: int, hertz: float, out: float = 0.5) -> None:
        """`count` strokes to the offset and back; `out` is the share of time for the way there."""
        sizes = 1.0 + 0.08 * self.rng.standard_normal(count).clip(-2, 2)
        amounts = [amount for size in sizes for amount in (float(size), 0.0)]
        self.beat(key, amounts, [out / hertz, (1.0 - out) / hertz] * count)

    def swings(self, key: int, count: int, hertz: float) -> None:
        """`count` swings to the offset, through the middle to its opposite, and to the middle."""
        sizes = 1.0 + 0.08 * self.rng.standard_normal(2 * count).clip(-2, 2)
        amounts = [float(size) * (-1) ** number for number, size in enumerate(sizes)]
        steps = [0.25 / hertz, *[0.5 / hertz] * (2 * count - 1), 0.3 / hertz]
        self.beat(key, [*amounts, 0.0], steps)

    def weights(self, frames: int) -> np.ndarray:
        """The weight of every key (frames, keys) at 20 fps; each row sums to 1."""
        if not self.moves:
            return np.ones((frames, 1))
        times = np.arange((frames - 1) * _FINE + 1) / (FPS * _FINE)
        weights = np.zeros((len(times), self.keys))
        weights[:, 0] = 1.0
        for move in self.moves:
            share = _drawn_back((times - move.start) / (move.end - move.start))[:, None]
            weights = weights * (1.0 - share)
            weights[:, move.key] += share[:, 0]
        return follow(weights, self.stiffness)[::_FINE]

    def active(self) -> tuple[float, float]:
        """When the first move or beat starts and the last one ends, in seconds."""
        spans = [(move.start, move.end) for move in self.moves]
        spans += [(beat.times[0], beat.times[-1]) for beat in self.beats]
        if not spans:
            return np.inf, -np.inf
        return min(start for start, _ in spans), max(end for _, end in spans)
