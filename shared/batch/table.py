"""The table of a batch: CSV or JSON, one row a prompt, read and checked whole before it starts."""

import unicodedata
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, Final, Literal, get_args

import msgspec

from ..concepts import VIOLENCE
from ..errors import PlacidError
from ..filming.orders import split_rig
from ..motion.safety import announce
from ..names import file_name, is_remote, problem_of_path, same_file_key
from ..protocol.messages import Capabilities, Generate, validate
from .cells import COLUMNS, Cells, Problem, TableError, read_cells
from .steps import Steps, finish

Camera = Literal["auto", "front", "side", "still"]

CAMERAS: Final[tuple[str, ...]] = get_args(Camera)
SAMPLE_RIGS: Final = ("placid", "rigify", "mixamo")
_MAX_OUTPUT: Final = 150
# What the files of a batch end with; a folder of such a name could be in a result's place.
_OF_RESULTS: Final = (".npz", ".bvh", ".mp4", ".png", ".jsonl", ".log", "-frames")
# So many rows are named when many forget the same.
_ROWS_TOLD: Final = 8


class Row(msgspec.Struct, frozen=True, gc=False):
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
class Table:
    """A table as it was read; it can be run when `check` finds nothing wrong.

    Attributes:
        name: of its file, for messages.
        folder: its own, where relative .blend files of the column rig are.
        problems: the cells that cannot be understood whatever the backend offers.
    """

    name: str
    folder: Path
    rows: tuple[Row, ...]
    problems: tuple[Problem, ...] = ()

    def check(self, capabilities: Capabilities | None, with_rigs: bool = False) -> None:
        """Hold the whole table against what the backend offers, and tell all problems at once.

        Args:
            capabilities: None while the backend has not said what it offers.
            with_rigs: whether the .blend files must be there.

        Raises:
            TableError: with every cell that cannot be understood or provided.
        """
        finish(self.check_in_steps(capabilities, with_rigs))

    def check_in_steps(
        self, capabilities: Capabilities | None, with_rigs: bool = False
    ) -> Steps[None]:
        """As `check`, for a caller that must not be held up."""
        problems = list(self.problems)
        known: dict[tuple[object, ...], tuple[str, str, str]] = {}
        for row in self.rows:
            yield None
            if capabilities is not None:
                problems += _refused(row, capabilities, known)
            if with_rigs and (remedy := _rig_problem(row.rig, self.folder)):
                problems.append(Problem(row.number, "rig", row.rig, remedy))
        # Of two words about one cell the first is about what stands there.
        first = {(problem.row, problem.column): problem for problem in reversed(problems)}
        if first:
            order = {column: number for number, column in enumerate(COLUMNS)}
            told = sorted(first.values(), key=lambda p: (p.row, order.get(p.column, -1)))
            raise TableError(self.name, told)


def read_table(path: Path) -> Table:
    """The rows of a CSV or JSON file, and what is wrong with their cells.

    Raises:
        TableError: for a file that is no table, and for columns that no table has.
    """
    return finish(read_table_in_steps(path))


def read_table_in_steps(path: Path) -> Steps[Table]:
    """As `read_table`, for a caller that must not be held up."""
    cells = yield from read_cells(path)
    problems: list[Problem] = []
    rows = []
    for number, values in enumerate(cells, start=1):
        rows.append(_row(number, values, problems))
        yield None
    rows = yield from _name_outputs(rows)
    problems += yield from _check_outputs(rows)
    return Table(path.name, path.parent, tuple(rows), tuple(problems))


def announcements(rows: Sequence[Row]) -> list[str]:
    """What the rows forget, a sentence for each way in which they differ from plain violence."""
    told: dict[str, list[int]] = {}
    plain = announce(None, None, (VIOLENCE,), 1.0)
    for row in rows:
        request = row.request
        sentence = announce(request.safety, request.token_guard, request.concepts, request.strength)
        if sentence != plain:
            told.setdefault(sentence, []).append(row.number)
    return [f"{_rows(numbers)}: {sentence}" for sentence, numbers in told.items()]


def _rows(numbers: Sequence[int]) -> str:
    if len(numbers) == 1:
        return f"row {numbers[0]}"
    more = f" and {len(numbers) - _ROWS_TOLD} more" if len(numbers) > _ROWS_TOLD else ""
    return f"rows {', '.join(map(str, numbers[:_ROWS_TOLD]))}{more}"


