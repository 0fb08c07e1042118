"""The table of a batch: CSV or JSON, one row a prompt, read and checked whole before it starts."""

import csv
import difflib
import io
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal, get_args

import msgspec

from .errors import PlacidError
from .names import file_name
from .protocol import Capabilities, Generate, validate

Camera = Literal["auto", "front", "side", "still"]

CAMERAS: Final[tuple[str, ...]] = get_args(Camera)
SAMPLE_RIGS: Final = ("placid", "rigify", "mixamo")
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
_FORBIDDEN: Final = re.compile(r'[<>:"|?*\\\x00-\x1f]')
_MAX_OUTPUT: Final = 150


class Row(msgspec.Struct, frozen=True):
    """One line of the table.

    Attributes:
        number: counts from 1, without the heading.
        request: what is generated.
        rig: `placid`, `rigify`, `mixamo`, or a .blend file, as in `hero.blend#Armature`.
        camera: `auto`, `front` and `side` follow the body, `still` shows the whole way at once.
        output: path of the results inside the output folder, without seed and suffix.
    """

    number: int
    request: Generate
    rig: str = "placid"
    camera: str = "auto"
    output: str = ""

    @property
    def seeds(self) -> range:
        """One seed per take."""
        return range(self.request.seed, self.request.seed + self.request.takes)


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


def read_table(path: Path) -> list[Row]:
    """The rows of a CSV or JSON file.

    Raises:
        TableError: with every cell that cannot be understood.
    """
    cells = _read_cells(path)
    problems: list[Problem] = []
    rows = [_row(number, values, problems) for number, values in enumerate(cells, start=1)]
    rows = _name_outputs(rows)
    problems += _check_outputs(rows)
    if problems:
        raise TableError(path.name, sorted(problems, key=lambda problem: problem.row))
    return rows


def check_table(
    name: str, rows: Sequence[Row], capabilities: Capabilities, folder: Path | None = None
) -> None:
    """Hold every row against what the backend offers.

    Args:
        name: of the table, for the message.
        folder: where relative .blend files of the column rig are; None leaves rigs unchecked.

    Raises:
        TableError: with every value that the backend, or the rig, cannot provide.
    """
    problems = []
    for row in rows:
        problems += _refused(row, capabilities)
        if folder is not None and (remedy := _rig_problem(row.rig, folder)):
            problems.append(Problem(row.number, "rig", row.rig, remedy))
    if problems:
        raise TableError(name, problems)


def rig_file(rig: str, folder: Path) -> Path | None:
    """The .blend file that a rig names, or None for one of `SAMPLE_RIGS`."""
    if rig in SAMPLE_RIGS:
        return None
    return folder / rig.partition("#")[0]


def _read_cells(path: Path) -> list[dict[str, Any]]:
    """Rows as they stand in the file, by column; only known columns."""
    whole: Callable[[str], TableError] = lambda text: TableError(  # noqa: E731
        path.name, [Problem(0, "", "", text)]
    )
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
class _Cells:
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


def _row(number: int, values: Mapping[str, Any], problems: list[Problem]) -> Row:
    cells = _Cells(number, values)
    plain = Generate(prompt="")
    prompt = cells.text("prompt")
    if not prompt:
        cells.refuse("prompt", "describe the motion, as in 'a person waves'")
    request = Generate(
        prompt=prompt,
        seconds=cells.number_or_none("seconds"),
        takes=cells.whole("takes", plain.takes),
        seed=cells.whole("seed", plain.seed),
        safety=cells.text("safety") or None,
        model=cells.text("model", plain.model),
        concepts=cells.names("concept", plain.concepts),
    )
    camera = cells.text("camera", "auto").lower()
    if camera not in CAMERAS:
        cells.refuse("camera", f"choose one of: {', '.join(CAMERAS)}")
    rig = cells.text("rig", "placid")
    if rig not in SAMPLE_RIGS and not rig.partition("#")[0].lower().endswith(".blend"):
        cells.refuse(
            "rig", f"choose one of: {', '.join(SAMPLE_RIGS)}, or a file such as hero.blend#Armature"
        )
    problems += cells.problems
    return Row(number, request, rig, camera, cells.text("output"))


def _kind(value: object) -> str:
    return {bool: "true or false", list: "a list", dict: "an object"}.get(type(value), "a number")


def _name_outputs(rows: Sequence[Row]) -> list[Row]:
    """Rows without an output are named after their prompt, the same prompt with a number."""
    taken = {row.output.casefold() for row in rows if row.output}
    named = []
    for row in rows:
        if not row.output:
            base = name = file_name(row.request.prompt)
            count = 1
            while name in taken:
                count += 1
                name = f"{base}-{count}"
            taken.add(name)
            row = msgspec.structs.replace(row, output=name)
        named.append(row)
    return named


def _check_outputs(rows: Sequence[Row]) -> list[Problem]:
    """Outputs stay inside the output folder, and no two rows write to the same place."""
    problems, owners = [], {}
    for row in rows:
        parts = row.output.split("/")
        remedy = ""
        if _FORBIDDEN.search(row.output) or len(row.output) > _MAX_OUTPUT:
            remedy = f"use at most {_MAX_OUTPUT} letters, digits, dashes and slashes"
        elif any(part.strip(". ") == "" or part.startswith(".") for part in parts):
            remedy = "name a place inside the output folder, such as walks/slow"
        elif (other := owners.setdefault(row.output.casefold(), row.number)) != row.number:
            remedy = f"row {other} writes there too; give each row its own output"
        if remedy:
            problems.append(Problem(row.number, "output", row.output, remedy))
    return problems


def _refused(row: Row, capabilities: Capabilities) -> list[Problem]:
    """What the backend does not offer, column by column."""
    request = row.request
    plain = Generate(prompt="a person walks", model=capabilities.models[0].name, safety="off")
    columns: dict[str, tuple[str, dict[str, Any]]] = {
        "prompt": (request.prompt, {"prompt": request.prompt}),
        "seconds": (str(request.seconds), {"seconds": request.seconds}),
        "takes": (str(request.takes), {"takes": request.takes}),
        "seed": (str(request.seed), {"seed": request.seed}),
        "model": (request.model, {"model": request.model}),
        "safety": (request.safety or "", {"safety": request.safety, "concepts": request.concepts}),
    }
    problems = []
    for column, (value, change) in columns.items():
        try:
            validate(msgspec.structs.replace(plain, **change), capabilities)
        except PlacidError as error:
            if error.code == "unknown_concept":
                column, value = "concept", "; ".join(request.concepts)
            problems.append(Problem(row.number, column, value, error.message))
    return problems


def _rig_problem(rig: str, folder: Path) -> str:
    path = rig_file(rig, folder)
    if path is None or path.is_file():
        return ""
    return f"the file {path} does not exist; correct the path"
