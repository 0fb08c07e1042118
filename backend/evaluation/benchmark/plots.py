"""The report's plots, drawn with matplotlib, as SVG that stands in a page."""

import io
from collections.abc import Mapping, Sequence
from typing import Any, Final

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from backend.evaluation.benchmark.pictures import Histogram
from backend.evaluation.benchmark.results import MetricValue
from backend.evaluation.benchmark.stick_figures import LEFT, MIDDLE

_COLOURS: Final = [
    matplotlib.colormaps["tab20"](number) for number in (*range(0, 20, 2), *range(1, 20, 2))
]
# The same figure is the same text: no date, and names of parts that are derived from them.
_SETTINGS: Final[Any] = {"svg.fonttype": "none", "svg.hashsalt": "placid", "font.size": 9}

Point = tuple[MetricValue, MetricValue]


def scatter(points: Mapping[str, Point], across: str, up: str, targets: Sequence[str]) -> str:
    """Named points with their intervals; those called in `targets` are rings to aim for."""
    figure, axes = _axes(6.4, 3.8)
    for number, (name, (x, y)) in enumerate(points.items()):
        colour = _COLOURS[number % len(_COLOURS)]
        ring = name in targets
        axes.errorbar(
            [x.value],
            [y.value],
            xerr=_reach(x),
            yerr=_reach(y),
            fmt="o",
            markersize=10 if ring else 6,
            markerfacecolor="none" if ring else colour,
            markeredgecolor=colour,
            markeredgewidth=2,
            ecolor=(*colour[:3], 0.45),
            label=name,
        )
    axes.set(xlabel=across, ylabel=up)
    axes.margins(0.1)
    axes.set_xlim(left=0)
    axes.set_ylim(bottom=0)
    _round_ticks(axes.xaxis, axes.yaxis)
    _legend(figure, axes)
    return _svg(figure)


def bars(groups: Sequence[str], series: Mapping[str, Sequence[MetricValue | None]], up: str) -> str:
    """A group of bars for every name of `groups`, one bar a series in each, from 0."""
    figure, axes = _axes(max(5.4, 0.2 * len(groups) * len(series) + 2.5), 3.4)
    width = 0.8 / len(series)
    for number, (name, values) in enumerate(series.items()):
        places = np.arange(len(groups)) + (number - (len(series) - 1) / 2) * width
        known = [value or MetricValue(0.0) for value in values]
        reach = np.concatenate([_reach(value) for value in known], axis=1)
        axes.bar(
            places,
            [value.value or 0.0 for value in known],
            0.9 * width,
            yerr=reach,
            error_kw={"elinewidth": 0.8, "ecolor": "0.35"},
            label=name,
            color=_COLOURS[number % len(_COLOURS)],
        )
    axes.set_xticks(range(len(groups)), groups)
    axes.set(ylabel=up, ylim=(0, max(axes.get_ylim()[1], 0.1)))
    _round_ticks(axes.yaxis)
    _legend(figure, axes)
    return _svg(figure)


def histogram(before: Histogram, after: Histogram) -> str:
    """Code counts before (upwards) and after (downwards), codes in order of their number before."""
    counts = np.array([before.counts, after.counts])
    used = counts[:, counts.any(axis=0)]
    first, second = used[:, np.argsort(-used[0], kind="stable")]
    figure, axes = _axes(8, 2.4)
    places = np.arange(len(first))
    axes.bar(places, first, 1.0, color=MIDDLE, label=before.method)
    axes.bar(places, -second, 1.0, color=LEFT, label=after.method)
    axes.axhline(0, color="0.6", linewidth=0.8)
    axes.set(xlabel="codes", ylabel="times")
    _round_ticks(axes.xaxis, axes.yaxis)
    axes.yaxis.set_major_formatter(lambda value, _: f"{abs(value):.0f}")
    _legend(figure, axes)
    return _svg(figure)


def _reach(figure: MetricValue) -> np.ndarray:
    """How far the interval reaches below and above the value, (2, 1); 0 where there is none."""
    value = figure.value or 0.0
    low = value if figure.low is None else min(figure.low, value)
    high = value if figure.high is None else max(figure.high, value)
    return np.array([[value - low], [high - value]])


def _round_ticks(*sides: Any) -> None:
    """Ticks at 1, 2 or 5 times a power of ten."""
    for side in sides:
        side.set_major_locator(MaxNLocator(nbins=6, steps=[1, 2, 5, 10]))


def _axes(width: float, height: float) -> tuple[Figure, Any]:
    """An empty figure of so many inches."""
    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _legend(figure: Figure, axes: Any) -> None:
    figure.legend(*axes.get_legend_handles_labels(), loc="outside right upper", frameon=False)


def _svg(figure: Figure) -> str:
    """The figure as an element, without the head of a file of its own."""
    text = io.StringIO()
    with matplotlib.rc_context(_SETTINGS):
        figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None})
    return text.getvalue()[text.getvalue().index("<svg") :]
