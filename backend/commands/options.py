"""Options that several commands have: networks, text encoder, data sets."""

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
Dataset = Annotated[
    str | None, typer.Option(help="humanml3d or motion-x; told by the folders if left out.")
]
Strict = Annotated[bool, typer.Option("--strict", help="Stop at broken data.")]
