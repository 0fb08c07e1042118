"""The cells of a batch's table, as CSV or JSON has them, and what is said about wrong ones."""

import csv
import difflib
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import msgspec

from ..errors import PlacidError

COLUMNS: Final = (
    "prompt",
    "seconds",
    "takes",
    "seed",
    "safety",
    "model",
    "concept",
    "rig",
    "camera",
    "output",
)
MAX_BYTES: Final = 8 * 1024 * 1024
MAX_ROWS: Final = 10_000
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
        return f"row {self.row}, column {self.column}, value {self.value[:60]!r}: {self.remedy}"


class TableError(PlacidError):
    """A table that cannot be run; `problems` has everything that is wrong with it."""

    def __init__(self, name: str, problems: Sequence[Problem]) -> None:
        told = [str(problem) for problem in problems[:_TOLD]]
        if len(problems) > _TOLD:
            told.append(f"and {len(problems) - _TOLD} more")
        count = "a problem" if len(problems) == 1 else f"{len(problems)} problems"
        super().__init__("bad_table", f"{name} has {count}: " + "; ".join(told))
        self.problems = tuple(problems)


def read_cells(path: Path) -> list[dict[str, Any]]:
    """Rows as they stand in the file, by column; only known columns."""

    def whole(text: str) -> TableError:
        return TableError(path.name, [Problem(0, "", "", text)])

    try:
        if path.stat().st_size > MAX_BYTES:
            raise whole(f"it is larger than {MAX_BYTES // 2**20} MB; split it")
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise PlacidError(
            "bad_table", f"the table {path} does not exist; choose a CSV or JSON file"
        ) from None
    except OSError as error:
        raise whole(f"it cannot be read ({error.strerror}); choose another file") from error
    except UnicodeDecodeError:
        raise whole("it is not UTF-8 text; save it as 'CSV UTF-8' or as JSON") from None
    try:
        found = _from_json(text) if path.suffix.lower() == ".json" else _from_csv(text)
    except (ValueError, csv.Error, msgspec.MsgspecError) as error:
        raise whole(
            f"it cannot be understood ({error}); see docs/batch.md for an example"
        ) from None
    if not found:
        raise whole("it has no rows; write one prompt a row under the heading 'prompt'")
    if len(found) > MAX_ROWS:
        raise whole(f"it has {len(found)} rows; split it into tables of at most {MAX_ROWS}")
    _check_columns(path.name, found)
    return found


def _from_json(text: str) -> list[dict[str, Any]]:
    return msgspec.json.decode(text.encode(), type=list[dict[str, Any]])


def _from_csv(text: str) -> list[dict[str, Any]]:
    heading = text.partition("\n")[0]
    # Spreadsheets of many countries separate by semicolons.
    delimiter = max(",;\t", key=heading.count)
    reader = csv.DictReader(io.StringIO(text), delimiter=delimiter, strict=True, restkey="")
    rows = []
    for cells in reader:
        row = {(key or "").strip().lower(): value for key, value in cells.items()}
        if any(isinstance(value, str) and value.strip() for value in row.values()):
            rows.append(row)
    return rows


def _check_columns(name: str, rows: Iterable[Mapping[str, Any]]) -> None:
    """Raises TableError for columns that no table has, each told once."""
    problems: dict[str, Problem] = {}
    for number, row in enumerate(rows, start=1):
        for column in row:
            if column in COLUMNS or column in problems:
                continue
            close = difflib.get_close_matches(column, COLUMNS, n=1)
            if column == "":
                remedy = "it has more cells than the heading; put text with commas in quotes"
            elif close:
                remedy = f"there is no column {column!r}; did you mean {close[0]!r}?"
            else:
                remedy = f"there is no column {column!r}; choose from {', '.join(COLUMNS)}"
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
        value = self.values.get(column)
        if value is None:
            return default
        if not isinstance(value, str):
            self.refuse(column, f"write text, not {_kind(value)}")
            return default
        return value.strip() or default

    def number_or_none(self, column: str) -> float | None:
        value = self.values.get(column)
        if isinstance(value, str):
            value = value.strip() or None
        if value is None:
            return None
        try:
            # A decimal comma is how half of the world writes it.
            number = float(value.replace(",", ".") if isinstance(value, str) else value)
        except (TypeError, ValueError):
            self.refuse(column, "write a number, such as 4.5, or leave the cell empty")
            return None
        return number

    def whole(self, column: str, default: int) -> int:
        number = self.number_or_none(column)
        if number is None:
            return default
        if number != number or abs(number) > 2**53 or number != int(number):
            self.refuse(column, "write a whole number, or leave the cell empty")
            return default
        return int(number)

    def names(self, column: str, default: tuple[str, ...]) -> tuple[str, ...]:
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
        self.problems.append(Problem(self.number, column, str(self.values.get(column)), remedy))


def _kind(value: object) -> str:
    return {bool: "true or false", list: "a list", dict: "an object"}.get(type(value), "a number")
