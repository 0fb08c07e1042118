"""Figures as text, for the terminal, Markdown and the page alike."""

from dataclasses import dataclass

from backend.evaluation.benchmark.results import Difference, MetricValue
from backend.evaluation.benchmark.rows import D_R, is_d_r


@dataclass(frozen=True)
class Table:
    """A title, headings and rows of text; `note` stands below."""

    title: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""


def label(method: str) -> str:
    """A method's name in tables."""
    if not is_d_r(method):
        return method
    return "D_r" if method == D_R else f"D_r, {method.removeprefix(D_R)[1:]}"


def cell(figure: MetricValue | None) -> str:
    """A figure as text: value, interval over replications and over prompts, distance to D_r."""
    if figure is None or figure.value is None:
        return "-"
    text = short(figure.value)
    if figure.half_width is not None:
        text += f" ± {figure.half_width:.2g}"
    if figure.low is not None and figure.high is not None:
        text += f" ({short(figure.low)} to {short(figure.high)})"
    return text if figure.to_d_r is None else f"{text} [{figure.to_d_r:.2f}]"


def difference_cell(difference: Difference | None) -> str:
    """A difference as text; a star where the data tell it from none."""
    if difference is None:
        return "-"
    text = f"{difference.value:+.3g}"
    if difference.low is None or difference.high is None:
        return text
    star = "*" if difference.is_clear else ""
    return f"{text}{star} ({difference.low:+.2g} to {difference.high:+.2g})"


def short(value: float) -> str:
    """A number in three digits."""
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"
