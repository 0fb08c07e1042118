"""The benchmark from a script: two methods on a few prompts, and what the data tell of them.

Run as `python benchmarks/evaluate_methods.py --out RUN`; started again it goes on where it was.
"""

import argparse
from pathlib import Path

from backend.evaluation import EvaluationConfig, evaluate


def main() -> None:
    """Print strikes with their interval, and the difference to the unedited model."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder of the run")
    parser.add_argument("--limit", type=int, default=20, help="prompts of each suite")
    parser.add_argument("--model", default="momask")
    options = parser.parse_args()
    methods = ("lcr", "uce")
    results = evaluate(
        EvaluationConfig(models=(options.model,), methods=methods),
        options.out,
        suites=("forget", "retain"),
        limit=options.limit,
    )
    for method in ("original", *methods):
        strikes = results.metric(options.model, method, "forget", "strike_rate")
        if strikes is None:
            continue
        print(f"{method}: {strikes.count} of {strikes.total} strike", end="")
        print(f" ({strikes.low:.2f} to {strikes.high:.2f})", end="")
        less = strikes.against_original
        if less is not None:
            told = "told apart from" if less.is_clear else "not told apart from"
            print(f", {less.value:+.2f}, {told} the original", end="")
        print()


if __name__ == "__main__":
    main()
