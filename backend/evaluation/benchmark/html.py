"""The report as one HTML page that loads nothing."""

import importlib.util
from collections.abc import Iterator
from typing import Final

from backend.assets import ASSETS
from backend.evaluation.benchmark.pictures import Pictures
from backend.evaluation.benchmark.preparation import D_R, ORIGINAL
from backend.evaluation.benchmark.results import Results
from backend.evaluation.benchmark.suites import FORGET, RETAIN
from backend.evaluation.benchmark.tables import full_table, label, report_tables, verdict_lines
from shared.errors import PlacidError

_TEMPLATE: Final = ASSETS / "report.html.jinja"
_LIBRARIES: Final = ("jinja2", "matplotlib")
_CHECKS: Final = ("kick_rate", "punch_rate", "boxing_rate", "swing_rate")

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
        title=f"Unlearning {manifest['concept']}: protocol {manifest['protocol']['name']}",
        verdicts=list(verdict_lines(results)),
        scatters=list(_scatters(results)),
        bars=list(_bars(results)),
        tables=list(report_tables(results)),
        strips=list(_strips(pictures)),
        histograms=list(_histograms(pictures)),
        full=full_table(results),
    )


def _scatters(results: Results) -> Iterator[_Figure]:
    from backend.evaluation.benchmark.plots import scatter

    for model, methods in results.manifest["rows"].items():
        points = {}
        for method in methods:
            strikes = results.figure(model, method, FORGET, "strike_rate")
            fid = results.figure(model, method, RETAIN, "fid_corrected")
            if strikes is not None and fid is not None:
                points[label(method)] = (strikes, fid)
        if points:
            plot = scatter(points, "strike rate of forget prompts", "FID of retain", label(D_R))
            yield plot, model


def _bars(results: Results) -> Iterator[_Figure]:
    from backend.evaluation.benchmark.plots import bars

    groups = [name.removesuffix("_rate") for name in _CHECKS]
    for model, methods in results.manifest["rows"].items():
        series = {
            label(method): [results.figure(model, method, FORGET, c) or 0.0 for c in _CHECKS]
            for method in methods
        }
        yield bars(groups, series, "share of motions"), model


def _strips(pictures: Pictures) -> Iterator[_Figure]:
    from backend.evaluation.benchmark.plots import stick_strip

    for strip in pictures.strips:
        caption = f"{strip.model}, {label(strip.method)}: {strip.prompt}"
        yield stick_strip(strip, pictures.chains), caption


def _histograms(pictures: Pictures) -> Iterator[_Figure]:
    from backend.evaluation.benchmark.plots import histogram

    before = {h.model: h for h in pictures.histograms if h.method == ORIGINAL}
    for after in pictures.histograms:
        if after.method != ORIGINAL and "lcr" in after.method and after.model in before:
            yield histogram(before[after.model], after), after.model
