"""Every metric of the benchmark, one file per family, behind one register."""

from backend.evaluation.metrics import (  # noqa: F401 (importing a module registers its metrics)
    collapse,
    diversity,
    fid,
    matching,
    over_blocking,
    reconstruction,
    retrieval,
    safety,
    strikes,
)
from backend.evaluation.metrics.comparison import (
    Gap,
    Interval,
    corrected_interval,
    distance_to_d_r,
    published_interval,
)
from backend.evaluation.metrics.registry import (
    METRICS,
    EmbeddingStatistics,
    Evaluated,
    Measured,
    Metric,
    available_metrics,
    describe_metrics,
    find_metric,
    register_metric,
)

__all__ = [
    "METRICS",
    "EmbeddingStatistics",
    "Evaluated",
    "Gap",
    "Interval",
    "Measured",
    "Metric",
    "available_metrics",
    "corrected_interval",
    "describe_metrics",
    "distance_to_d_r",
    "find_metric",
    "published_interval",
    "register_metric",
]
