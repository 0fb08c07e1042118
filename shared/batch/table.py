"""The table of a batch: CSV or JSON, one row a prompt, read and checked whole before it starts."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Literal, get_args

import msgspec

from ..errors import PlacidError
from ..names import file_name
from ..protocol.messages import Capabilities, Generate, validate
from .cells import Cells, Problem, TableError, read_cells

Camera = Literal["auto", "front", "side", "still"]

CAMERAS: Final[tuple[str, ...]] = get_args(Camera)
SAMPLE_RIGS: Final = ("placid", "rigify", "mixamo")
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


def read_table(path: Path) -> list[Row]:
    """The rows of a CSV or JSON file.

    Raises:
        TableError: with every cell that cannot be understood.
    """
    cells = read_cells(path)
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
    problems: list[Problem] = []
    owners: dict[str, int] = {}
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
