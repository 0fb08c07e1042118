"""`backend repair`: the strikes of an animation taken out, in a new file of the same kind."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from backend.commands.audit import (
    FOUND,
    BlenderProgram,
    CertainOnly,
    MappingFile,
    bad_input_apart,
    counted,
    read_mapping,
    report,
)
from backend.commands.generation_options import as_typed, progress_bar
from backend.commands.options import AllowDownload, Checkpoints, Encoder

if TYPE_CHECKING:
    from backend.filming.animations import Animation


def repair(
    file: Annotated[Path, typer.Argument(help="npz, BVH, .blend, FBX or GLB.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="The new file, of the same kind.")],
    animation: Annotated[
        str, typer.Option(help="Which one, of a file with several, as `backend audit` names it.")
    ] = "",
    prompt: Annotated[
        str, typer.Option(help="What the body shall do instead; what fits its way if left out.")
    ] = "",
    seed: Annotated[int, typer.Option(help="Start of the random numbers.")] = 0,
    model: Annotated[str, typer.Option(help="momask or bamm.")] = "momask",
    safety: Annotated[str | None, typer.Option(help="Unlearning method.")] = None,
    certain_only: CertainOnly = False,
    blender: BlenderProgram = None,
    mapping: MappingFile = None,
    device: Annotated[str | None, typer.Option(help="cpu, cuda or mps.")] = None,
    checkpoints: Checkpoints = None,
    encoder: Encoder = None,
    allow_download: AllowDownload = False,
) -> None:
    """Make the frames of each strike anew and keep all others; exit code 1 when one is left."""
    from backend.checkpoints.loading import EMBEDDED
    from backend.filming.animations import Blender, open_file
    from backend.generation.generator import Generator
    from backend.kinematic_checks.audit import audit_motion
    from shared.errors import PlacidError
    from shared.motion.safety import repaired_spans
    from shared.protocol.messages import RepairMotion

    request = RepairMotion(
        prompt=as_typed(prompt), certain_only=certain_only, seed=seed, model=model, safety=safety
    )
    with bad_input_apart(), Blender(blender) as program:
        _check_out(file, out)
        opened = open_file(file, program, read_mapping(mapping))
        chosen = _chosen(file, opened.read(), animation)
        if not (found := counted(audit_motion(chosen.motion), certain_only)):
            print(f"{file}: no strike was found, so that nothing is written")
            return
        print("\n".join(report(file, chosen, found)))
        generator = Generator(
            checkpoints or EMBEDDED, device, encoder_folder=encoder, allow_download=allow_download
        )
        generator.check(request, motion=chosen.motion)
        with progress_bar() as (tell, _):
            [made] = generator.generate(request, tell, motion=chosen.motion)
        spans = repaired_spans(made.provenance)
        if not spans:
            raise PlacidError("not_repaired", f"{file} could not be repaired; nothing is written")
        written = opened.write(chosen, made, spans, out)
        left = counted(audit_motion(written), certain_only)
    told = ", ".join(f"{chosen.first + a} to {chosen.first + b - 1}" for a, b in spans)
    print(f"{out}: frames {told} are new, all others as they were")
    if left:
        print("\n".join(report(out, chosen, left)))
        raise typer.Exit(FOUND)
    print(f"{out}: no strike is found any more")


def _check_out(file: Path, out: Path) -> None:
    """Raises PlacidError `bad_request` for a place that is taken, or a file of another kind."""
    from shared.errors import PlacidError

    if out.exists():
        raise PlacidError("bad_request", f"{out} is there already; choose another name")
    if out.suffix.lower() != file.suffix.lower():
        raise PlacidError(
            "bad_request", f"{file} is repaired as {file.suffix}; give --out that ending"
        )
    if not out.parent.is_dir():
        raise PlacidError("bad_request", f"{out.parent} is no folder; make it first")


def _chosen(file: Path, animations: "list[Animation]", name: str) -> "Animation":
    """The animation with the name, or the one there is. Raises PlacidError `bad_request`."""
    from shared.errors import PlacidError

    named = [animation for animation in animations if not name or animation.name == name]
    if len(named) == 1:
        return named[0]
    have = ", ".join(animation.name or "one without a name" for animation in animations)
    raise PlacidError(
        "bad_request", f"{file} has these animations: {have}; name one of them with --animation"
    )
