"""`backend unlearn`: fit safety edits, list methods, inspect edits."""

from pathlib import Path
from typing import Annotated

import typer

from backend.commands.options import AllowDownload, Checkpoints, Encoder

app = typer.Typer(help="Make a model forget a concept.", no_args_is_help=True)

ConceptOption = Annotated[
    str, typer.Option(help="A built-in concept, a TOML file, or keywords: 'crawl, creep'.")
]
Out = Annotated[Path, typer.Option("--out", "-o", help="Folder for the file.")]


@app.command("list")
def list_methods() -> None:
    """The methods with their presets and parameters."""
    from backend.unlearning.registry import describe_methods

    for method in describe_methods():
        print(f"{method['name']}: {method['summary']}")
        for preset, values in method["presets"].items():
            print(f"  {preset}: " + ", ".join(f"{k}={v}" for k, v in values.items()))


@app.command()
def fit(
    method: Annotated[str, typer.Argument(help="lcr, uce or rece.")],
    concept: ConceptOption = "violence",
    model: Annotated[str, typer.Option(help="momask or bamm.")] = "momask",
    preset: Annotated[str, typer.Option(help="Named parameters; see `list`.")] = "embedded",
    change: Annotated[
        list[str] | None, typer.Option("--set", help="One parameter as name=value; repeatable.")
    ] = None,
    statistics: Annotated[
        Path | None, typer.Option(help="Code statistics for LCR; the shipped ones if left out.")
    ] = None,
    checkpoints: Checkpoints = None,
    encoder: Encoder = None,
    allow_download: AllowDownload = False,
    out: Out = Path("edits"),
    dry_run: Annotated[bool, typer.Option(help="Only show what would change.")] = False,
) -> None:
    """Fit an edit and write it as safetensors."""
    from backend.checkpoints import EMBEDDED, load_checkpoint
    from backend.fitting import fit_edit
    from backend.safety import edit_file
    from backend.text_encoder import clip_folder, make_encoder
    from backend.unlearning.concept import find_concept

    folder = checkpoints or EMBEDDED
    checkpoint = load_checkpoint(folder)
    text_encoder = make_encoder(checkpoint.encoder, encoder or clip_folder(folder), allow_download)
    checkpoint.check_encoder(text_encoder)
    edit = fit_edit(
        checkpoint,
        text_encoder,
        find_concept(concept),
        method,
        model,
        preset,
        dict(_parameter(text) for text in change or []),
        statistics,
    )
    _show(edit)
    if not dry_run:
        out.mkdir(parents=True, exist_ok=True)
        path = out / edit_file(model, method, edit.concept)
        edit.save(path)
        print(f"written to {path}")


@app.command()
def show(path: Annotated[Path, typer.Argument(help="An edit's file.")]) -> None:
    """What an edit changes, and what made it."""
    from backend.unlearning.edit import Edit

    _show(Edit.load(path))


@app.command()
def statistics(
    run: Annotated[Path, typer.Argument(help="Folder of a run with tokens.")],
    concept: ConceptOption = "violence",
    out: Out = Path("statistics"),
) -> None:
    """Count the codes of forget and retain samples, which LCR ranks."""
    from backend.training.runs import count_statistics

    out.mkdir(parents=True, exist_ok=True)
    found = count_statistics(run, concept)
    path = out / f"{found.concept}.safetensors"
    found.save(path)
    print(f"{found.forget_samples} forget and {found.retain_samples} retain samples, in {path}")


def _parameter(text: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not separator:
        raise typer.BadParameter(f"{text!r} is not of the form name=value")
    return name, value


def _show(edit) -> None:  # type: ignore[no-untyped-def]
    print(f"{edit.method} of {edit.concept!r}: {edit.parameters}")
    for row in edit.inspect():
        print("  " + ", ".join(f"{key} {value}" for key, value in row.items()))
