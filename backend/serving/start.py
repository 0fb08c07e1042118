"""How a backend process begins: its options, and the generator that it makes when it is up.

Needs nothing but numpy, pyzmq and msgspec, so that Blender's own Python can run it; whoever has
the command line as well reaches the same through `backend serve`.
"""

import logging
import sys
from dataclasses import dataclass
from pathlib import Path

from backend.serving.jobs import MotionGenerator
from backend.serving.lifecycle import read_handover
from backend.serving.server import serve


@dataclass(frozen=True)
class Options:
    """What a backend is started with.

    Attributes:
        handover: whether the parent writes its key and process to stdin, as Blender does.
        connection: where to write how to connect, for a backend started by hand.
        log: the log file.
        log_level: error, info or debug.
        device: cpu, cuda or mps; the best if None.
        engine: numpy or torch; torch where it is installed if None.
        checkpoints: the folder of a checkpoint; the embedded one if None.
        encoder, allow_download, preset: as of `Generator`.
    """

    handover: bool
    connection: Path
    log: Path
    log_level: str = "info"
    device: str | None = None
    engine: str | None = None
    checkpoints: Path | None = None
    encoder: Path | None = None
    allow_download: bool = False
    preset: str = "default"


def start(options: Options) -> int:
    """Serve until told to stop; returns the exit code."""

    def make_generator() -> MotionGenerator:
        # Networks, and torch where it is used, take their time; the server already answers.
        from backend.checkpoints.loading import EMBEDDED
        from backend.generation.generator import Generator

        return Generator(
            options.checkpoints or EMBEDDED,
            options.device,
            engine=options.engine,
            preset=options.preset,
            encoder_folder=options.encoder,
            allow_download=options.allow_download,
        )

    began = read_handover(sys.stdin.buffer) if options.handover else options.connection
    level = logging.getLevelNamesMapping()[options.log_level.upper()]
    return serve(make_generator, began, options.log, log_level=level)
