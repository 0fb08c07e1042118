"""Broken items of a data set: collected, so that one bad file among thousands is no dead end."""

import csv
import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from shared.decoding.errors import UNDECODABLE, DecodeError, explain
from shared.errors import PlacidError
from shared.files import written_whole


class BrokenFileError(Exception):
    """Why a single file cannot be used; becomes a Problem."""


@contextmanager
def reading(what: str) -> Iterator[None]:
    """Turn all that reading a file can run into into BrokenFileError.

    Args:
        what: the file should be, as in "an npy file of numbers".
    """
    try:
        yield
    except FileNotFoundError:
        raise BrokenFileError("missing") from None
    except (DecodeError, *UNDECODABLE) as error:
        raise BrokenFileError(explain(error, what)) from error


@dataclass(frozen=True)
class Problem:
    """Why an item was left out.

    Attributes:
        item: its id, or the split's name.
        file: the file at fault.
        what: the reason in a few words, with the value.
    """

    item: str
    file: Path
    what: str


@dataclass
class ProblemTable:
    """The problems of one run. With `strict` the first one raises PlacidError (`broken_data`)."""

    strict: bool = False
    rows: list[Problem] = field(default_factory=list)

    def add(self, problem: Problem) -> None:
        """Collect a problem, or stop."""
        if self.strict:
            raise PlacidError(
                "broken_data",
                f"{problem.item}: {problem.file}: {problem.what}; mend it, or go on without it by "
                "leaving out --strict",
            )
        self.rows.append(problem)

    def __iter__(self) -> Iterator[Problem]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def save(self, path: Path) -> None:
        """Write the table as CSV: item, file, problem. Raises PlacidError `not_writable`."""
        text = io.StringIO(newline="")
        rows = csv.writer(text)
        rows.writerow(("item", "file", "problem"))
        rows.writerows((row.item, row.file, row.what) for row in self.rows)
        with written_whole(path) as file:
            file.write(text.getvalue().encode())
