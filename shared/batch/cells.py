"""The cells of a batch's table, as CSV or JSON has them, and what is said about wrong ones."""

import csv
import difflib
import io
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from ..decoding.errors import DecodeError, FileKind
from ..decoding.limits import MAX_TABLE_BYTES
from ..decoding.text import decode_json, read_text
from ..errors import PlacidError
from ..names import printable
from .steps import Steps

COLUMNS: Final = (
    "prompt",
    "seconds",
    "takes",
    "seed",
    "safety",
    "token_guard",
    "model",
    "concept",
    "rig",
    "camera",
    "output",
)
MAX_ROWS: Final = 10_000
_MAX_COLUMNS: Final = 50
_LONGEST_NAME: Final = 40
_TOLD_DELIMITER: Final = re.compile(r'"?sep=([,;\t])"?[,;\t]*', re.IGNORECASE)
_YES_OR_NO: Final[dict[object, bool]] = {"yes": True, "no": False, "true": True, "false": False}
# So many problems are told at once; a table with more is told again after these are solved.
_TOLD: Final = 12


@dataclass(frozen=True)
class Problem:
    """One thing to put right in a table. Row 0 is the table as a whole."""

    row: int
    column: str
    value: str
    remedy: str

    def __str__(self) -> str:
        if not self.row:
            return self.remedy
        column, value = printable(self.column[:_LONGEST_NAME]), self.value[:60]
        return f"row {self.row}, column {column}, value {value!r}: {self.remedy}"


class TableError(PlacidError):
    """A table that cannot be run; `problems` has everything that is wrong with it."""

    def __init__(self, name: str, problems: Sequence[Problem]) -> None:
        told = [str(problem) for problem in problems[:_TOLD]]
        if len(problems) > _TOLD:
            told.append(f"and {len(problems) - _TOLD} more")
        count = "a problem" if len(problems) == 1 else f"{len(problems)} problems"
        super().__init__("bad_table", f"{name} has {count}: " + "; ".join(told))
        self.problems = tuple(problems)


def read_cells(path: Path) -> Steps[list[dict[str, Any]]]:
    """Rows as they stand in the file, by column; only known columns. A row is a step.

    Raises:
        TableError: for what is no table of such columns.
    """
    if not path.exists():
        raise PlacidError(
            "bad_table",
            f"the table {printable(str(path))} does not exist; choose a CSV or JSON file",
        )

    def refused(sentence: str) -> TableError:
        # The file's name begins the sentence here and in the error.
        problem = sentence.removeprefix(f"{path.name} ")
        return TableError(path.name, [Problem(0, "", "", f"it {problem}")])

    table = FileKind("a table", "see docs/batch.md for an example", refused)
    with table.reading(path.name):
        text = read_text(path, MAX_TABLE_BYTES)
        is_json = path.suffix.lower() == ".json"
        found = []
        for row in _from_json(text) if is_json else _from_csv(text):
            found.append(row)
            yield None
        if not found:
            raise DecodeError("has no rows; write one prompt a row under the heading 'prompt'")
        if len(found) > MAX_ROWS:
            raise DecodeError(f"has {len(found)} rows; split it into tables of at most {MAX_ROWS}")
    yield from _check_columns(path.name, found)
    return found


def _from_json(text: str) -> Iterator[dict[str, Any]]:
    for row in decode_json(text.encode(), list[dict[str, Any]]):
        yield {key.strip().lower(): value for key, value in row.items()}


def _from_csv(text: str) -> Iterator[dict[str, Any]]:
    lines = text.split("\n")
    # Spreadsheets keep rows that were emptied, and separate what is not there.
    while lines and not lines[0].strip(' ,;\t"'):
        lines.pop(0)
    first = lines[0] if lines else ""
    # Excel can be told the delimiter in a first line, and keeps that line.
    if told := _TOLD_DELIMITER.fullmatch(first.strip(" ")):
        delimiter = told[1]
        lines.pop(0)
    else:
        # Spreadsheets of many countries separate by semicolons.
        delimiter = max(",;\t", key=first.count)
    text = "\n".join(lines)
    count = 0
    heading: list[str] = []
    for cells in csv.reader(io.StringIO(text), delimiter=delimiter, strict=True):
        while cells and not cells[-1].strip():
            cells.pop()
        if not cells:
            continue
        if not heading:
            heading = [cell.strip().lower() for cell in cells]
            _check_heading(heading)
            continue
        row: dict[str, Any] = dict(zip(heading, cells, strict=False))
        if len(cells) > len(heading):
            row[""] = cells[len(heading) :]
        count += 1
        if count > MAX_ROWS:
            raise DecodeError(f"has more than {MAX_ROWS} rows; split it")
        yield row


