"""The command line: `backend --help`."""

import sys
from typing import NoReturn

import typer

from backend.commands import (
    batch,
    body,
    doctor,
    edit,
    edits,
    eval,
    generate,
    prepare,
    serve,
    splits,
    timeline,
    train,
    unlearn,
)
from shared import VERSION
from shared.errors import PlacidError

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
app.command()(body.body)
app.command()(serve.serve)
app.command()(doctor.doctor)
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
    """Run a command; every expected problem ends in one sentence and exit code 1."""
    try:
        app()
    except (PlacidError, ValueError) as error:
        if type(error) is ValueError:  # not one of ours: a defect, which a report needs whole
            raise
        print(f"backend: {error}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        print("backend: interrupted", file=sys.stderr)
        sys.exit(130)
    except OSError as error:
        print(f"backend: {error.strerror}: {error.filename}", file=sys.stderr)
        sys.exit(1)
    sys.exit(0)
