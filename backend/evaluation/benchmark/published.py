"""What others publish, marked so, beside a run's own rows where both measured the same."""

import tomllib
from collections.abc import Iterator
from functools import cache
from importlib import resources
from typing import Any, Final

from backend.evaluation.benchmark.cells import Table, cell, label
from backend.evaluation.benchmark.results import Results

# Which of our metrics stands under a published heading.
_COLUMNS: Final = {
    "FID": "fid_published",
    "MM-Safe": "mm_safe_published",
    "MM-Dist": "mm_dist",
    "Diversity": "diversity_published",
    "R@1": "r_precision_1_published",
    "R@2": "r_precision_2_published",
    "R@3": "r_precision_3_published",
    "Multimodality": "multimodality_published",
}


@cache
def published() -> tuple[dict[str, Any], ...]:
    """Published figures with their source, a file of `assets/published` each."""
    folder = resources.files("backend").joinpath("assets/published")
    files = sorted(folder.iterdir(), key=lambda entry: entry.name)
    return tuple(tomllib.loads(f.read_text("utf-8")) for f in files if f.name.endswith(".toml"))


def published_tables(results: Results | None = None) -> Iterator[Table]:
    """What others publish, marked so; in front of a run's own row where the protocol is theirs."""
    for content in published():
        for table in content["tables"]:
            own = _own_rows(results, table) if results is not None else ()
            yield Table(
                f"Published: {content['model']}, {table['dataset']}, {table['suite']}",
                ("method", *table["columns"]),
                (
                    *own,
                    *(
                        (f"{row[0]} (published)", *(_number(value) for value in row[1:]))
                        for row in table["rows"]
                    ),
                ),
                f"From the {content['source']}. "
                + (
                    "Rows marked (this run) are by the same evaluator."
                    if own
                    else "Another evaluator and other data than this run's: compare the order of "
                    "the methods, not the values."
                ),
            )


def _own_rows(results: Results, table: dict[str, Any]) -> tuple[tuple[str, ...], ...]:
    """This run's rows under a published table's columns, where it measured the same thing."""
    manifest = results.manifest
    same = manifest.get("data") == table["dataset"] and manifest.get("evaluator") == "official"
    if not same or table["suite"] not in manifest["sha256"]["suites"]:
        return ()
    return tuple(
        (
            f"{row.model} {label(row.method)} (this run)",
            *(cell(row.figures.get(_COLUMNS.get(name, ""))) for name in table["columns"]),
        )
        for row in results.rows
        if row.suite == table["suite"]
    )


def _number(value: object) -> str:
    return f"{value:g}" if isinstance(value, (int, float)) else str(value)
