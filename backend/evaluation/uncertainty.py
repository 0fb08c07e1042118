"""How sure a figure is: intervals over the prompts, and over the runs of D_r.

All intervals are 95 %. Rows of one table are compared on the same prompts, so differences are
bootstrapped in pairs (Efron & Tibshirani 1993): one draw of prompts serves all rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from backend.evaluation.metrics.comparison import QUANTILE, wilson
from backend.evaluation.metrics.registry import EmbeddingStatistics

# Draws for means; 2,000 leave the ends of an interval a noise of some percent of its width.
DRAWS: Final = 2000
# Draws for Frechet distances, each of which takes an eigenvalue problem.
SET_DRAWS: Final = 200
# Fewer prompts than this say nothing about others.
FEWEST: Final = 8
_ENDS: Final = (2.5, 97.5)

Ends = tuple[float, float]


@dataclass(frozen=True)
class Draws:
    """The same draws of P prompts for every row of a suite.

    Attributes:
        weights: float64 (DRAWS, P), how often each prompt is in a draw.
        runs: which of the draws' numbers a further choice takes: int64 (DRAWS,), for D_r's runs and
            for replications.
    """

    weights: np.ndarray
    numbers: np.ndarray

    @classmethod
    def of(cls, prompts: int, seed: int, count: int = DRAWS) -> "Draws":
        """Draws with replacement of `prompts` prompts."""
        rng = np.random.default_rng((seed, prompts))
        weights = rng.multinomial(prompts, np.full(prompts, 1 / prompts), size=count)
        return cls(weights.astype(np.float64), rng.integers(0, 1 << 31, size=(count, 16)))

    @property
    def prompts(self) -> int:
        """P."""
        return self.weights.shape[1]

    def means(self, values: np.ndarray) -> np.ndarray:
        """The mean of per-prompt values (P,) in each draw; values that are no numbers are left out.

        Returns float64 (DRAWS,), not a number where a draw has no value.
        """
        known = np.isfinite(values)
        sums = self.weights @ np.where(known, values, 0.0)
        counts = self.weights @ known.astype(np.float64)
        return np.divide(sums, counts, out=np.full(len(sums), np.nan), where=counts > 0)

    def means_of_runs(self, runs: Sequence[np.ndarray]) -> np.ndarray:
        """The mean over runs (R of (P,)) in each draw, in which the runs are drawn too."""
        means = np.stack([self.means(values) for values in runs])
        if len(runs) == 1:
            return means[0]
        chosen = self.numbers[:, : len(runs)] % len(runs)
        return means[chosen.T, np.arange(means.shape[1])].mean(axis=0)


def ends(drawn: np.ndarray) -> Ends | None:
    """The 95 % interval of drawn figures (n,); None where too few draws are defined."""
    known = drawn[np.isfinite(drawn)]
    if len(known) < 0.9 * len(drawn):
        return None
    low, high = np.percentile(known, _ENDS)
    return float(low), float(high)


def mean_ends(values: np.ndarray, draws: Draws) -> Ends | None:
    """The interval of a mean of per-prompt values (P,); None for too few prompts."""
    if np.isfinite(values).sum() < FEWEST:
        return None
    return ends(draws.means(values))


def share_ends(values: np.ndarray) -> Ends:
    """Wilson's interval of a share; values (R, P) of 0 and 1 for R generations of P prompts.

    Generations of one prompt resemble each other. So the R P motions count as the number of
    independent trials that would give the share the variance that the prompts' own means give it.
    """
    known = values[:, np.isfinite(values).all(axis=0)]
    repeats, prompts = known.shape
    total = repeats * prompts
    if not total:
        return 0.0, 1.0
    share = float(known.mean())
    if repeats > 1 and prompts > 1 and 0 < share < 1:
        spread = float(known.mean(axis=0).var(ddof=1)) / prompts
        independent = share * (1 - share) / total
        total = total / min(max(spread / independent, 1.0), float(repeats))
    elif repeats > 1:
        total = prompts
    return wilson(share, total)


def rate_difference_ends(differences: np.ndarray, drawn: Ends | None) -> Ends:
    """The interval of a difference of shares of the same P prompts; never of no width.

    Where no prompt tells two rows apart, every draw of them agrees too, as if 0 of 60 and 0 of 60
    proved the same. So the bootstrap is widened to the interval of Agresti & Min (2005), who add
    half a prompt to each kind of pair.

    Args:
        differences: (P,), of each prompt, from -1 to 1.
        drawn: the bootstrap's interval.
    """
    known = differences[np.isfinite(differences)]
    total = len(known) + 2.0
    more, less = known.clip(0, None).sum() + 0.5, (-known).clip(0, None).sum() + 0.5
    middle = (more - less) / total
    half = QUANTILE * np.sqrt(more + less - (more - less) ** 2 / total) / total
    low, high = float(middle - half), float(middle + half)
    return (low, high) if drawn is None else (min(low, drawn[0]), max(high, drawn[1]))


def frechet_draws(
    sets: Sequence[np.ndarray], reference: EmbeddingStatistics, draws: Draws
) -> np.ndarray:
    """Frechet distances (n,) of drawn motions to a reference, as of `frechet_distance`.

    Args:
        sets: R replications of (P, D) embeddings; each draw takes one of them.
    """
    values, vectors = np.linalg.eigh(reference.covariance)
    half = (vectors * np.sqrt(values.clip(0))) @ vectors.T
    trace = float(np.trace(reference.covariance))
    distances = np.empty(len(draws.weights))
    for number, weights in enumerate(draws.weights):
        rows = np.asarray(sets[draws.numbers[number, 0] % len(sets)], dtype=np.float64)
        distances[number] = _frechet(rows, weights, reference.mean, half, trace)
    return distances


def _frechet(
    rows: np.ndarray, weights: np.ndarray, mean: np.ndarray, half: np.ndarray, trace: float
) -> float:
    """|m - m'|^2 + tr C + tr C' - 2 tr (C^1/2 C' C^1/2)^1/2 of weighted rows (P, D).

    The last trace is the nuclear norm of the weighted, centred rows times C^1/2, whose singular
    values come from the smaller of both Gram matrices.
    """
    own, scaled = _centred(rows, weights)
    shared = scaled @ half
    gram = shared @ shared.T if len(shared) < shared.shape[1] else shared.T @ shared
    root = np.sqrt(np.linalg.eigvalsh(gram).clip(0)).sum()
    gap = own - mean
    return max(0.0, float(gap @ gap + np.square(scaled).sum() + trace - 2 * root))


def frechet_draws_between(
    sets: Sequence[np.ndarray], runs: Sequence[Sequence[np.ndarray]], draws: Draws
) -> np.ndarray:
    """Frechet distances (n,) of drawn motions to those of another model for the same prompts.

    Args:
        sets: R replications of (P, D) embeddings; each draw takes one of them.
        runs: the other model's, of each of its runs; each draw takes one run.
    """
    distances = np.empty(len(draws.weights))
    for number, weights in enumerate(draws.weights):
        repeat = draws.numbers[number, 0] % len(sets)
        other = runs[draws.numbers[number, 1] % len(runs)]
        distances[number] = _between(sets[repeat], other[repeat], weights)
    return distances


def _between(a: np.ndarray, b: np.ndarray, weights: np.ndarray) -> float:
    """The Frechet distance of two equally weighted sets of rows (P, D).

    With C = A'A and C' = B'B the trace of (C^1/2 C' C^1/2)^1/2 is the nuclear norm of A B', here of
    the smaller of A B' (P, P) and its like in the D dimensions.
    """
    (gap, first), (own, second) = (_centred(rows, weights) for rows in (a, b))
    gap = gap - own
    if len(first) > first.shape[1]:
        # R of a QR decomposition stands for the rows: R'R = A'A.
        first, second = (np.asarray(np.linalg.qr(rows, mode="r")) for rows in (first, second))
    shared = np.linalg.svd(first @ second.T, compute_uv=False).sum()
    traces = np.square(first).sum() + np.square(second).sum()
    return max(0.0, float(gap @ gap + traces - 2 * shared))


def _centred(rows: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The weighted mean, and rows X with X'X the weighted unbiased covariance."""
    rows = np.asarray(rows, dtype=np.float64)
    mean = weights @ rows / weights.sum()
    return mean, (rows - mean) * np.sqrt(weights / (weights.sum() - 1))[:, None]
