"""What the commands of `backend unlearn` have in common."""

from pathlib import Path
from typing import Annotated

import typer

ConceptOption = Annotated[
    str, typer.Option(help="A built-in concept, a TOML file, or keywords: 'crawl, creep'.")
]
Concepts = Annotated[
    list[str],
    typer.Option(
        "--concept",
        help="A built-in concept, a TOML file or keywords; repeatable, `all` for every one.",
    ),
]
Model = Annotated[str, typer.Option(help="momask or bamm.")]
Replace = Annotated[
    bool, typer.Option("--replace", help="Take the place of a file of your own that is there.")
]
Device = Annotated[str | None, typer.Option(help="cpu, cuda or mps; the best if left out.")]


def keep(path: Path, first: Path | None, replace: bool, other: str) -> None:
    """Raise UnlearningError where a new file would stand behind another, or replace it unasked."""
    from backend.unlearning.errors import UnlearningError

    if first is not None and first != path:
        raise UnlearningError(f"{first} has that name and always comes first: give yours {other}")
    if first is not None and not replace:
        raise UnlearningError(
            f"{path} is there already: say --replace to put this in its place, or give {other}"
        )


def names_of(concepts: list[str]) -> list[str]:
    """The concepts that were named, all that ship for `all`."""
    from backend.unlearning.concept import builtin_concepts

    return list(builtin_concepts()) if "all" in concepts else concepts
