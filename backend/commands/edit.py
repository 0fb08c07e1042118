"""`backend edit`: frame ranges of a motion file made anew."""

import re
from pathlib import Path
from typing import Annotated

import typer

from backend.commands.generation_options import (
    Options,
    as_typed,
    progress_bar,
    with_options,
    write_all,
)


@with_options
def edit(
    options: Options,
    motion: Annotated[Path, typer.Argument(help="An npz that `backend generate` wrote.")],
    frames: Annotated[
        list[str],
        typer.Option(
            help="Frames to make anew, as in 40:80 (80 is kept); 60: to the end, :20 from "
            "the start; may be repeated."
        ),
    ],
    prompt: Annotated[str, typer.Option(help="What the body shall do there, in English.")],
) -> None:
    """Make parts of a motion anew under a prompt, and keep the rest."""
    from shared.files import make_folder
    from shared.motion.motion import load_motion
    from shared.protocol.messages import EditMotion

    original = load_motion(motion)
    ranges = tuple(_range(text, len(original)) for text in frames)
    request = EditMotion(as_typed(prompt), ranges, **options.settings())
    make_folder(options.out)
    generator = options.generator()
    generator.check(request, motion=original)
    with progress_bar() as (report, say):
        say(options.announcement())
        made = generator.generate(request, report, motion=original)
        write_all(made, options.out, say, lambda take: f"{motion.stem}-{take.seed}")


def _range(text: str, length: int) -> tuple[int, int]:
    """The frames that `text` names. Raises PlacidError `bad_request`."""
    from shared.errors import PlacidError

    match = re.fullmatch(r"\s*(\d{0,9})\s*:\s*(\d{0,9})\s*", text)
    if match is None:
        raise PlacidError(
            "bad_request", f"--frames {text!r} is no range of frames; write it as in 40:80"
        )
    return int(match[1] or 0), int(match[2] or length)
