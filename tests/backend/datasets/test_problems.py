"""Broken items: collected in a table, or the end of the run."""

import csv
from pathlib import Path

import pytest

from backend.datasets.problems import Problem, ProblemTable
from shared.errors import PlacidError

BROKEN = Problem("000001", Path("texts/a, b.txt"), 'no caption in "a, b"')


def test_the_table_is_read_back_as_it_was_collected(tmp_path: Path) -> None:
    table = ProblemTable()
    assert len(table) == 0
    table.add(BROKEN)
    table.add(Problem("Ü2", Path("vecs/Ü2.npy"), "missing"))
    assert [problem.item for problem in table] == ["000001", "Ü2"]
    assert len(table) == 2
    table.save(tmp_path / "problems.csv")
    with (tmp_path / "problems.csv").open(encoding="utf-8", newline="") as file:
        assert list(csv.reader(file)) == [
            ["item", "file", "problem"],
            ["000001", str(BROKEN.file), BROKEN.what],
            ["Ü2", str(Path("vecs/Ü2.npy")), "missing"],
        ]


def test_strict_stops_with_the_item_the_file_and_the_way_on() -> None:
    table = ProblemTable(strict=True)
    with pytest.raises(PlacidError) as stopped:
        table.add(BROKEN)
    assert stopped.value.code == "broken_data"
    for words in (BROKEN.item, str(BROKEN.file), BROKEN.what, "--strict"):
        assert words in str(stopped.value)
    assert len(table) == 0