def rig_file(rig: str, folder: Path) -> Path | None:
    """The .blend file that a rig names, or None for one of `SAMPLE_RIGS`."""
    if rig in SAMPLE_RIGS:
        return None
    return folder / split_rig(rig)[0]


def _row(number: int, values: Mapping[str, Any], problems: list[Problem]) -> Row:
    cells = Cells(number, values)
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
        token_guard=cells.yes_or_no("token_guard"),
        model=cells.text("model", plain.model),
        concepts=cells.names("concept", plain.concepts),
    )
    camera = cells.text("camera", "auto").lower()
    if camera not in CAMERAS:
        cells.refuse("camera", f"choose one of: {', '.join(CAMERAS)}")
    rig = cells.text("rig", "placid")
    if rig not in SAMPLE_RIGS and not split_rig(rig)[0].lower().endswith(".blend"):
        cells.refuse(
            "rig", f"choose one of: {', '.join(SAMPLE_RIGS)}, or a file such as hero.blend#Armature"
        )
    problems += cells.problems
    output = unicodedata.normalize("NFC", cells.text("output"))
    return Row(number, request, rig, camera, output)


def _name_outputs(rows: Sequence[Row]) -> Steps[list[Row]]:
    """Rows without an output are named after their prompt, the same prompt with a number."""
    taken = {same_file_key(row.output) for row in rows if row.output}
    numbers: dict[str, count[int]] = defaultdict(lambda: count(2))
    named = []
    for row in rows:
        yield None
        if not row.output:
            base = name = file_name(row.request.prompt)
            while name in taken:
                name = f"{base}-{next(numbers[base])}"
            taken.add(name)
            row = msgspec.structs.replace(row, output=name)
        named.append(row)
    return named


def _check_outputs(rows: Sequence[Row]) -> Steps[list[Problem]]:
    """Outputs stay inside the output folder, and no two rows write to the same place."""
    problems: list[Problem] = []
    owners: dict[str, int] = {}
    for row in rows:
        yield None
        remedy = problem_of_path(row.output)
        folders = same_file_key(row.output).split("/")[:-1]
        if len(row.output) > _MAX_OUTPUT:
            remedy = f"use at most {_MAX_OUTPUT} characters"
        elif any(folder.endswith(_OF_RESULTS) for folder in folders):
            remedy = f"name no folder with {' or '.join(_OF_RESULTS)} at its end; results do"
        elif not remedy:
            other = owners.setdefault(same_file_key(row.output), row.number)
            if other != row.number:
                remedy = f"row {other} writes there too; give each row its own output"
        if remedy:
            problems.append(Problem(row.number, "output", row.output, remedy))
    return problems


def _refused(
    row: Row, capabilities: Capabilities, known: dict[tuple[object, ...], tuple[str, str, str]]
) -> list[Problem]:
    """What the backend does not offer, column by column; `known` has what was looked up before."""
    request = row.request
    plain = Generate(prompt="a person walks", model=capabilities.models[0].name, safety="off")
    columns: dict[str, tuple[str, dict[str, Any]]] = {
        "prompt": (request.prompt, {"prompt": request.prompt}),
        "seconds": (str(request.seconds), {"seconds": request.seconds}),
        "takes": (str(request.takes), {"takes": request.takes}),
        "seed": (str(request.seed), {"seed": request.seed}),
        "model": (request.model, {"model": request.model}),
        "safety": (request.safety or "", {"safety": request.safety, "concepts": request.concepts}),
        "token_guard": (
            _yes_or_no(request.token_guard),
            {"safety": request.safety, "token_guard": request.token_guard}
            if request.token_guard is not None
            else {},
        ),
    }
    problems = []
    for column, (value, change) in columns.items():
        key = (column, *change.values())
        if key not in known:
            known[key] = (column, value, "")
            try:
                validate(msgspec.structs.replace(plain, **change), capabilities)
            except PlacidError as error:
                if error.code in ("unknown_concept", "bad_concept"):
                    known[key] = ("concept", "; ".join(request.concepts), error.message)
                else:
                    known[key] = (column, value, error.message)
        told, shown, remedy = known[key]
        if remedy:
            problems.append(Problem(row.number, told, shown, remedy))
    return problems


def _yes_or_no(value: bool | None) -> str:
    return "" if value is None else "yes" if value else "no"


def _rig_problem(rig: str, folder: Path) -> str:
    if is_remote(rig):
        return "copy the file beside the table; a path to another machine is not followed"
    path = rig_file(rig, folder)
    if path is None or path.is_file():
        return ""
    return f"the file {path} does not exist; correct the path"
