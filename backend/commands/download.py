"""`backend download`: official models from their public hosts, ready to run and made safe."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from backend.checkpoints.download.install import Progress
    from backend.checkpoints.download.table import Table


def download(
    names: Annotated[
        list[str], typer.Argument(metavar="NAME...", help="momask, bamm, clip or evaluator.")
    ],
    checkpoints: Annotated[
        Path, typer.Option("--checkpoints", help="Folder; nothing is written outside of it.")
    ],
    accept_licence: Annotated[
        bool, typer.Option("--accept-licence", help="You have read the licences and accept them.")
    ] = False,
    safety: Annotated[
        bool, typer.Option(help="Fit safety by UCE to the models as soon as they can run.")
    ] = True,
    table: Annotated[
        Path | None,
        typer.Option(help="Table of releases of your own, as for a mirror in a studio."),
    ] = None,
) -> None:
    """Fetch official models with what they need; an interrupted download is gone on with."""
    from backend.checkpoints.download.install import install, wanted_releases
    from backend.checkpoints.download.table import TABLE, read_table

    releases = read_table(table or TABLE)
    wanted = wanted_releases(names, releases, checkpoints)
    _show_licences(wanted, releases)
    if not accept_licence:
        _ask()
    try:
        with _progress_bar() as progress:
            install(wanted, releases, checkpoints, _say, progress)
    except KeyboardInterrupt:
        print("\nstopped; what came is kept, and the same command goes on from there")
        raise typer.Exit(130) from None
    _look(checkpoints, safety)


def _show_licences(names: Sequence[str], table: "Table") -> None:
    for name in names:
        release = table.releases[name]
        first = [part.sources[0] for part in release.parts]
        size = sum(source.megabytes for source in first)
        stated = f", about {size:.0f} MB" if size else ", size not known"
        places = ", ".join(f"{source.host}:{source.id}" for source in first)
        print(f"{name}: {release.title} (from {places}{stated})\n  {release.licence}")


def _ask() -> None:
    from shared.errors import PlacidError

    if sys.stdin is not None and sys.stdin.isatty() and typer.confirm("Do you accept?"):
        return
    raise PlacidError(
        "licence_not_accepted",
        "nothing was fetched, because the licences above were not accepted; say --accept-licence",
    )


def _say(sentence: str) -> None:
    from tqdm import tqdm

    tqdm.write(sentence)


@contextmanager
def _progress_bar() -> "Iterator[Progress]":
    """A bar for each file, in bytes."""
    from tqdm import tqdm

    bars: dict[str, tqdm[None]] = {}

    def report(name: str, done: int, whole: int | None) -> None:
        if name not in bars:
            close()
            bars[name] = tqdm(
                desc=name, total=whole, unit="B", unit_scale=True, initial=done, leave=False
            )
        bars[name].update(done - bars[name].n)

    def close() -> None:
        for bar in bars.values():
            bar.close()
        bars.clear()

    try:
        yield report
    finally:
        close()


def _look(folder: Path, safety: bool) -> None:
    """What `backend doctor` finds in the folder, and safety for what can run."""
    from backend.commands.diagnostics import examine
    from backend.commands.doctor import show_findings

    if show_findings(list(examine(folder))) and safety:
        _fit_safety(folder)


def _fit_safety(folder: Path) -> None:
    from backend.checkpoints.loading import load_checkpoint
    from backend.text.encoders import clip_folder, make_encoder
    from backend.unlearning.concept import find_concept
    from backend.unlearning.edit_name import EditName
    from backend.unlearning.edit_store import EditStore, edit_folders
    from backend.unlearning.fit import FitInputs, fit_edit, statistics_folders
    from shared.concepts import VIOLENCE

    checkpoint = load_checkpoint(folder)
    folders = edit_folders(folder)
    there = EditStore(folders).files()
    own = [EditName(model, "uce", VIOLENCE) for model in checkpoint.models()]
    lacking = [name for name in own if name not in there]
    if not lacking:
        return
    encoder = make_encoder(checkpoint.encoder, clip_folder(folder))
    inputs = FitInputs(encoder, statistics_folders(folder))
    for name in lacking:
        edit = fit_edit(checkpoint, inputs, find_concept(VIOLENCE), name.method, name.model)
        edit.save(folders[-1] / name.file)
        print(f"safety for {name.model}, fitted by UCE: {folders[-1] / name.file}")
