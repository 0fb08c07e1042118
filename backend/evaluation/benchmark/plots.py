"""The report's plots and stick figures, drawn with matplotlib, as SVG that stands in a page."""

import io
from collections.abc import Mapping, Sequence
from typing import Any, Final

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from backend.evaluation.benchmark.pictures import Histogram, Strip

_COLOURS: Final = [matplotlib.colormaps["tab10"](number) for number in range(10)]
_LEFT, _RIGHT, _MIDDLE = "#c44e52", "#4c72b0", "#4c4c4c"
_LIMBS: Final = (_RIGHT, _LEFT, _MIDDLE, _RIGHT, _LEFT)  # in the order of `skeleton.CHAINS`
_SPACING: Final = 90  # centimetres from a pose to the next
_HEIGHTS: Final = (-20, 220)  # centimetres that are shown
# The view is from half left in front: right is this mixture of x and z.
_RIGHTWARD: Final = np.array([0.82, 0.0, -0.57])
# The same figure is the same text: no date, and names of parts that are derived from them.
_SETTINGS: Final[Any] = {"svg.fonttype": "none", "svg.hashsalt": "placid", "font.size": 9}


def scatter(points: Mapping[str, tuple[float, float]], across: str, up: str, target: str) -> str:
    """Named points (x, y); the one called `target` is drawn as a ring to aim for."""
    figure, axes = _axes(5.4, 3.4)
    for number, (name, (x, y)) in enumerate(points.items()):
        colour = _COLOURS[number % len(_COLOURS)]
        ring = name == target
        axes.scatter(
            [x],
            [y],
            s=110 if ring else 40,
            facecolors="none" if ring else [colour],
            edgecolors=[colour],
            linewidths=2,
            label=name,
        )
    axes.set(xlabel=across, ylabel=up)
    axes.margins(0.1)
    _legend(figure, axes)
    return _svg(figure)


def bars(groups: Sequence[str], series: Mapping[str, Sequence[float]], up: str) -> str:
    """A group of bars for every name of `groups`, one bar a series in each, from 0."""
    figure, axes = _axes(max(5.4, 0.2 * len(groups) * len(series) + 2.5), 3.4)
    width = 0.8 / len(series)
    for number, (name, values) in enumerate(series.items()):
        places = np.arange(len(groups)) + (number - (len(series) - 1) / 2) * width
        axes.bar(places, values, 0.9 * width, label=name, color=_COLOURS[number % len(_COLOURS)])
    axes.set_xticks(range(len(groups)), groups)
    axes.set(ylabel=up, ylim=(0, max(axes.get_ylim()[1], 0.1)))
    _legend(figure, axes)
    return _svg(figure)


def histogram(before: Histogram, after: Histogram) -> str:
    """Code counts before (upwards) and after (downwards), codes in order of their number before."""
    counts = np.array([before.counts, after.counts])
    used = counts[:, counts.any(axis=0)]
    first, second = used[:, np.argsort(-used[0], kind="stable")]
    figure, axes = _axes(8, 2.4)
    places = np.arange(len(first))
    axes.bar(places, first, 1.0, color=_MIDDLE, label=before.method)
    axes.bar(places, -second, 1.0, color=_LEFT, label=after.method)
    axes.axhline(0, color="0.6", linewidth=0.8)
    axes.set(xlabel="codes", ylabel="times")
    axes.yaxis.set_major_formatter(lambda value, _: f"{abs(value):.0f}")
    _legend(figure, axes)
    return _svg(figure)


def stick_strip(strip: Strip, chains: Sequence[Sequence[int]]) -> str:
    """The poses side by side, from half left in front; left limbs red, right limbs blue."""
    width = _SPACING * (len(strip.poses) + 0.4)
    figure, axes = _axes(width / 100, (_HEIGHTS[1] - _HEIGHTS[0]) / 100)
    for place, pose in enumerate(np.array(strip.poses, dtype=float)):
        across = (pose - pose[0]) @ _RIGHTWARD + (place + 0.7) * _SPACING
        for chain, colour in zip(chains, _LIMBS, strict=True):
            axes.plot(across[list(chain)], pose[list(chain), 1], color=colour, linewidth=1.5)
        head = chains[2][-1]
        axes.plot(across[head], pose[head, 1], "o", color=_MIDDLE, markersize=5)
    axes.axhline(0, color="0.7", linewidth=0.8)
    axes.set(xlim=(0, width), ylim=_HEIGHTS, aspect="equal")
    axes.axis("off")
    return _svg(figure)


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
