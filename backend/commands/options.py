"""Options that several commands have: where the networks and the text encoder come from."""

from pathlib import Path
from typing import Annotated

import typer

Checkpoints = Annotated[
    Path | None,
    typer.Option(
        "--checkpoints",
        help="Folder of an official release or of another checkpoint; the embedded one if left "
        "out.",
    ),
]
Encoder = Annotated[
    Path | None,
    typer.Option(
        "--encoder", help="Folder with CLIP's files; `clip` in the checkpoints' if left out."
    ),
]
AllowDownload = Annotated[
    bool, typer.Option("--allow-download", help="Fetch CLIP from the hub if it is not here.")
]
PresetName = Annotated[
    str,
    typer.Option("--preset", help="published: the released code's oddities and settings as well."),
]
