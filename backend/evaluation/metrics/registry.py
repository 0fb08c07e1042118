"""What a metric is given, what it answers, and the register of all metrics.

A metric is a function `(data: Evaluated, rng) -> Measured`. It names the fields of `Evaluated` that
it needs, so that a caller computes what the inputs at hand allow and no more.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Any, Final, Literal, TypeVar

import numpy as np

from shared.errors import PlacidError
from shared.registry import Registry

Better = Literal["higher", "lower", "near_reference"]


@dataclass(frozen=True, eq=False)
class EmbeddingStatistics:
    """Mean (D,) and covariance (D, D) of the embeddings of real motions, float64."""

    mean: np.ndarray
    covariance: np.ndarray

    @classmethod
    def of(cls, embeddings: np.ndarray) -> "EmbeddingStatistics":
        """The statistics of rows (N, D), N at least 2, with the unbiased covariance."""
        rows = np.asarray(embeddings, dtype=np.float64)
        return cls(rows.mean(axis=0), np.atleast_2d(np.cov(rows, rowvar=False)))


@dataclass(frozen=True, eq=False)
class Evaluated:
    """One set of motions under test and what they are held against; N motions, D-d embeddings.

    Everything is optional: metrics say what they need.

    Attributes:
        joints: per motion (T, 22, 3), metres, Y up.
        fps: frames per second of all joints.
        features: per motion (T, 263), not normalised.
        captions: the N texts.
        tokens: per text the official `word/CLASS` tokens.
        names: per motion the item it was made for; the generations of one item share the name.
        motion_embeddings: (N, D), by the evaluator.
        text_embeddings: (N, D); row i belongs to motion i.
        clean_text_embeddings: (N, D) of the texts with toxic terms masked; equal rows elsewhere.
        toxic: bool (N,), whether a text had such a term.
        real_motion_embeddings: (M, D) of real motions.
        reference_statistics: of real motions; taken from `real_motion_embeddings` when left out.
        real_joints: real counterparts of `joints`, equally long.
        repeats: (P, R, D), embeddings of R motions of each of P texts.
        gallery_embeddings: (G, D) of real motions to search in.
        gallery_forget: bool (G,), whether a caption of the real motion names the concept.
        d_r_motion_embeddings: (K, D), motions of the same prompts by the model that never learned
            the concept (D_r).
        original_motion_embeddings: (N, D), motions of the same prompts and seeds by the model
            before the edit.
        batch: the evaluation batch of the published code; consecutive motions share a batch.
        drop_last: whether published R-precision leaves out a last batch that is not full.
    """

    joints: Sequence[np.ndarray] | None = None
    fps: float = 20.0
    features: Sequence[np.ndarray] | None = None
    captions: Sequence[str] | None = None
    tokens: Sequence[Sequence[str]] | None = None
    names: Sequence[str] | None = None
    motion_embeddings: np.ndarray | None = None
    text_embeddings: np.ndarray | None = None
    clean_text_embeddings: np.ndarray | None = None
    toxic: np.ndarray | None = None
    real_motion_embeddings: np.ndarray | None = None
    reference_statistics: EmbeddingStatistics | None = None
    real_joints: Sequence[np.ndarray] | None = None
    repeats: np.ndarray | None = None
    gallery_embeddings: np.ndarray | None = None
    gallery_forget: np.ndarray | None = None
    d_r_motion_embeddings: np.ndarray | None = None
    original_motion_embeddings: np.ndarray | None = None
    batch: int = 32
    drop_last: bool = False

    def __post_init__(self) -> None:
        real = self.real_motion_embeddings
        if self.reference_statistics is None and real is not None and len(real) > 1:
            object.__setattr__(self, "reference_statistics", EmbeddingStatistics.of(real))


@dataclass(frozen=True, eq=False)
class Measured:
    """A metric's answer.

    Attributes:
        value: the aggregate; not a number when there are too few samples to define it.
        per_sample: one value per motion (or per text, or per item), of which the aggregate is the
            mean over the finite ones; None for a figure of a whole distribution.
    """

    value: float
    per_sample: np.ndarray | None = None

    @classmethod
    def mean_of(cls, per_sample: np.ndarray) -> "Measured":
        """The mean over the samples that have a value, not a number when none has."""
        values = np.asarray(per_sample, dtype=np.float64)
        known = values[np.isfinite(values)]
        return cls(float(known.mean()) if len(known) else float("nan"), values)


_Field = TypeVar("_Field")


def given(field: _Field | None) -> _Field:
    """A field of `Evaluated` that a metric named among its needs, and so is there."""
    assert field is not None
    return field


Function = Callable[[Evaluated, np.random.Generator], Measured]


@dataclass(frozen=True)
class Metric:
    """A registered metric.

    Attributes:
        name: what users type; ends in `_published` or `_corrected` where the two differ.
        summary: one line for lists.
        better: which way is good; `near_reference` for figures that should stay what they are.
        needs: the fields of `Evaluated` that must be there.
        unit: of the value; empty for pure numbers and embedding distances.
        is_rate: whether a sample's value is 0 or 1, so that the aggregate is a share of samples.
    """

    name: str
    summary: str
    better: Better
    needs: frozenset[str]
    unit: str
    function: Function
    is_rate: bool = False

    def missing(self, data: Evaluated) -> list[str]:
        """The needed fields that the data lacks, in alphabetical order."""
        return sorted(name for name in self.needs if getattr(data, name) is None)

    def measure(self, data: Evaluated, rng: np.random.Generator) -> Measured:
        """Compute the metric.

        Raises:
            PlacidError: `missing_input` when the data lacks what the metric needs.
        """
        missing = self.missing(data)
        if missing:
            raise PlacidError(
                "missing_input",
                f"the metric {self.name} needs {', '.join(missing)}, which this evaluation has "
                "not; leave the metric out or provide them",
            )
        return self.function(data, rng)


METRICS: Final[Registry[Metric]] = Registry("metric", "backend.evaluation.metrics")
_FIELDS: Final = frozenset(field.name for field in fields(Evaluated))


def register_metric(
    name: str,
    *,
    summary: str,
    better: Better,
    needs: frozenset[str],
    unit: str = "",
    is_rate: bool = False,
) -> Callable[[Function], Function]:
    """Decorate a function `(data: Evaluated, rng: np.random.Generator) -> Measured`."""

    def decorate(function: Function) -> Function:
        if not needs <= _FIELDS:
            raise ValueError(f"the metric {name!r} needs what `Evaluated` lacks: {needs - _FIELDS}")
        METRICS.register(name, Metric(name, summary, better, needs, unit, function, is_rate))
        return function

    return decorate


def available_metrics(data: Evaluated) -> list[Metric]:
    """The metrics that this data has the inputs for, in the order of registration."""
    return [metric for metric in METRICS.values() if not metric.missing(data)]


def describe_metrics() -> list[dict[str, Any]]:
    """One JSON-ready row per metric: name, summary, better, needs, unit."""
    return [
        {
            "name": metric.name,
            "summary": metric.summary,
            "better": metric.better,
            "needs": sorted(metric.needs),
            "unit": metric.unit,
        }
        for metric in METRICS.values()
    ]
