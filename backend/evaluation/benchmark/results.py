"""The form of `results.json`: the figures of every row and suite, and what follows from them."""

from typing import Any, Final

import msgspec

FORMAT_VERSION: Final = 1


class MetricValue(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A metric's mean over the replications.

    Attributes:
        value: None where it is not defined.
        half_width: of the 95 % interval as published; None for one replication.
        to_d_r: forget suite alone: 0 as if never learned, 1 as the original, above 1 further off.
    """

    value: float | None
    half_width: float | None = None
    to_d_r: float | None = None


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
        method: None when none meets the conditions.
        reason: the figures it rests on, in a sentence.
    """

    model: str
    method: str | None
    reason: str


class Results(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What `results.json` holds.

    Attributes:
        version: of this format.
        facts: the protocol file.
        notes: what was left out, and why.
    """

    version: int
    manifest: dict[str, Any]
    rows: tuple[Row, ...]
    verdicts: tuple[Verdict, ...]
    notes: tuple[str, ...]

    def figure(self, model: str, method: str, suite: str, metric: str) -> float | None:
        """A value, None where there is none."""
        for row in self.rows:
            if (row.model, row.method, row.suite) == (model, method, suite):
                found = row.figures.get(metric)
                return None if found is None else found.value
        return None
