"""A curve to follow, read from a text file."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shared.protocol.messages import Path as FloorPath


def read_path(file: Path, face: str | None) -> "FloorPath":
    """The curve in a file: a point a line, x and z in metres, and seconds where they matter.

    Args:
        face: x and z of what to turn to at the end, as in "1,2".

    Raises:
        PlacidError: `bad_path` for what is no such file, or no such point.
    """
    from shared.decoding.errors import FileKind
    from shared.decoding.limits import MAX_TABLE_BYTES
    from shared.decoding.text import read_text
    from shared.errors import PlacidError
    from shared.protocol.messages import Path as FloorPath

    kind = FileKind(
        "a path",
        "write a point a line, as in 0.5, 2",
        lambda sentence: PlacidError("bad_path", sentence),
    )
    with kind.reading(file):
        lines = read_text(file, MAX_TABLE_BYTES).splitlines()
    rows = [
        _numbers(line, f"line {number} of {file}", (2, 3))
        for number, line in enumerate(lines, start=1)
        if line.strip() and not line.lstrip().startswith("#")
    ]
    times = tuple(row[2] if len(row) == 3 else None for row in rows)
    point = None if face is None else _numbers(face, "--face", (2,))
    return FloorPath(
        points=tuple((row[0], row[1]) for row in rows),
        times=times if any(time is not None for time in times) else (),
        face=None if point is None else (point[0], point[1]),
    )


def _numbers(text: str, where: str, counts: tuple[int, ...]) -> list[float]:
    from shared.errors import PlacidError

    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    if len(numbers) not in counts:
        more = " and, where it matters, the seconds" if 3 in counts else ""
        raise PlacidError(
            "bad_path",
            f"{where} is {text.strip()[:40]!r}; write x and z in metres{more}, with commas "
            "between, as in 0.5, 2",
        )
    return numbers
