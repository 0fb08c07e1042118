"""`backend generate`: prompts to motion files without Blender."""

from pathlib import Path
from typing import Annotated, Any

import typer

from backend.commands.generation_options import (
    Options,
    as_typed,
    progress_bar,
    with_options,
    write_all,
)


@with_options
def generate(
    options: Options,
    prompt: Annotated[
        str | None, typer.Argument(help="What the body shall do, in English.")
    ] = None,
    prompts: Annotated[
        Path | None,
        typer.Option(help="A text file with one prompt a line, instead of a prompt."),
    ] = None,
    seconds: Annotated[
        float | None,
        typer.Option(help="Length, 1 to 9.8, to 60 along a path; estimated if left out."),
    ] = None,
    path: Annotated[
        Path | None,
        typer.Option(
            help="A text file with the curve to follow: a point a line, x and z in metres, and "
            "the seconds at which to be there where that matters, as in 0.5, 2, 4.5."
        ),
    ] = None,
    face: Annotated[
        str | None, typer.Option(help="What to turn to where the path ends: x and z, as in 1,2.")
    ] = None,
    loop: Annotated[
        str, typer.Option(help="in_place or travelling: the last frame meets the first; or off.")
    ] = "off",
) -> None:
    """Generate motions and write each as npz (Placid's format) and BVH."""
    from backend.commands.path_file import read_path
    from shared.files import make_folder
    from shared.protocol.messages import Generate

    fields: Any = {"seconds": seconds, "loop": loop} | options.settings()
    if path is not None:
        fields["path"] = read_path(path, face)
    requests = [Generate(text, **fields) for text in _texts(prompt, prompts)]
    make_folder(options.out)
    generator = options.generator()
    generator.check(*requests)
    with progress_bar() as (report, say):
        say(options.announcement())
        made = (motion for _, motion in generator.generate_batch(requests, report))
        write_all(made, options.out, say)


def _texts(prompt: str | None, file: Path | None) -> list[str]:
    """The prompt, or the lines of a file. Raises PlacidError without either, or with both."""
    from shared.decoding.errors import FileKind
    from shared.decoding.limits import MAX_TABLE_BYTES
    from shared.decoding.text import read_text
    from shared.errors import PlacidError

    if (prompt is None) == (file is None):
        raise PlacidError(
            "bad_request", "name either a prompt or, with --prompts, a file with one prompt a line"
        )
    if file is None:
        return [as_typed(prompt or "")]
    kind = FileKind(
        "a list of prompts",
        "save it as UTF-8 text with one prompt a line",
        lambda sentence: PlacidError("bad_request", sentence),
    )
    with kind.reading(file):
        lines = read_text(file, MAX_TABLE_BYTES).splitlines()
    texts = [line.strip() for line in lines if line.strip()]
    if not texts:
        raise PlacidError("bad_request", f"{file} holds no prompt; write one a line")
    return list(dict.fromkeys(texts))
