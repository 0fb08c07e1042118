"""Every metric of the benchmark, one file per family, behind one register.

A file in this folder is a metric family by being here: see `docs/extending.md`.
"""

from backend.evaluation.metrics.comparison import (
    Gap,
    Interval,
    Share,
    corrected_interval,
    distance_to_d_r,
    published_interval,
    wilson,
)
from backend.evaluation.metrics.registry import (
    METRICS,
    EmbeddingStatistics,
    Evaluated,
    Measured,
    Metric,
    available_metrics,
    describe_metrics,
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
    "Share",
    "available_metrics",
    "corrected_interval",
    "describe_metrics",
    "distance_to_d_r",
    "published_interval",
    "register_metric",
    "wilson",
]
