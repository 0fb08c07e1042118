"""Counts and what is made of them: `backend unlearn statistics`, `agreement` and `token_guard`."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from backend.commands.generation_options import progress_bar
from backend.commands.options import AllowDownload, Checkpoints, Encoder
from backend.commands.unlearn_options import Concepts, Device, Model, Replace, keep, names_of

if TYPE_CHECKING:
    from backend.generation.generator import Generator
    from backend.unlearning.concept import Concept
    from backend.unlearning.statistics import CodeStatistics
    from backend.unlearning.token_sequences import TokenSequences

Out = Annotated[
    Path | None,
    typer.Option("--out", "-o", help="Folder; where the backend finds them if left out."),
]


def statistics(
    counts: Annotated[
        str,
        typer.Argument(help="motions, padded or generated, see LCR's counts; or sequences."),
    ],
    concept: Concepts = ["violence"],  # noqa: B006 (typer's way to give a list)
    run: Annotated[
        Path | None, typer.Option(help="For motions: folder of a run with tokens.")
    ] = None,
    prepared: Annotated[
        Path | None, typer.Option(help="For padded: what `backend prepare mocap` wrote.")
    ] = None,
    samples: Annotated[int, typer.Option(help="Padded samples, or generated motions.")] = 400,
    model: Model = "momask",
    device: Device = None,
    checkpoints: Checkpoints = None,
    encoder: Encoder = None,
    allow_download: AllowDownload = False,
    out: Out = None,
    replace: Replace = False,
) -> None:
    """Count the codes of forget and retain samples, which LCR ranks, or keep their sequences."""
    from backend.checkpoints.loading import EMBEDDED, load_checkpoint
    from backend.generation.own_motions import count_generated, finish, generated_sequences
    from backend.training.code_statistics import padded_tokens, tokens_of_run
    from backend.unlearning.concept import find_concept
    from backend.unlearning.errors import UnlearningError, unknown
    from backend.unlearning.fit import statistics_file, statistics_folders

    folder = checkpoints or EMBEDDED
    if counts in ("generated", "sequences"):
        generator = open_generator(folder, device, encoder, allow_download)
        check_model(generator, model)

        def generated(concept: "Concept") -> "CodeStatistics | TokenSequences":
            with progress_bar() as (progress, _):
                if counts == "generated":
                    return finish(count_generated(generator, concept, model, samples), progress)
                return finish(generated_sequences(generator, concept, model, samples), progress)

        count: Callable[[Concept], CodeStatistics | TokenSequences] = generated
    elif counts == "motions" and run:
        count = partial(tokens_of_run(run).count, checkpoint=load_checkpoint(folder))
    elif counts == "padded" and prepared:
        checkpoint = load_checkpoint(folder)
        count = partial(padded_tokens(prepared, checkpoint, samples).count, checkpoint=checkpoint)
    elif counts in ("motions", "padded"):
        raise UnlearningError(
            f"{counts} are counted in data: give --run for motions, --prepared for padded"
        )
    else:
        raise unknown("kind of counts", counts, ("motions", "padded", "generated", "sequences"))
    folders = [out] if out else statistics_folders(folder)
    names = names_of(concept)
    for wanted in map(find_concept, names):
        file = statistics_file(wanted.name, counts)
        path = folders[-1] / file
        try:
            first = next((each / file for each in folders if (each / file).exists()), None)
            keep(path, first, replace, "another folder with --out")
            found = count(wanted)
        except UnlearningError as error:
            if len(names) == 1:
                raise
            print(error)
            continue
        found.save(path)
        print(f"{found.forget_samples} forget, {found.retain_samples} retain samples: {path}")


def agreement(
    concept: Concepts = ["violence"],  # noqa: B006 (typer's way to give a list)
    k: Annotated[list[int], typer.Option("--k", help="Codes per ranking; repeatable.")] = [  # noqa: B006
        16,
        64,
    ],
    layers: Annotated[int, typer.Option(help="Quantiser layers.")] = 1,
    checkpoints: Checkpoints = None,
) -> None:
    """How far LCR's selection from padded or generated counts agrees with that from motions."""
    from backend.checkpoints.loading import EMBEDDED
    from backend.unlearning.concept import find_concept
    from backend.unlearning.errors import UnlearningError
    from backend.unlearning.fit import find_statistics, statistics_folders
    from backend.unlearning.methods.lcr import LCRParameters
    from backend.unlearning.methods.lcr import agreement as compare

    folders = statistics_folders(checkpoints or EMBEDDED)
    print("| concept | counts | K | precision at K | Jaccard | Jaccard by chance |")
    print("|---|---|---:|---:|---:|---:|")
    missing = []
    for own in map(find_concept, names_of(concept)):
        for counts in ("generated", "padded"):
            try:
                reference = find_statistics(own, "motions", folders, checkpoints)
                other = find_statistics(own, counts, folders, checkpoints)
                chosen = [
                    compare(reference, other, LCRParameters(k=size, layers=layers)) for size in k
                ]
            except UnlearningError as error:
                missing.append(str(error))
                continue
            for size, found in zip(k, chosen, strict=True):
                print(
                    f"| {own.name} | {counts} | {size} | {found.precision:.2f} | "
                    f"{found.jaccard:.2f} | {found.chance:.2f} |"
                )
    for sentence in dict.fromkeys(missing):
        typer.echo(sentence, err=True)


