"""What a run shows, what it does not show, and what its data cannot tell."""

import math
from collections.abc import Sequence
from typing import Literal

from backend.evaluation.benchmark.results import Difference, MetricValue, Results, Verdict
from backend.evaluation.benchmark.rows import D_R, ORIGINAL, is_d_r
from backend.evaluation.benchmark.suites import FORGET, RETAIN

Answer = Literal["no", "unclear", "yes"]
STRIKES, RETAINED, APART = "strike_rate", "fid_corrected", "fid_to_d_r"


def is_worse(difference: Difference | None) -> Answer:
    """Whether a figure of which less is better is worse than the other row's."""
    if difference is None or difference.low is None or difference.high is None:
        return "unclear"
    if difference.low > 0:
        return "yes"
    return "no" if difference.high <= 0 else "unclear"


def verdict(results: Results, model: str, methods: Sequence[str]) -> Verdict:
    """The method nearest to D_r of those that are not shown to be worse in either way.

    Worse is: more strikes than D_r on the forget suite, or a higher FID than the original on the
    retain suite, each by a paired bootstrap over the prompts. What the interval leaves open is
    said, with how much worse the data still allow.
    """
    if results.metric(model, D_R, FORGET, STRIKES) is None:
        return Verdict(model, None, "there is no D_r of this model to come near to")
    fitting: list[tuple[float, str]] = []
    lines = {}
    for method in methods:
        if method == ORIGINAL or is_d_r(method):
            continue
        strikes = results.metric(model, method, FORGET, STRIKES)
        retain = results.metric(model, method, RETAIN, RETAINED)
        answers, lines[method] = _judged(strikes, retain)
        apart = results.figure(model, method, FORGET, APART)
        if "yes" not in answers:
            fitting.append((math.inf if apart is None else apart, method))
    if not fitting:
        told = "; ".join(f"{method}: {line}" for method, line in lines.items())
        return Verdict(model, None, f"every method is shown to be worse ({told})")
    _, best = min(fitting)
    tied = [m for _, m in sorted(fitting) if m != best and _cannot_tell(results, model, best, m)]
    rest = f"; not told apart from it: {', '.join(tied)}" if tied else ""
    return Verdict(model, best, f"{lines[best]}{rest}")


def _judged(strikes: MetricValue | None, retain: MetricValue | None) -> tuple[list[Answer], str]:
    """The answers to both questions, and a phrase for them."""
    against_d_r = None if strikes is None else strikes.against_d_r
    against_original = None if retain is None else retain.against_original
    answers = [is_worse(against_d_r), is_worse(against_original)]
    return answers, ", ".join(
        (
            _phrase(answers[0], against_d_r, "strikes than D_r", "more", 100.0, " points"),
            _phrase(answers[1], against_original, "retain FID than the original", "higher"),
        )
    )


def _phrase(
    answer: Answer,
    difference: Difference | None,
    what: str,
    more: str,
    scale: float = 1.0,
    unit: str = "",
) -> str:
    if difference is None or difference.high is None or difference.low is None:
        return f"no data on {what}"
    low, high = (f"{scale * end:.3g}" for end in (difference.low, difference.high))
    if answer == "yes":
        return f"{more} {what} by {low} to {high}{unit}"
    if answer == "no":
        return f"no {more} {what}"
    return f"the data cannot tell whether {more} {what} (up to {high}{unit} are possible)"


def _cannot_tell(results: Results, model: str, best: str, other: str) -> bool:
    """Whether the intervals of the distance to D_r of two methods overlap."""
    a, b = (results.metric(model, name, FORGET, APART) for name in (best, other))
    if a is None or b is None or a.high is None or b.low is None:
        return True
    return b.low <= a.high
