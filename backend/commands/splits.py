"""`backend splits`: which motions of a data set are to be forgotten, and which retained."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast, get_args

import typer

from backend.commands.options import Dataset, Strict
from backend.commands.problems import report

if TYPE_CHECKING:
    from collections.abc import Sequence

    from backend.datasets.layouts import Layout
    from backend.datasets.problems import ProblemTable
    from backend.datasets.splits import IdList, Match, PublishedList
    from backend.datasets.text_motions import Entry


def splits(
    data: Annotated[Path, typer.Argument(help="Folder of HumanML3D or Motion-X.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the lists.")],
    concept: Annotated[
        str, typer.Option(help="A concept's name, its TOML file, or keywords with commas.")
    ] = "violence",
    split: Annotated[str, typer.Option(help="train, val, test or train_val.")] = "test",
    match: Annotated[
        str,
        typer.Option(help="published: substrings, as in the benchmark; word: whole words."),
    ] = "published",
    dataset: Dataset = None,
    strict: Strict = False,
) -> None:
    """Write the forget and retain lists of a split, and say whether they are the published ones."""
    from backend.datasets.layouts import find_layout
    from backend.datasets.problems import Problem, ProblemTable
    from backend.datasets.splits import PUBLISHED_LISTS, forget_and_retain, recognise
    from backend.datasets.text_motions import read_split
    from backend.unlearning.concept import find_concept

    rule = _rule(match)
    layout, wanted = find_layout(data, dataset), find_concept(concept)
    used = wanted.as_published(layout.name) if rule == "published" else wanted
    problems = ProblemTable(strict)
    entries = read_split(data, layout, split, problems)
    lists = forget_and_retain(entries, used.matches, rule)
    known = PUBLISHED_LISTS.get((layout.name, split, used.name)) if rule == "published" else None
    broken = _broken_motions(data, layout, entries, problems)
    named = {
        kind: ids.without(broken) for kind, ids in zip(("forget", "retain"), lists, strict=True)
    }
    for kind, ids in named.items():
        if not ids.ids:
            problems.add(Problem(f"{split}, {kind}", data, f"empty: no motion to {kind}"))
    out.mkdir(parents=True, exist_ok=True)
    for kind, ids in named.items():
        path = out / f"{split}-{used.name}-{rule}-{kind}.txt"
        ids.save(path)
        name = recognise(ids)
        known_as = f" = {name}" if name else ""
        print(f"{kind:7} {len(ids.ids):6} ids  SHA-256 {ids.sha256}  {path}{known_as}")
    if known is not None:
        print(_verdict(lists[0], known))
    report(problems, out)


def _rule(match: str) -> "Match":
    from backend.datasets.splits import Match
    from shared.errors import PlacidError

    if match not in get_args(Match):
        raise PlacidError("bad_match", f"--match {match} is not known; use published or word")
    return cast("Match", match)


def _broken_motions(
    data: Path, layout: "Layout", entries: "Sequence[Entry]", problems: "ProblemTable"
) -> set[str]:
    """Ids of the entries whose motion cannot be read; none where there are no motions at all."""
    from backend.datasets.layouts import first_folder
    from backend.datasets.text_motions import with_motions

    if first_folder(data, layout.motions) is None:
        print(f"{data} holds no motions: only the captions were read")
        return set()
    sound = with_motions(entries, problems)
    return {entry.id for entry in entries} - {entry.id for entry in sound}


def _verdict(forget: "IdList", known: "PublishedList") -> str:
    """Whether the captions give the published list."""
    if forget.sha256 == known.sha256:
        return f"These captions reproduce the published forget list of {known.count} ids."
    return (
        f"These captions do NOT reproduce the published forget list: it has {known.count} ids with "
        f"SHA-256 {known.sha256}, yours {len(forget.ids)} with {forget.sha256}."
    )
