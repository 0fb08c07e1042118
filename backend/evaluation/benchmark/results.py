"""The form of `results.json`: the figures of every row and suite, and what follows from them."""

from typing import Any, Final

import msgspec

FORMAT_VERSION: Final = 2


class Difference(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A figure minus another row's, over the same prompts.

    Attributes:
        value: the difference.
        low, high: 95 % by a paired bootstrap over prompts; None where that is not defined.
    """

    value: float
    low: float | None = None
    high: float | None = None

    @property
    def is_clear(self) -> bool:
        """Whether the data tell the two apart: the interval leaves 0 out."""
        return self.low is not None and self.high is not None and not self.low <= 0 <= self.high


class MetricValue(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A metric's mean over the replications.

    Attributes:
        value: None where it is not defined.
        half_width: of the 95 % interval over replications as published; None for one replication.
        low, high: 95 % over prompts: Wilson's for rates, else a bootstrap; None where it is not
            defined.
        count, total: of a rate of one replication.
        to_d_r: forget suite alone: 0 as if never learned, 1 as the original, above 1 further off;
            None where the data cannot tell D_r from the original.
        against_original, against_d_r: differences to these rows.
        spread: of D_r's row over its runs: the lowest and the highest value.
    """

    value: float | None
    half_width: float | None = None
    low: float | None = None
    high: float | None = None
    count: int | None = None
    total: int | None = None
    to_d_r: float | None = None
    against_original: Difference | None = None
    against_d_r: Difference | None = None
    spread: tuple[float, float] | None = None


class Row(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One method of one model on one suite; `figures` by metric name."""

    model: str
    method: str
    suite: str
    prompts: int
    figures: dict[str, MetricValue]


class Verdict(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which method of a model comes nearest to D_r without losing retain quality.

    Attributes:
        method: None when every method is shown to fall short, or there is no D_r.
        reason: what it rests on, and what the data cannot tell, in sentences.
    """

    model: str
    method: str | None
    reason: str


class Results(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What `results.json` holds.

    Attributes:
        version: of this format.
        manifest: the protocol file.
        notes: what was left out, and why.
    """

    version: int
    manifest: dict[str, Any]
    rows: tuple[Row, ...]
    verdicts: tuple[Verdict, ...]
    notes: tuple[str, ...]

    def metric(self, model: str, method: str, suite: str, metric: str) -> MetricValue | None:
        """A figure with all that is known of it, None where there is none."""
        for row in self.rows:
            if (row.model, row.method, row.suite) == (model, method, suite):
                return row.figures.get(metric)
        return None

    def figure(self, model: str, method: str, suite: str, metric: str) -> float | None:
        """A value, None where there is none."""
        found = self.metric(model, method, suite, metric)
        return None if found is None else found.value
