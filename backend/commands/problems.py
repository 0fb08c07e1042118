"""What the commands on data sets say of broken items."""

from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from backend.datasets.problems import ProblemTable

_SHOWN: Final = 20  # rows on the terminal; the file has all


def report(problems: "ProblemTable", out: Path) -> None:
    """Print the table of what was left out, and write all of it to `problems.csv` in a folder."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    path = out / "problems.csv"
    path.unlink(missing_ok=True)
    if not problems:
        return
    problems.save(path)
    table = Table("item", "file", "problem", title=f"{len(problems)} left out")
    for problem in problems.rows[:_SHOWN]:
        table.add_row(*map(escape, (problem.item, str(problem.file), problem.what)))
    Console().print(table)
    if len(problems) > _SHOWN:
        print(f"... and {len(problems) - _SHOWN} more")
    print(f"The whole table is in {path}.")
