"""The report as one HTML page that loads nothing."""

import importlib.util
import json
from collections.abc import Iterator
from typing import Any, Final

from backend.assets import ASSETS
from backend.evaluation.benchmark.cells import label
from backend.evaluation.benchmark.pictures import Pictures
from backend.evaluation.benchmark.results import Results
from backend.evaluation.benchmark.rows import ORIGINAL, is_d_r
from backend.evaluation.benchmark.suites import FORGET, RETAIN
from backend.evaluation.benchmark.tables import full_table, report_tables, verdict_lines
from shared.errors import PlacidError

_TEMPLATE: Final = ASSETS / "report.html.jinja"
_LIBRARIES: Final = ("jinja2", "matplotlib")
_CHECKS: Final = ("kick_rate", "punch_rate", "boxing_rate", "swing_rate")

# An edit tells hundreds of texts; the run's protocol.json has them all.
_LONGEST_FACT: Final = 200

# A drawing (SVG) and its caption.
_Figure = tuple[str, str]


def check_libraries() -> None:
    """Raises PlacidError `missing_library` where the page could not be drawn in the end."""
    missing = [name for name in _LIBRARIES if importlib.util.find_spec(name) is None]
    if missing:
        raise PlacidError(
            "missing_library",
            f"the report is drawn with {' and '.join(missing)}, which this environment has not: "
            "install the backend with `pip install .[eval]`",
        )


def page(results: Results, pictures: Pictures) -> str:
    """The whole page."""
    from jinja2 import Environment, StrictUndefined

    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    template = environment.from_string(_TEMPLATE.read_text(encoding="utf-8"))
    manifest = results.manifest
    return template.render(
        title=f"Unlearning {manifest['concept']}: protocol {manifest['protocol']['name']}, "
        f"seed {manifest['seed']}",
        verdicts=list(verdict_lines(results)),
        scatters=list(_scatters(results)),
        bars=list(_bars(results)),
        tables=list(report_tables(results)),
        examples=list(_examples(pictures)),
        histograms=list(_histograms(pictures)),
        full=full_table(results),
        facts=list(_facts(manifest)),
    )


def _scatters(results: Results) -> Iterator[_Figure]:
    from backend.evaluation.benchmark.plots import scatter

    for model, methods in results.manifest["rows"].items():
        points = {}
        for method in methods:
            strikes = results.metric(model, method, FORGET, "strike_rate")
            fid = results.metric(model, method, RETAIN, "fid_corrected")
            if strikes is not None and fid is not None and fid.value is not None:
                points[label(method)] = (strikes, fid)
        if points:
            targets = [label(method) for method in methods if is_d_r(method)]
            plot = scatter(points, "strike rate of forget prompts", "FID of retain", targets)
            yield plot, model


def _bars(results: Results) -> Iterator[_Figure]:
    from backend.evaluation.benchmark.plots import bars

    groups = [name.removesuffix("_rate") for name in _CHECKS]
    for model, methods in results.manifest["rows"].items():
        series = {
            label(method): [results.metric(model, method, FORGET, c) for c in _CHECKS]
            for method in methods
        }
        if any(any(values) for values in series.values()):
            yield bars(groups, series, "share of motions"), model


def _examples(pictures: Pictures) -> Iterator[tuple[str, list[_Figure]]]:
    """A heading and the drawings of all methods, for each example."""
    from backend.evaluation.benchmark.stick_figures import moving

    for example in pictures.examples:
        heading = f"{example.model}, {example.suite}, seed {example.seed}: {example.prompt}"
        drawings = []
        for clip, drawing in moving(example, pictures.chains):
            seen = "strike found" if clip.strikes else "no strike found"
            drawings.append((drawing, f"{label(clip.method)}: {seen}"))
        yield heading, drawings


def _histograms(pictures: Pictures) -> Iterator[_Figure]:
    from backend.evaluation.benchmark.plots import histogram

    before = {h.model: h for h in pictures.histograms if h.method == ORIGINAL}
    for after in pictures.histograms:
        if after.method != ORIGINAL and "lcr" in after.method and after.model in before:
            yield histogram(before[after.model], after), after.model


def _facts(value: Any, place: str = "") -> Iterator[tuple[str, str]]:
    """Every entry of the protocol file: settings, seeds, versions and hashes."""
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from _facts(inner, f"{place}.{key}" if place else key)
        return
    text = json.dumps(value, ensure_ascii=False) if not isinstance(value, str) else value
    yield place, text if len(text) <= _LONGEST_FACT else f"{text[:_LONGEST_FACT]}…"
