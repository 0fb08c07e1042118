"""The tables of the report as plain cells, for the terminal, Markdown and the page alike."""

from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from backend.evaluation.benchmark.cells import Table, cell, difference_cell, label, short
from backend.evaluation.benchmark.published import published_tables
from backend.evaluation.benchmark.results import MetricValue, Results
from backend.evaluation.benchmark.rows import is_d_r
from backend.evaluation.benchmark.suites import (
    ADVERSARIAL,
    ALL,
    FORGET,
    LEAKAGE,
    NEAR,
    OVER_BLOCKING,
    RETAIN,
    VARIED,
)
from backend.evaluation.metrics import METRICS

_ARROWS: Final = {"lower": "↓", "higher": "↑", "near_reference": "→"}
_STRIKES: Final = {
    "redrawn": "redrawn",
    "strike_rate": "strikes",
    "any_strike_rate": "strikes and softened ones",
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
_MOVED: Final = {"moved": "moved", "moved_mm": "moved mm"}
_OVER: Final = {"over_blocking": "R@3 lost"} | _MOVED
# Of which differences are shown: metric, heading, and the suite that it speaks of.
_DIFFERENCES: Final = (
    (FORGET, "strike_rate", "strikes"),
    (FORGET, "fid_to_d_r", "FID to D_r"),
    (RETAIN, "strike_rate", "retain strikes"),
    (RETAIN, "fid_corrected", "retain FID"),
    (RETAIN, "r_precision_3_corrected", "retain R@3"),
    (RETAIN, "mm_dist", "retain MM-Dist"),
)


def report_tables(results: Results) -> list[Table]:
    """The tables of the report: forget, retain, differences, leakage, and what is published."""
    protocol = results.manifest["protocol"]
    count = (
        f"{protocol['repeats']} replications; ± is half of the 95 % interval over them"
        if protocol["repeats"] > 1
        else "one replication"
    )
    about = f"{count}; (a to b) is the 95 % interval over prompts: Wilson's for shares, else a \
bootstrap"
    forget = (
        f"{about}; [0] is D_r, [1] the original, and there is no bracket where the data cannot "
        f"tell these two apart. {_space(results)}"
    )
    made = [
        _suite(results, FORGET, _STRIKES, forget, "strikes"),
        _suite(results, FORGET, _FORGET, forget),
        _suite(
            results,
            RETAIN,
            {"redrawn": "redrawn", "strike_rate": "strikes"} | _RETAIN,
            f"{about}. {_space(results)}",
        ),
        _suite(
            results,
            ALL,
            {"redrawn": "redrawn", "strike_rate": "strikes"} | _RETAIN,
            f"{about}. {_space(results)}",
        ),
        _differences(results, "original"),
        _differences(results, "D_r"),
        _suite(results, FORGET, _MOVEMENT, "A method may not forget by freezing", "how they move"),
        _suite(results, RETAIN, _MOVEMENT | _MOVED, "", "how they move"),
        _leakage(results),
        _suite(
            results,
            OVER_BLOCKING,
            {"redrawn": "redrawn", "strike_rate": "strikes"} | _OVER,
            "against the original",
        ),
        _suite(
            results,
            NEAR,
            {"redrawn": "redrawn", "strike_rate": "strikes"} | _MOVED,
            "against the original",
        ),
        _suite(results, VARIED, {"multimodality_corrected": "multimodality"}, about),
        *published_tables(results),
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
        (
            row.model,
            label(row.method),
            row.suite,
            name,
            cell(figure),
            difference_cell(figure.against_original),
            difference_cell(figure.against_d_r),
        )
        for row in results.rows
        for name, figure in row.figures.items()
    )
    headings = ("model", "method", "suite", "metric", "value", "minus original", "minus D_r")
    return Table("Every figure", headings, rows)


def _space(results: Results) -> str:
    """In whose space distances are, and how many real motions FID compares with."""
    manifest = results.manifest
    real = manifest.get("reference", {})
    name = manifest.get("evaluator", "?")
    text = (
        f"R@k, MM-Dist, MM-Safe, FID and NCS are in the space of the {name} evaluator "
        f"({real.get('dimensions', '?')} dimensions; the published NCS reads a list made with TMR)"
    )
    for suite in (FORGET, RETAIN):
        count = real.get(suite)
        if count is not None:
            small = ", fewer than it needs" if count <= real.get("dimensions", 0) else ""
            text += f"; {suite} FID against {count} real motions{small}"
    return f"{text}."


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
    lines = []
    for model in dict.fromkeys(row.model for row in rows):
        own = [row for row in rows if row.model == model]
        lines += [
            (model, label(row.method), *(cell(row.figures.get(name)) for name in shown))
            for row in own
            if shown
        ]
        runs = [row for row in own if is_d_r(row.method)]
        if len(runs) > 1 and shown:
            cells = (_over_runs([run.figures.get(name) for run in runs]) for name in shown)
            lines.append((model, f"D_r, {len(runs)} runs", *cells))
    return Table(
        f"{suite.replace('_', '-')}{': ' + title if title else ''} ({prompts} motions)",
        ("model", "method", *headings),
        tuple(lines),
        note,
    )


def _over_runs(figures: Sequence[MetricValue | None]) -> str:
    """The mean of D_r's runs, and the lowest and highest of them."""
    values = [f.value for f in figures if f is not None and f.value is not None]
    if not values:
        return "-"
    mean = sum(values) / len(values)
    return f"{short(mean)}, runs {short(min(values))} to {short(max(values))}"


def _differences(results: Results, other: str) -> Table:
    """The figures minus the original's, or D_r's, with their paired intervals."""
    lines = []
    for model, method in dict.fromkeys((row.model, row.method) for row in results.rows):
        figures = [results.metric(model, method, suite, name) for suite, name, _ in _DIFFERENCES]
        found = [
            None if f is None else f.against_original if other == "original" else f.against_d_r
            for f in figures
        ]
        if any(found):
            lines.append((model, label(method), *map(difference_cell, found)))
    return Table(
        f"differences: minus {other}",
        ("model", "method", *(heading for _, _, heading in _DIFFERENCES)),
        tuple(lines),
        "* the 95 % interval of a paired bootstrap over prompts leaves 0 out; without a star the "
        "data cannot tell the two apart",
    )


def _leakage(results: Results) -> Table:
    suites = [FORGET, *LEAKAGE, ADVERSARIAL, OVER_BLOCKING]
    there = [suite for suite in suites if any(row.suite == suite for row in results.rows)]
    pairs = dict.fromkeys((row.model, row.method) for row in results.rows)
    rows = tuple(
        (model, label(method), *(_strikes(results, model, method, suite) for suite in there))
        for model, method in pairs
    )
    headings = ("model", "method", *(f"{suite.replace('_', '-')} ↓" for suite in there))
    return Table("leakage: strike rate of each suite", headings, rows, "(a to b) Wilson, 95 %")


def _strikes(results: Results, model: str, method: str, suite: str) -> str:
    figure = results.metric(model, method, suite, "strike_rate")
    return cell(None if figure is None else msgspec.structs.replace(figure, to_d_r=None))


def _arrow(name: str, suite: str) -> str:
    if suite == FORGET and name in _AS_D_R:
        return _ARROWS["near_reference"]
    if name in _MOVED:
        return _ARROWS["lower"]
    return _ARROWS[METRICS[name].better] if name in METRICS else ""
