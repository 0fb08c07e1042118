"""`backend prepare`: source data to training material."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="Turn motion data into training material.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Keeps `mocap` a sub-command while it is the only one."""


@app.command()
def mocap(
    data: Annotated[Path, typer.Argument(help="Folder with the sources, one sub-folder each.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the prepared material.")],
    sources: Annotated[
        str, typer.Option(help="Comma-separated; cmu,deepmimic is free for commercial use.")
    ] = "bandai,cmu,deepmimic",
) -> None:
    """Read labelled mocap clips, put them on one skeleton and extract the features."""
    from backend.datasets.preparation import fingerprint, prepare, save_prepared
    from backend.datasets.sources import read_clips

    clips = prepare(read_clips(data, sources.split(",")))
    save_prepared(clips, out)
    print(f"{len(clips)} clips, fingerprint {fingerprint(clips)}, in {out}")
