"""`backend timeline`: one motion from several prompts."""

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
def timeline(
    options: Options,
    parts: Annotated[
        list[str],
        typer.Argument(help='Prompts with their seconds, in order: "a person walks:3".'),
    ],
    loop: Annotated[
        str, typer.Option(help="in_place or travelling: the last frame meets the first; or off.")
    ] = "off",
) -> None:
    """Make one motion that does one thing after the other."""
    import msgspec

    from shared.errors import PlacidError
    from shared.files import make_folder
    from shared.protocol.messages import Segment, Timeline

    segments = []
    for text in parts:
        prompt, _, seconds = as_typed(text).rpartition(":")
        try:
            segments.append(
                Segment(prompt.strip(), msgspec.convert(seconds.strip(), float, strict=False))
            )
        except msgspec.ValidationError as error:
            raise PlacidError(
                "bad_request",
                f'{text!r} is no prompt with its seconds; write it as in "a person walks:3"',
            ) from error
    fields = {"loop": loop} | options.settings()
    request = Timeline(tuple(segments), **fields)
    make_folder(options.out)
    generator = options.generator()
    generator.check(request)
    with progress_bar() as (report, say):
        say(options.announcement())
        write_all(generator.generate(request, report), options.out, say)
