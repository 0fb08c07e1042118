"""`backend serve`: the process that Blender talks to."""

import logging
import sys
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
    checkpoints: Checkpoints = None,
    encoder: Encoder = None,
    allow_download: AllowDownload = False,
    preset: PresetName = "default",
) -> None:
    """Serve motion over an encrypted local socket until told to stop."""
    import platformdirs

    from backend.serving.jobs import MotionGenerator
    from backend.serving.lifecycle import read_handover
    from backend.serving.server import serve as run

    folder = Path(platformdirs.user_state_dir("placid", ensure_exists=True))
    start = (
        read_handover(sys.stdin.buffer) if handover else connection or folder / "connection.json"
    )

    def make_generator() -> MotionGenerator:
        # Torch takes seconds to import; the server already answers meanwhile.
        from backend.checkpoints.loading import EMBEDDED
        from backend.generation.generator import Generator

        return Generator(
            checkpoints or EMBEDDED,
            device,
            preset=preset,
            encoder_folder=encoder,
            allow_download=allow_download,
        )

    level = logging.getLevelNamesMapping()[log_level.upper()]
    raise typer.Exit(run(make_generator, start, log or folder / "backend.log", log_level=level))
