"""From samples to figures: values with their intervals, and what differs from what."""

import math
from collections.abc import Mapping, Sequence
from functools import cached_property

import msgspec
import numpy as np

from backend.evaluation.benchmark.measures import FID, FID_TO_D_R, REAL_SUITES, Measures, Samples
from backend.evaluation.benchmark.preparation import Prepared
from backend.evaluation.benchmark.results import (
    FORMAT_VERSION,
    Difference,
    MetricValue,
    Results,
    Row,
)
from backend.evaluation.benchmark.rows import ORIGINAL, is_d_r
from backend.evaluation.benchmark.store import Store
from backend.evaluation.benchmark.suites import FORGET
from backend.evaluation.benchmark.verdicts import verdict
from backend.evaluation.benchmark.worker import REDRAWN
from backend.evaluation.metrics import METRICS, published_interval
from backend.evaluation.uncertainty import (
    SET_DRAWS,
    Draws,
    Ends,
    ends,
    mean_ends,
    rate_difference_ends,
    share_ends,
)


def collect(prepared: Prepared, store: Store, real: np.ndarray) -> Results:
    """Compute every figure from the shards of a finished run.

    Args:
        real: float32 (N, D), the embeddings of the real motions.
    """
    measures = Measures(prepared, store, real)
    rows = [
        row
        for model, methods in prepared.rows.items()
        for suite in prepared.suites
        for row in _Suite(prepared, measures, model, methods, suite).rows()
    ]
    order = {suite: number for number, suite in enumerate(prepared.suites)}
    rows.sort(key=lambda row: order[row.suite])
    results = Results(FORMAT_VERSION, dict(prepared.manifest), tuple(rows), (), prepared.notes)
    verdicts = tuple(verdict(results, model, methods) for model, methods in prepared.rows.items())
    return msgspec.structs.replace(results, verdicts=verdicts)