def token_guard(
    concept: Concepts = ["violence"],  # noqa: B006 (typer's way to give a list)
    model: Annotated[
        list[str] | None, typer.Option("--model", help="momask or bamm; all there are if left out.")
    ] = None,
    run: Annotated[
        Path | None,
        typer.Option(help="Run with tokens: limits by its safe motions, not by generated ones."),
    ] = None,
    motions: Annotated[int, typer.Option(help="Motions that are generated for the limits.")] = 320,
    device: Device = None,
    checkpoints: Checkpoints = None,
    encoder: Encoder = None,
    allow_download: AllowDownload = False,
    out: Out = None,
    replace: Replace = False,
) -> None:
    """Find the token guard's limits, which `--safety token_guard` and `lcr+token_guard` need.

    Code statistics of a concept that has none are counted in generated motions first; `all` means
    those that have some. The limits are told with what they do on validation prompts.
    """
    from backend.checkpoints.loading import EMBEDDED
    from backend.generation.guard_calibration import calibrate, captioned_motions, safe_motions
    from backend.generation.own_motions import count_generated, finish
    from backend.training.code_statistics import tokens_of_run
    from backend.unlearning.concept import find_concept
    from backend.unlearning.errors import UnlearningError
    from backend.unlearning.fit import statistics_file, statistics_folders
    from backend.unlearning.guard_limits import guard_file, guard_folders
    from backend.unlearning.watched_concept import usable_statistics

    folder = checkpoints or EMBEDDED
    generator = open_generator(folder, device, encoder, allow_download)
    checkpoint = generator.load()
    names, counted = names_of(concept), statistics_folders(folder)
    folders = [out] if out else guard_folders(folder)
    recorded = None if run is None else tokens_of_run(run)
    failed = []
    for each in model or checkpoint.models():
        check_model(generator, each)
        drawn = None
        for wanted in map(find_concept, names):
            file = guard_file(each, wanted.name)
            try:
                first = next((place / file for place in folders if (place / file).exists()), None)
                keep(folders[-1] / file, first, replace, "another folder with --out")
                with progress_bar() as (progress, _):
                    if usable_statistics(checkpoint, wanted, counted) is None:
                        if "all" in concept:
                            continue
                        found = finish(count_generated(generator, wanted, each, 400), progress)
                        found.save(counted[-1] / statistics_file(wanted.name, "generated"))
                    if recorded is not None:
                        safe = recorded.without(wanted, checkpoint)
                    else:
                        if drawn is None:
                            drawn = finish(captioned_motions(generator, each, motions), progress)
                        safe = safe_motions(drawn, wanted)
                    source = "generated" if recorded is None else "real"
                    limits = calibrate(generator, wanted, each, counted, safe, source)
            except UnlearningError as error:
                failed.append(error)
                continue
            limits.save(folders[-1] / file)
            print(
                f"{each}, {wanted.name}: margin {limits.margin}, asked {limits.asked}, drawn "
                f"{limits.drawn}; {limits.margin_source}; {limits.score_source}"
            )
            if limits.checked:
                print("  on validation prompts: " + _told(limits.checked))
            print(f"  written to {folders[-1] / file}")
    if len(failed) == 1:
        raise failed[0]
    for problem in failed:
        typer.echo(str(problem), err=True)


def default(
    checkpoints: Checkpoints = None,
    encoder: Encoder = None,
    allow_download: AllowDownload = False,
    device: Device = None,
) -> None:
    """Fit the default safety to a checkpoint that lacks it, counts of codes included.

    A backend does the same in the background; what is there is left as it is.
    """
    from backend.generation.default_fit import default_is_fitted
    from backend.unlearning.errors import UnlearningError

    generator = open_generator(checkpoints, device, encoder, allow_download)
    for sentence in generator.fit_when_idle():
        print(sentence, flush=True)
    if not default_is_fitted(generator):
        raise UnlearningError(
            f"the default safety of {generator.folder} is not complete: see above, and type the "
            "same command again"
        )
    print(f"the default safety of {generator.folder} is complete")


def check_model(generator: "Generator", model: str) -> None:
    """Raise UnlearningError for a model that the checkpoint does not have."""
    from backend.unlearning.errors import unknown

    if model not in generator.load().models():
        raise unknown("model", model, generator.load().models())


def open_generator(
    folder: Path | None, device: str | None, encoder: Path | None, allow_download: bool
) -> "Generator":
    """The generator of a checkpoint's folder; of the embedded one for None."""
    from backend.checkpoints.loading import EMBEDDED
    from backend.generation.generator import Generator

    return Generator(
        folder or EMBEDDED, device, encoder_folder=encoder, allow_download=allow_download
    )


def _told(checked: dict[str, int]) -> str:
    return "; ".join(
        f"{checked[f'{kind}_asks']} of {checked[f'{kind}_prompts']} {kind} prompts ask for it, "
        f"{checked[f'{kind}_fires']} are drawn anew"
        for kind in ("forget", "retain")
    )
