"""The command line: `backend --help`."""

import io
import os
import sys
from typing import NoReturn

import typer

from backend.commands import (
    actions,
    audit,
    batch,
    body,
    doctor,
    download,
    edit,
    edits,
    eval,
    generate,
    prepare,
    repair,
    serve,
    splits,
    timeline,
    train,
    unlearn,
)
from shared import VERSION
from shared.errors import PlacidError, is_out_of_memory

app = typer.Typer(
    name="backend",
    help="Placid's backend: text to motion with violence unlearned.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command()(generate.generate)
app.command()(edit.edit)
app.command()(timeline.timeline)
app.command()(batch.batch)
app.command()(audit.audit)
app.command()(repair.repair)
app.command()(actions.actions)
app.command()(body.body)
app.command()(serve.serve)
app.command()(doctor.doctor)
app.command()(download.download)
app.command()(splits.splits)
app.add_typer(train.app, name="train")
app.add_typer(prepare.app, name="prepare")
app.add_typer(unlearn.app, name="unlearn")
app.add_typer(eval.app, name="eval")
app.add_typer(edits.app, name="edits")


@app.command()
def version() -> None:
    """Print the version."""
    print(VERSION)


def main() -> NoReturn:
    """Run a command; every expected problem ends in one sentence and exit code 1.

    What is not expected is a defect, which a report needs whole: it keeps its traceback.
    """
    # A terminal of another encoding shows what it cannot write in another form; it stops nothing.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        app()
    except PlacidError as error:
        _end(str(error))
    except KeyboardInterrupt:
        _end("interrupted", 130)
    except BrokenPipeError:
        # Who read our output has had enough, as `head` has; Python would complain at its own end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as error:
        place = "" if error.filename is None else f": {error.filename}"
        _end(f"{error.strerror or error}{place}")
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        _end("the memory ran out; ask for less at once, or close other programs")
    sys.exit(0)


def _end(sentence: str, code: int = 1) -> NoReturn:
    print(f"backend: {sentence}", file=sys.stderr)
    sys.exit(code)