class _Suite:
    """All rows of one model on one suite: the same prompts, hence paired."""

    def __init__(
        self,
        prepared: Prepared,
        measures: Measures,
        model: str,
        methods: Sequence[str],
        suite: str,
    ) -> None:
        self._measures, self._model, self._methods, self._suite = measures, model, methods, suite
        self._seed = prepared.request.seed
        self._prompts = len(prepared.suites[suite])
        self._samples = {name: measures.samples(model, name, suite) for name in methods}
        self._d_r = [name for name in methods if is_d_r(name)]
        self._draws: dict[tuple[int, int | None], Draws] = {}

    def rows(self) -> list[Row]:
        """A row for every method, with all that is known of its figures."""
        return [
            Row(
                self._model,
                method,
                self._suite,
                self._prompts,
                {name: self._figure(method, name) for name in self._samples[method]},
            )
            for method in self._methods
        ]

    def _figure(self, method: str, name: str) -> MetricValue:
        samples = self._samples[method][name]
        known = [value for value in samples.values if math.isfinite(value)]
        if not known:
            return MetricValue(None)
        interval = published_interval(known)
        original = self._difference(method, name, [ORIGINAL])
        d_r = self._difference(method, name, self._d_r) if self._d_r else None
        count, total = _count(samples, name)
        low, high = self._ends(method, name) or (None, None)
        return MetricValue(
            interval.mean,
            interval.half_width if len(known) > 1 else None,
            low,
            high,
            count,
            total,
            self._share(name, interval.mean) if self._suite == FORGET else None,
            None if method == ORIGINAL else original,
            None if is_d_r(method) and len(self._d_r) == 1 else d_r,
            self._spread(name) if is_d_r(method) else None,
        )

    def _ends(self, method: str, name: str) -> Ends | None:
        samples = self._samples[method][name]
        if name in (FID, FID_TO_D_R):
            drawn, value = self._set_draws[method].get(name), self._mean(method, name)
            return None if drawn is None or value is None else ends(_about(value, drawn))
        if samples.each is None or samples.by_prompt is None:
            return None
        if _is_rate(name):
            return share_ends(samples.each)
        return mean_ends(samples.by_prompt, self._of(len(samples.by_prompt)))

    def _difference(self, method: str, name: str, others: Sequence[str]) -> Difference | None:
        """The figure minus the mean of some other rows', bootstrapped in pairs."""
        own = self._mean(method, name)
        theirs = [self._mean(other, name) for other in others if other in self._samples]
        if own is None or not theirs or any(value is None for value in theirs):
            return None
        value = own - float(np.mean([v for v in theirs if v is not None]))
        drawn = self._drawn([method], name), self._drawn(others, name)
        if drawn[0] is None or drawn[1] is None or len(drawn[0]) != len(drawn[1]):
            return Difference(value)
        apart = drawn[0] - drawn[1]
        low_high = ends(_about(value, apart) if name in (FID, FID_TO_D_R) else apart)
        if _is_rate(name):
            rows = [self._samples[n][name].by_prompt for n in (method, *others)]
            first, *rest = [row for row in rows if row is not None]
            low_high = rate_difference_ends(first - np.mean(rest, axis=0), low_high)
        return Difference(value) if low_high is None else Difference(value, *low_high)

    def _drawn(self, methods: Sequence[str], name: str) -> np.ndarray | None:
        """The mean figure of some rows in each draw."""
        if name in (FID, FID_TO_D_R):
            parts = [self._set_draws[method].get(name) for method in methods]
            if any(part is None for part in parts):
                return None
            stacked = np.stack([part for part in parts if part is not None])
            chosen = self._of(self._prompts, SET_DRAWS).numbers[:, 2] % len(parts)
            return stacked[chosen, np.arange(stacked.shape[1])]
        rows = [
            samples.by_prompt
            for method in methods
            if (samples := self._samples[method].get(name)) is not None
        ]
        if len(rows) < len(methods) or any(
            row is None or np.isfinite(row).sum() < 2 for row in rows
        ):
            return None
        known = [row for row in rows if row is not None]
        if len({len(row) for row in known}) != 1:
            return None
        return self._of(len(known[0])).means_of_runs(known)

    @cached_property
    def _set_draws(self) -> Mapping[str, dict[str, np.ndarray]]:
        """Frechet distances in each draw, by row and metric."""
        found: dict[str, dict[str, np.ndarray]] = {method: {} for method in self._methods}
        if self._suite not in REAL_SUITES or self._prompts < 2:
            return found
        draws = self._of(self._prompts, SET_DRAWS)
        for method, drawn in found.items():
            at = self._model, method, self._suite
            drawn[FID] = self._measures.fid_draws(*at, draws)
            if any(name != method for name in self._d_r):
                drawn[FID_TO_D_R] = self._measures.fid_to_d_r_draws(*at, draws)
        return found

    def _of(self, prompts: int, count: int | None = None) -> Draws:
        key = prompts, count
        if key not in self._draws:
            made = Draws.of(prompts, self._seed) if count is None else None
            self._draws[key] = made or Draws.of(prompts, self._seed, count or 0)
        return self._draws[key]

    def _mean(self, method: str, name: str) -> float | None:
        samples = self._samples.get(method, {}).get(name)
        known = [v for v in samples.values if math.isfinite(v)] if samples else []
        return float(np.mean(known)) if known else None

    def _share(self, name: str, value: float) -> float | None:
        """|figure - D_r's| / |original's - D_r's|; None where the data cannot tell those apart."""
        apart = self._difference(ORIGINAL, name, self._d_r) if self._d_r else None
        if apart is None or not apart.is_clear:
            return None
        original = self._mean(ORIGINAL, name)
        assert original is not None, "it has a difference"
        return abs(value - (original - apart.value)) / abs(apart.value)

    def _spread(self, name: str) -> tuple[float, float] | None:
        values = [self._mean(method, name) for method in self._d_r]
        known = [value for value in values if value is not None]
        return (min(known), max(known)) if len(known) > 1 else None


def _about(value: float, drawn: np.ndarray) -> np.ndarray:
    """Draws moved to lie about the figure itself.

    A draw repeats prompts, so that its Frechet distance is one of fewer motions, which is higher.
    """
    return drawn - np.nanmean(drawn) + value


def _is_rate(name: str) -> bool:
    return name == REDRAWN or (name in METRICS and METRICS[name].is_rate)


def _count(samples: Samples, name: str) -> tuple[int | None, int | None]:
    """How many of how many, of a rate in one replication."""
    if not _is_rate(name) or samples.each is None or len(samples.each) > 1:
        return None, None
    known = samples.each[0][np.isfinite(samples.each[0])]
    return int(known.sum()), len(known)
