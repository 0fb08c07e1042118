"""The report of a run: terminal, Markdown, JSON and one page with plots."""

from collections.abc import Iterable
from pathlib import Path
from typing import Final, TypeVar

import msgspec

from backend.evaluation.benchmark.cells import Table
from backend.evaluation.benchmark.html import page
from backend.evaluation.benchmark.pictures import Pictures
from backend.evaluation.benchmark.results import Results
from backend.evaluation.benchmark.store import Store
from backend.evaluation.benchmark.tables import full_table, report_tables, verdict_lines
from shared.decoding.errors import FileKind
from shared.decoding.limits import MAX_RUN_BYTES, MAX_RUN_ENTRIES
from shared.decoding.text import decode_json, read_bytes
from shared.errors import PlacidError

Value = TypeVar("Value")

RESULTS: Final = "results.json"
_PICTURES: Final = "pictures.json"


def write_report(store: Store, results: Results, pictures: Pictures) -> list[Path]:
    """Write `results.json`, `report.md` and `report.html`; returns their paths."""
    store.write(store.folder / RESULTS, msgspec.json.format(msgspec.json.encode(results), indent=1))
    store.write(store.folder / _PICTURES, msgspec.json.encode(pictures))
    return render(store, results, pictures)


def render(store: Store, results: Results, pictures: Pictures) -> list[Path]:
    """Write the report's readable files from what was measured."""
    texts = {"report.md": markdown(results), "report.html": page(results, pictures)}
    for name, text in texts.items():
        store.write(store.folder / name, text.encode())
    return [store.folder / name for name in (RESULTS, *texts)]


def read_report(store: Store) -> tuple[Results, Pictures]:
    """What `write_report` wrote.

    Raises:
        PlacidError: `damaged_run` when the run is not finished or its results cannot be read.
    """
    kind = FileKind(
        "finished results",
        f"finish the run with `backend eval run --out {store.folder}`",
        lambda sentence: PlacidError("damaged_run", sentence),
        when_missing=True,
    )
    return (
        _read(kind, store.folder / RESULTS, Results),
        _read(kind, store.folder / _PICTURES, Pictures),
    )


def _read(kind: FileKind, path: Path, type_: type[Value]) -> Value:
    with kind.reading(path):
        return decode_json(read_bytes(path, MAX_RUN_BYTES), type_, MAX_RUN_ENTRIES)


def markdown(results: Results) -> str:
    """All tables as Markdown."""
    manifest = results.manifest
    lines = [
        f"# Unlearning {manifest['concept']}: protocol {manifest['protocol']['name']}, "
        f"seed {manifest['seed']}",
        "",
        *(f"- {line}" for line in verdict_lines(results)),
    ]
    for table in (*report_tables(results), full_table(results)):
        lines += ["", f"## {table.title}", "", *_markdown_table(table)]
        if table.note:
            lines += ["", table.note]
    return "\n".join(lines) + "\n"


def _markdown_table(table: Table) -> list[str]:
    rules = ["---" if i < 2 else "---:" for i in range(len(table.headings))]
    return [f"| {' | '.join(row)} |" for row in (table.headings, rules, *table.rows)]


def print_report(results: Results) -> None:
    """Print the tables and the verdict on the terminal."""
    print_tables(report_tables(results), verdict_lines(results))


def print_tables(tables: Iterable[Table], lines: Iterable[str] = ()) -> None:
    """Print tables, and sentences below them."""
    from rich.console import Console
    from rich.table import Table as RichTable

    console = Console()
    if not console.is_terminal:
        # A file or a pipe has no width; cut-off columns would be lost.
        console = Console(width=200)
    for table in tables:
        shown = RichTable(title=table.title, caption=table.note or None, title_justify="left")
        for i, heading in enumerate(table.headings):
            shown.add_column(heading, justify="left" if i < 2 else "right", overflow="fold")
        for row in table.rows:
            shown.add_row(*row)
        console.print(shown)
    for line in lines:
        console.print(line, markup=False)
