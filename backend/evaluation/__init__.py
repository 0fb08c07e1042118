"""Measuring what unlearning does: metrics, evaluators and the benchmark.

`from backend.evaluation import evaluate` is the benchmark for scripts.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from backend.evaluation.benchmark.evaluate import EvaluationConfig as EvaluationConfig
    from backend.evaluation.benchmark.evaluate import evaluate as evaluate
    from backend.evaluation.benchmark.evaluate import load_config as load_config

_OF_THE_BENCHMARK = ("EvaluationConfig", "evaluate", "load_config")


def __getattr__(name: str) -> Any:
    # The benchmark needs torch, and its modules need those of this package.
    if name not in _OF_THE_BENCHMARK:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from backend.evaluation.benchmark import evaluate

    return getattr(evaluate, name)
