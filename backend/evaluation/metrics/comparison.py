"""From single figures to statements: intervals of shares and replications, distance to D_r."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.stats import norm
from scipy.stats import t as student

_NORMAL_QUANTILE: Final = 1.96
QUANTILE: Final = float(norm.ppf(0.975))


@dataclass(frozen=True)
class Interval:
    """A mean and the half width of its 95 % interval."""

    mean: float
    half_width: float


def published_interval(values: Sequence[float] | np.ndarray) -> Interval:
    """1.96 population standard deviations over the root of the number of replications."""
    rows = np.asarray(values, dtype=np.float64)
    return Interval(float(rows.mean()), float(_NORMAL_QUANTILE * rows.std() / np.sqrt(len(rows))))


def corrected_interval(values: Sequence[float] | np.ndarray) -> Interval:
    """Student's interval with the sample standard deviation; no half width for a single value."""
    rows = np.asarray(values, dtype=np.float64)
    if len(rows) < 2:
        return Interval(float(rows.mean()), float("nan"))
    quantile = student.ppf(0.975, len(rows) - 1)
    return Interval(float(rows.mean()), float(quantile * rows.std(ddof=1) / np.sqrt(len(rows))))


def wilson(share: float, total: float) -> tuple[float, float]:
    """Wilson's score interval, 95 %, without continuity correction; 0 to 1 for a total of 0.

    Args:
        total: how many independent trials; need not be whole, since generations of one prompt are
            fewer trials than motions.
    """
    if total <= 0:
        return 0.0, 1.0
    square = QUANTILE**2 / total
    middle = (share + square / 2) / (1 + square)
    half = np.sqrt(square * (share * (1 - share) + square / 4)) / (1 + square)
    return float(max(0.0, middle - half)), float(min(1.0, middle + half))


@dataclass(frozen=True)
class Share:
    """So many of so many, and how far the share behind them may lie from what was counted."""

    count: int
    total: int

    @property
    def value(self) -> float:
        """Count / total; not a number for a total of 0."""
        return self.count / self.total if self.total else float("nan")

    @property
    def interval(self) -> tuple[float, float]:
        """See `wilson`."""
        return wilson(self.value, self.total)

    @property
    def sentence(self) -> str:
        """For tables: "3 of 60, 5 % (2 to 14)"."""
        if not self.total:
            return "0 of 0"
        low, high = (round(100 * end) for end in self.interval)
        return f"{self.count} of {self.total}, {100 * self.value:.0f} % ({low} to {high})"


@dataclass(frozen=True)
class Gap:
    """How far a figure is from that of D_r, the model that never learned the concept.

    Attributes:
        difference: figure minus D_r's.
        share: |difference| over |original's - D_r's|: 0 as if never learned, 1 as if nothing had
            been unlearned, above 1 further off than before; not a number where original and D_r
            agree.
    """

    difference: float
    share: float


def distance_to_d_r(
    figures: Mapping[str, float], original: Mapping[str, float], d_r: Mapping[str, float]
) -> dict[str, Gap]:
    """The gap of every forget-set figure that all three have."""
    gaps = {}
    for name, value in figures.items():
        if name in original and name in d_r:
            span = abs(original[name] - d_r[name])
            difference = value - d_r[name]
            share = abs(difference) / span if span > 0 else float("nan")
            gaps[name] = Gap(difference, share)
    return gaps
