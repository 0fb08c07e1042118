"""`backend unlearn METHOD`: fit safety edits, count codes for LCR, compare methods."""

from pathlib import Path
from typing import Annotated, Any

import typer
import typer.core

from backend.commands.options import AllowDownload, Checkpoints, Encoder
from backend.commands.unlearn_counts import (
    agreement,
    default,
    open_generator,
    statistics,
    token_guard,
)
from backend.commands.unlearn_options import ConceptOption, Device, Model, Replace, keep
from shared.safety_choice import TOKEN_GUARD


class _MethodGroup(typer.core.TyperGroup):
    """A group in which every word that names no other command is a method to fit."""

    # Click's types, which Typer takes from a copy of its own or from the package, as it likes.
    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if args and not args[0].startswith("-") and args[0] not in self.commands:
            return "METHOD", self.commands["fit"], args
        return super().resolve_command(ctx, args)


app = typer.Typer(
    cls=_MethodGroup,
    help="Make a model forget a concept: `backend unlearn METHOD --concept NAME --model MODEL`. "
    "METHOD is lcr, uce, rece, finetune, retrain, or several as in lcr+uce; "
    "`backend unlearn METHOD --help` shows the options.",
    no_args_is_help=True,
)

app.command()(statistics)
app.command()(agreement)
app.command(TOKEN_GUARD)(token_guard)
app.command()(default)


@app.command("list")
def list_methods() -> None:
    """The methods with their presets and parameters."""
    from backend.unlearning.registry import describe_methods

    for method in describe_methods():
        print(f"{method['name']}: {method['summary']}")
        for preset, values in method["presets"].items():
            print(f"  {preset}: " + ", ".join(f"{k}={v}" for k, v in values.items()))
    print("Methods can be joined: lcr+uce fits both and composes them.")


@app.command("fit", hidden=True)
def fit(
    method: Annotated[
        str, typer.Argument(help="lcr, uce, rece, finetune, retrain, or several: lcr+uce.")
    ],
    concept: ConceptOption = "violence",
    model: Model = "momask",
    preset: Annotated[
        str | None,
        typer.Option(help="Named parameters, see `list`; those of the checkpoint if left out."),
    ] = None,
    change: Annotated[
        list[str] | None, typer.Option("--set", help="One parameter as name=value; repeatable.")
    ] = None,
    statistics: Annotated[
        Path | None, typer.Option(help="File of code statistics for LCR; found if left out.")
    ] = None,
    run: Annotated[
        Path | None, typer.Option(help="Run with tokens, for finetune and retrain.")
    ] = None,
    device: Device = None,
    checkpoints: Checkpoints = None,
    encoder: Encoder = None,
    allow_download: AllowDownload = False,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="Folder; where the backend finds it if left out."),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option("--as", help="Concept's name for the edit, where it shall not be its own."),
    ] = None,
    replace: Replace = False,
    dry_run: Annotated[bool, typer.Option(help="Only show what would change.")] = False,
) -> None:
    """Fit an edit and write it as safetensors; training methods resume when they are repeated.

    An edit that is there is never replaced unless --replace says so, one that ships not at all.
    """
    import dataclasses

    from backend.checkpoints.loading import EMBEDDED, load_checkpoint
    from backend.commands.edits import print_edit
    from backend.models.device import choose_device
    from backend.text.encoders import clip_folder, make_encoder
    from backend.training.retain import RetainTraining
    from backend.unlearning.concept import find_concept
    from backend.unlearning.edit_identity import check_identity
    from backend.unlearning.edit_name import EditName
    from backend.unlearning.edit_store import EditStore, edit_folders
    from backend.unlearning.fit import FitInputs, check_names, fit_edit, statistics_folders

    changes = dict(_parameter(text) for text in change or [])
    check_names(method, preset, changes)
    wanted = find_concept(concept)
    folder = checkpoints or EMBEDDED
    own = EditName(model, method, wanted.name if name is None else name)
    places = [out] if out else edit_folders(folder)
    path = places[-1] / own.file
    if not dry_run:
        # Found before anything is fitted, which may take hours.
        keep(path, EditStore(places).files().get(own), replace, "another name with --as")
    checkpoint = load_checkpoint(folder)
    train = RetainTraining(run, choose_device(device)) if run else None
    materials = FitInputs(
        make_encoder(checkpoint.encoder, encoder or clip_folder(folder), allow_download),
        [statistics] if statistics else statistics_folders(folder),
        train,
        train.codebook() if train else "",
        folder,
    )
    checkpoint.check_encoder(materials.encoder)
    edit = fit_edit(checkpoint, materials, wanted, method, model, preset, changes)
    edit = dataclasses.replace(edit, concept=own.concept)
    check_identity(edit, own)
    print_edit(edit)
    if not dry_run:
        edit.save(path)
        print(f"written to {path}")


@app.command()
def compare(
    method: Annotated[
        list[str] | None,
        typer.Option(
            "--method",
            help="METHOD, METHOD:PRESET, an edit's file, token_guard, or METHOD+token_guard; "
            "repeatable.",
        ),
    ] = None,
    model: Annotated[
        list[str] | None, typer.Option("--model", help="momask or bamm; all there are if left out.")
    ] = None,
    concept: ConceptOption = "violence",
    suite: Annotated[
        str, typer.Option(help="validation (for choosing settings) or test (for the last table).")
    ] = "validation",
    prompts: Annotated[
        int | None, typer.Option(help="Prompts of either kind, taken evenly; all if left out.")
    ] = None,
    strength: Annotated[float, typer.Option(help="How far the edits are applied, 0 to 2.")] = 1.0,
    run: Annotated[
        Path | None, typer.Option(help="Run with tokens, for finetune and retrain.")
    ] = None,
    device: Device = None,
    checkpoints: Checkpoints = None,
    encoder: Encoder = None,
    allow_download: AllowDownload = False,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Markdown file.")] = None,
) -> None:
    """A table of methods and models: strikes left on forget prompts, how far prompts moved."""
    from backend.reports.unlearning_table import compare_methods

    lines = compare_methods(
        method or ["lcr", "uce", "rece", "lcr+uce"],
        model or [],
        concept,
        suite,
        prompts,
        strength,
        run,
        open_generator(checkpoints, device, encoder, allow_download),
    )
    kept = []
    for line in lines:
        print(line, flush=True)
        kept.append(line)
    if out:
        from shared.files import write_whole

        write_whole(out, ("\n".join(kept) + "\n").encode())


@app.command()
def sentences(
    run: Annotated[Path, typer.Argument(help="Folder of a run with tokens.")],
    samples: Annotated[int, typer.Option(help="Samples whose captions are taken.")] = 600,
) -> None:
    """Write the sentence bank that UCE and RECE learn from what to keep."""
    from backend.text.encoding import MINILM
    from backend.training.tokens import TokenSet
    from backend.unlearning.caption_bank import BANK, choose_sentences

    tokens = TokenSet.load(run, "train")
    bank = choose_sentences(MINILM, tokens.texts, tokens.vectors, tokens.captions, samples)
    bank.save(BANK)
    print(f"{len(bank.texts)} sentences, in {BANK}")


def _parameter(text: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not separator:
        raise typer.BadParameter(f"{text!r} is not of the form name=value")
    return name, value
