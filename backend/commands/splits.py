"""`backend splits`: which motions of a data set are to be forgotten, and which retained."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, cast

import typer

from backend.commands.problems import report

if TYPE_CHECKING:
    from backend.datasets.splits import IdList, PublishedList


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
    dataset: Annotated[
        str | None, typer.Option(help="humanml3d or motion-x; told by the folders if left out.")
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Stop at broken data.")] = False,
) -> None:
    """Write the forget and retain lists of a split, and say whether they are the published ones."""
    from backend.datasets.layouts import find_layout, first_folder
    from backend.datasets.problems import ProblemTable
    from backend.datasets.splits import PUBLISHED_LISTS, forget_and_retain
    from backend.datasets.text_motions import read_split, with_motions
    from backend.unlearning.concept import find_concept
    from shared.errors import PlacidError

    if match not in ("published", "word"):
        raise PlacidError("bad_match", f"--match {match} is not known; use published or word")
    rule = cast(Literal["published", "word"], match)
    layout, wanted = find_layout(data, dataset), find_concept(concept)
    used = wanted.as_published(layout.name) if rule == "published" else wanted
    problems = ProblemTable(strict)
    entries = read_split(data, layout, split, problems)
    forget, retain = forget_and_retain(entries, used.matches, rule)
    known = PUBLISHED_LISTS.get((layout.name, split, used.name)) if rule == "published" else None
    verdict = _verdict(forget, known)
    if first_folder(data, layout.motions) is None:
        print(f"{data} holds no motions: only the captions were read")
    else:
        sound = {entry.id for entry in with_motions(entries, problems)}
        broken = [entry.id for entry in entries if entry.id not in sound]
        forget, retain = forget.without(broken), retain.without(broken)
    out.mkdir(parents=True, exist_ok=True)
    for name, ids in (("forget", forget), ("retain", retain)):
        path = out / f"{split}-{used.name}-{rule}-{name}.txt"
        ids.save(path)
        print(f"{name:7} {len(ids.ids):6} ids  SHA-256 {ids.sha256}  {path}")
    if verdict:
        print(verdict)
    report(problems, out)


def _verdict(forget: "IdList", known: "PublishedList | None") -> str:
    """Whether the captions give the published list, where it is known."""
    if known is None:
        return ""
    if forget.sha256 == known.sha256:
        return f"These captions reproduce the published forget list of {known.count} ids."
    return (
        f"These captions do NOT reproduce the published forget list: it has {known.count} ids with "
        f"SHA-256 {known.sha256}, yours {len(forget.ids)} with {forget.sha256}."
    )
