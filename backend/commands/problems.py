"""What the commands on data sets say of broken items."""

from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from backend.datasets.problems import ProblemTable

_SHOWN: Final = 20  # rows on the terminal; the file has all


def report(problems: "ProblemTable", out: Path | None) -> None:
    """Print the table of what was left out.

    Args:
        out: folder where all of it is written to `problems.csv`; nothing is written if None.
    """
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    path = None if out is None else out / "problems.csv"
    if path is not None:
        path.unlink(missing_ok=True)
    if not problems:
        return
    if path is not None:
        problems.save(path)
    table = Table("item", "file", "problem", title=f"{len(problems)} left out")
    for problem in problems.rows[:_SHOWN]:
        table.add_row(*map(escape, (problem.item, str(problem.file), problem.what)))
    Console().print(table)
    if len(problems) > _SHOWN:
        print(f"... and {len(problems) - _SHOWN} more")
    if path is not None:
        print(f"The whole table is in {path}.")
