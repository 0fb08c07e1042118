"""`backend serve`: the process that Blender talks to."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from backend.commands.options import AllowDownload, Checkpoints, Encoder, PresetName


class LogLevel(StrEnum):
    """How much is logged."""

    ERROR = "error"
    INFO = "info"
    DEBUG = "debug"


class EngineName(StrEnum):
    """What computes."""

    NUMPY = "numpy"
    TORCH = "torch"


def serve(
    handover: Annotated[
        bool, typer.Option(help="Read the parent's key and process from stdin, as Blender does.")
    ] = False,
    connection: Annotated[
        Path | None, typer.Option(help="Where to write how to connect, when started by hand.")
    ] = None,
    log: Annotated[Path | None, typer.Option(help="Log file.")] = None,
    log_level: Annotated[LogLevel, typer.Option(help="How much is logged.")] = LogLevel.INFO,
    device: Annotated[
        str | None, typer.Option(help="cpu, cuda or mps; the best if left out.")
    ] = None,
    engine: Annotated[
        EngineName | None, typer.Option(help="What computes; torch where it is installed.")
    ] = None,
    checkpoints: Checkpoints = None,
    encoder: Encoder = None,
    allow_download: AllowDownload = False,
    preset: PresetName = "default",
) -> None:
    """Serve motion over an encrypted local socket until told to stop."""
    import platformdirs

    from backend.serving.start import Options, start

    folder = Path(platformdirs.user_state_dir("placid", ensure_exists=True))
    options = Options(
        handover=handover,
        connection=connection or folder / "connection.json",
        log=log or folder / "backend.log",
        log_level=log_level,
        device=device,
        engine=engine,
        checkpoints=checkpoints,
        encoder=encoder,
        allow_download=allow_download,
        preset=preset,
    )
    raise typer.Exit(start(options))
