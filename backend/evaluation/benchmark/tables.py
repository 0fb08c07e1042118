"""The tables of the report as plain cells, for the terminal, Markdown and the page alike."""

import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Final

from backend.evaluation.benchmark.preparation import D_R
from backend.evaluation.benchmark.results import MetricValue, Results, Row
from backend.evaluation.benchmark.suites import (
    ADVERSARIAL,
    FORGET,
    LEAKAGE,
    OVER_BLOCKING,
    RETAIN,
    VARIED,
)
from backend.evaluation.metrics import METRICS

_ARROWS: Final = {"lower": "↓", "higher": "↑", "near_reference": "→"}
_STRIKES: Final = {
    "strike_rate": "strikes",
    "kick_rate": "kicks",
    "punch_rate": "punches",
    "boxing_rate": "boxing",
    "swing_rate": "swings",
}
_MOVEMENT: Final = {
    "energy": "energy",
    "root_travel": "travel",
    "jerk": "jerk",
    "foot_skate": "skate",
    "frozen_share": "frozen",
}
_FORGET: Final = {
    "fid_to_d_r": "FID to D_r",
    "fid_corrected": "FID",
    "mm_safe_corrected": "MM-Safe",
    "toxic_distance_corrected": "toxic distance",
    "notox_accuracy_corrected": "no-tox",
    "ncs_1_corrected": "NCS@1",
    "ncs_10_corrected": "NCS@10",
    "r_precision_1_corrected": "R@1",
    "diversity_corrected": "diversity",
}
# To fit the forgotten captions well, or badly, is no merit; to do it as D_r does is.
_AS_D_R: Final = ("fid_corrected", "r_precision_1_corrected")
_RETAIN: Final = {
    "fid_corrected": "FID",
    "r_precision_1_corrected": "R@1",
    "r_precision_3_corrected": "R@3",
    "mm_dist": "MM-Dist",
    "diversity_corrected": "diversity",
}
_OVER: Final = {"over_blocking": "R@3 lost", "moved": "moved", "moved_mm": "moved mm"}


@dataclass(frozen=True)
class Table:
    """A title, headings and rows of text; `note` stands below."""

    title: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""


def report_tables(results: Results) -> list[Table]:
    """The tables of the report: forget, retain, leakage, what is published, and every figure."""
    protocol = results.manifest["protocol"]
    count = (
        f"{protocol['repeats']} replications; ± is half of the 95 % interval"
        if protocol["repeats"] > 1
        else "one replication"
    )
    made = [
        _suite(results, FORGET, _STRIKES | _FORGET, f"{count}; (0) is D_r, (1) the original"),
        _suite(results, RETAIN, {"strike_rate": "strikes"} | _RETAIN, count),
        _suite(results, FORGET, _MOVEMENT, "A method may not forget by freezing", "how they move"),
        _suite(results, RETAIN, _MOVEMENT, "", "how they move"),
        _leakage(results),
        _suite(results, OVER_BLOCKING, {"strike_rate": "strikes"} | _OVER, "against the original"),
        _suite(results, VARIED, {"multimodality_corrected": "multimodality"}, count),
        *published_tables(),
    ]
    return [table for table in made if table.rows]


def verdict_lines(results: Results) -> Iterator[str]:
    """A sentence per model about the method that comes nearest to D_r, then the notes."""
    for verdict in results.verdicts:
        name = "none" if verdict.method is None else verdict.method
        yield f"{verdict.model}: nearest to D_r without losing quality: {name} ({verdict.reason})."
    yield from results.notes


def full_table(results: Results) -> Table:
    """Every figure of every suite, a line each."""
    rows = tuple(
        (row.model, label(row.method), row.suite, name, cell(figure))
        for row in results.rows
        for name, figure in row.figures.items()
    )
    return Table("Every figure", ("model", "method", "suite", "metric", "value"), rows)


@cache
def published() -> dict[str, Any]:
    """The authors' own figures with their source."""
    path = resources.files("backend").joinpath("assets/published/human_motion_unlearning.toml")
    return tomllib.loads(path.read_text("utf-8"))


def published_tables() -> Iterator[Table]:
    """What the authors publish, marked so."""
    content = published()
    for table in content["tables"]:
        yield Table(
            f"Published: {content['model']}, {table['dataset']}, {table['suite']}",
            ("method", *table["columns"]),
            tuple(
                (f"{row[0]} (published)", *(f"{value:g}" for value in row[1:]))
                for row in table["rows"]
            ),
            f"From the {content['source']}. Another evaluator and other data than ours: compare "
            "the order of the methods, not the values.",
        )


def label(method: str) -> str:
    """A method's name in tables."""
    return "D_r" if method == D_R else method


def cell(figure: MetricValue | None) -> str:
    """A figure as text."""
    if figure is None or figure.value is None:
        return "-"
    text = f"{figure.value:.3g}" if abs(figure.value) < 1000 else f"{figure.value:.0f}"
    if figure.half_width is not None:
        text += f" ± {figure.half_width:.2g}"
    return text if figure.to_d_r is None else f"{text} ({figure.to_d_r:.2f})"


def _suite(
    results: Results, suite: str, columns: dict[str, str], note: str, title: str = ""
) -> Table:
    rows = [row for row in results.rows if row.suite == suite]
    shown = {
        name: heading
        for name, heading in columns.items()
        if any(name in row.figures for row in rows)
    }
    headings = [f"{heading} {_arrow(name, suite)}".strip() for name, heading in shown.items()]
    prompts = rows[0].prompts if rows else 0
    return Table(
        f"{suite.replace('_', '-')}{': ' + title if title else ''} ({prompts} motions)",
        ("model", "method", *headings),
        tuple(
            (row.model, label(row.method), *(cell(row.figures.get(name)) for name in shown))
            for row in rows
            if shown
        ),
        note,
    )


def _leakage(results: Results) -> Table:
    suites = [FORGET, *LEAKAGE, ADVERSARIAL, OVER_BLOCKING]
    there = [suite for suite in suites if any(row.suite == suite for row in results.rows)]
    pairs = dict.fromkeys((row.model, row.method) for row in results.rows)
    rows = tuple(
        (model, label(method), *(cell(_strikes(results.rows, model, method, s)) for s in there))
        for model, method in pairs
    )
    headings = ("model", "method", *(f"{suite.replace('_', '-')} ↓" for suite in there))
    return Table("leakage: strike rate of each suite", headings, rows)


def _strikes(rows: Sequence[Row], model: str, method: str, suite: str) -> MetricValue | None:
    for row in rows:
        if (row.model, row.method, row.suite) == (model, method, suite):
            figure = row.figures.get("strike_rate")
            return None if figure is None else MetricValue(figure.value, figure.half_width)
    return None


def _arrow(name: str, suite: str) -> str:
    if suite == FORGET and name in _AS_D_R:
        return _ARROWS["near_reference"]
    if name in ("moved", "moved_mm"):
        return _ARROWS["lower"]
    return _ARROWS[METRICS[name].better] if name in METRICS else ""
