"""The report as one HTML page that loads nothing."""

from collections.abc import Iterator
from html import escape
from typing import Final

from backend.evaluation.benchmark.pictures import Pictures
from backend.evaluation.benchmark.preparation import D_R, ORIGINAL
from backend.evaluation.benchmark.results import Results
from backend.evaluation.benchmark.suites import FORGET, RETAIN
from backend.evaluation.benchmark.svg import bars, histogram, scatter, stick_strip
from backend.evaluation.benchmark.tables import (
    Table,
    full_table,
    label,
    report_tables,
    verdict_lines,
)

_STYLE: Final = """
body { font: 15px/1.5 sans-serif; color: #222; max-width: 1500px; margin: 2em auto; padding: 0 1em }
.wide { overflow-x: auto; margin: 1em 0 }
table { border-collapse: collapse; white-space: nowrap; font-size: 14px }
th, td { padding: .25em .5em; border-bottom: 1px solid #ddd; text-align: right }
th:nth-child(-n+2), td:nth-child(-n+2) { text-align: left }
svg { max-width: 100%; height: auto; vertical-align: top }
figure { margin: 0 1em 1em 0; display: inline-block; max-width: 100% }
figcaption, .note { color: #555; font-size: 14px }
"""
_CHECKS: Final = ("kick_rate", "punch_rate", "boxing_rate", "swing_rate")


def page(results: Results, pictures: Pictures) -> str:
    """The whole page."""
    manifest = results.manifest
    title = f"Unlearning {manifest['concept']}: protocol {manifest['protocol']['name']}"
    body = [
        f"<h1>{escape(title)}</h1>",
        "<ul>",
        *(f"<li>{escape(line)}</li>" for line in verdict_lines(results)),
        "</ul>",
        "<h2>Forgetting against retained quality</h2>",
        '<p class="note">The ring is D_r, which never learned the concept: the nearer, the '
        "better. Further down is a better retained quality.</p>",
        *_scatters(results),
        "<h2>Strikes by kind, on the forget prompts</h2>",
        *_bars(results),
        *(_table(table) for table in report_tables(results)),
        "<h2>The same prompt before and after</h2>",
        *_strips(pictures),
        "<h2>Codes of the forget motions</h2>",
        '<p class="note">How often the unedited tokeniser reads each base code in the motions, '
        "sorted by the original's.</p>",
        *_histograms(pictures),
        "<details><summary>Every figure</summary>",
        _table(full_table(results)),
        "</details>",
    ]
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}'
        f"</title><style>{_STYLE}</style></head>\n<body>{''.join(body)}</body></html>\n"
    )


def _scatters(results: Results) -> Iterator[str]:
    for model, methods in results.manifest["rows"].items():
        points = {}
        for method in methods:
            strikes = results.figure(model, method, FORGET, "strike_rate")
            fid = results.figure(model, method, RETAIN, "fid_corrected")
            if strikes is not None and fid is not None:
                points[label(method)] = (strikes, fid)
        if points:
            plot = scatter(points, "strike rate of forget prompts", "FID of retain", label(D_R))
            yield _figure(plot, model)


def _bars(results: Results) -> Iterator[str]:
    groups = [name.removesuffix("_rate") for name in _CHECKS]
    for model, methods in results.manifest["rows"].items():
        series = {
            label(method): [results.figure(model, method, FORGET, c) or 0.0 for c in _CHECKS]
            for method in methods
        }
        yield _figure(bars(groups, series, "share of motions"), model)


def _strips(pictures: Pictures) -> Iterator[str]:
    for strip in pictures.strips:
        caption = f"{strip.model}, {label(strip.method)}: {strip.prompt}"
        yield _figure(stick_strip(strip, pictures.chains), caption)


def _histograms(pictures: Pictures) -> Iterator[str]:
    before = {h.model: h for h in pictures.histograms if h.method == ORIGINAL}
    for after in pictures.histograms:
        if after.method != ORIGINAL and "lcr" in after.method and after.model in before:
            yield _figure(histogram(before[after.model], after), after.model)


def _figure(svg: str, caption: str) -> str:
    return f"<figure>{svg}<figcaption>{escape(caption)}</figcaption></figure>"


def _table(table: Table) -> str:
    head = "".join(f"<th>{escape(heading)}</th>" for heading in table.headings)
    rows = "".join(
        f"<tr>{''.join(f'<td>{escape(text)}</td>' for text in row)}</tr>" for row in table.rows
    )
    note = f'<p class="note">{escape(table.note)}</p>' if table.note else ""
    return (
        f'<h2>{escape(table.title)}</h2><div class="wide"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div>{note}"
    )