def _check_heading(heading: Sequence[str]) -> None:
    """Raises DecodeError for columns that cannot be told apart."""
    if len(heading) > _MAX_COLUMNS:
        raise DecodeError(f"has {len(heading)} columns; the heading names {', '.join(COLUMNS)}")
    if "" in heading:
        raise DecodeError(f"has no heading over column {heading.index('') + 1}; name it")
    twice = [name for name in heading if heading.count(name) > 1]
    if twice:
        raise DecodeError(f"has two columns {printable(twice[0][:_LONGEST_NAME])!r}; keep one")


def _check_columns(name: str, rows: Iterable[Mapping[str, Any]]) -> Steps[None]:
    """Raises TableError for columns that no table has, each told once."""
    problems: dict[str, Problem] = {}
    for number, row in enumerate(rows, start=1):
        yield None
        for column in row:
            if column in COLUMNS or column in problems:
                continue
            close = difflib.get_close_matches(column[:_LONGEST_NAME], COLUMNS, n=1)
            if column == "":
                remedy = "it has more cells than the heading; put text with commas in quotes"
            elif close:
                remedy = f"there is no such column; did you mean {close[0]!r}?"
            else:
                remedy = f"there is no such column; choose from {', '.join(COLUMNS)}"
            value = row[column]
            told = " ".join(value) if isinstance(value, list) else str(value)
            problems[column] = Problem(number, column or "(none)", told, remedy)
    if problems:
        raise TableError(name, list(problems.values()))


@dataclass
class Cells:
    """The cells of one row, read one by one; what cannot be read becomes a problem."""

    number: int
    values: Mapping[str, Any]
    problems: list[Problem] = field(default_factory=list)

    def text(self, column: str, default: str = "") -> str:
        """The cell's text without blanks around it; `default` for an empty cell."""
        value = self.values.get(column)
        if value is None:
            return default
        if not isinstance(value, str):
            self.refuse(column, f"write text, not {_kind(value)}")
            return default
        return value.strip() or default

    def number_or_none(self, column: str) -> float | None:
        """The cell's number; None for an empty cell, and for one that is refused."""
        value = self.values.get(column)
        if isinstance(value, str):
            value = value.strip() or None
        if value is None:
            return None
        try:
            # A decimal comma is how half of the world writes it.
            number = float(value.replace(",", ".") if isinstance(value, str) else value)
        except (TypeError, ValueError, OverflowError):
            number = math.nan
        if isinstance(value, bool) or not math.isfinite(number):
            self.refuse(column, "write a number, such as 4.5, or leave the cell empty")
            return None
        return number

    def whole(self, column: str, default: int) -> int:
        """The cell's whole number; `default` for an empty cell, and for one that is refused."""
        number = self.number_or_none(column)
        if number is None:
            return default
        if abs(number) > 2**53 or number != int(number):
            self.refuse(column, "write a whole number, or leave the cell empty")
            return default
        return int(number)

    def yes_or_no(self, column: str) -> bool | None:
        """Whether the cell says yes or no; None for an empty cell, and for one that is refused."""
        value = self.values.get(column)
        if isinstance(value, str):
            value = value.strip().lower() or None
        if value is None or isinstance(value, bool):
            return value
        if value not in _YES_OR_NO:
            self.refuse(column, "write yes or no, or leave the cell empty")
            return None
        return _YES_OR_NO[value]

    def names(self, column: str, default: tuple[str, ...]) -> tuple[str, ...]:
        """Names of a list, or joined by semicolons; `default` for an empty cell."""
        value = self.values.get(column)
        if isinstance(value, str):
            value = value.split(";")
        if not value:
            return default
        if not isinstance(value, list) or not all(isinstance(part, str) for part in value):
            self.refuse(column, "write names separated by semicolons")
            return default
        return tuple(part.strip() for part in value if part.strip()) or default

    def refuse(self, column: str, remedy: str) -> None:
        """Note a problem with the cell of a column."""
        self.problems.append(Problem(self.number, column, str(self.values.get(column)), remedy))


def _kind(value: object) -> str:
    return {bool: "true or false", list: "a list", dict: "an object"}.get(type(value), "a number")
