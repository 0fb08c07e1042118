"""`backend generate`: prompts to motion files without Blender."""

from pathlib import Path
from typing import Annotated

import typer

from backend.commands.options import AllowDownload, Checkpoints, Encoder, PresetName


def generate(
    prompt: Annotated[str, typer.Argument(help="What the body shall do, in English.")],
    seconds: Annotated[
        float | None, typer.Option(help="Length, 1 to 9.8; estimated from the prompt if left out.")
    ] = None,
    seed: Annotated[
        int, typer.Option(help="Start of the random numbers; take k uses seed + k.")
    ] = 0,
    takes: Annotated[int, typer.Option(help="How many variations.")] = 1,
    model: Annotated[str, typer.Option(help="momask or bamm.")] = "momask",
    safety: Annotated[
        str | None, typer.Option(help="Unlearning method (lcr, uce, rece) or off.")
    ] = None,
    concept: Annotated[
        list[str] | None, typer.Option(help="What is forgotten; may be repeated.")
    ] = None,
    strength: Annotated[float, typer.Option(help="How far the edit is applied, 0 to 2.")] = 1.0,
    steps: Annotated[int | None, typer.Option(help="Sampling steps.")] = None,
    guidance: Annotated[float | None, typer.Option(help="Classifier-free guidance scale.")] = None,
    device: Annotated[
        str | None, typer.Option(help="cpu, cuda or mps; the best if left out.")
    ] = None,
    checkpoints: Checkpoints = None,
    encoder: Encoder = None,
    allow_download: AllowDownload = False,
    preset: PresetName = "default",
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the files.")] = Path("out"),
) -> None:
    """Generate motions and write each as npz (Placid's format) and BVH."""
    from tqdm import tqdm

    from backend.checkpoints import EMBEDDED
    from backend.evaluation.kinematics import strikes
    from backend.generator import Generator
    from shared.bvh import save_bvh
    from shared.errors import PlacidError
    from shared.motion import save_motion
    from shared.names import file_name
    from shared.protocol import Generate

    request = Generate(
        prompt=prompt,
        seconds=seconds,
        takes=takes,
        seed=seed,
        model=model,
        safety=safety,
        concepts=tuple(concept or ["violence"]),
        strength=strength,
        steps=steps,
        guidance=guidance,
    )
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise PlacidError(
            "not_writable", f"{out} cannot be made ({error.strerror}); choose another --out folder"
        ) from error
    generator = Generator(
        checkpoints or EMBEDDED,
        device,
        preset=preset,
        encoder_folder=encoder,
        allow_download=allow_download,
    )
    with tqdm(total=100, desc="generating", unit="%", leave=False) as bar:

        def report(fraction: float, stage: str) -> None:
            bar.set_description(stage)
            bar.update(round(fraction * 100) - bar.n)

        for motion in generator.generate(request, report):
            path = out / f"{file_name(prompt)}-{motion.seed}.npz"
            save_motion(motion, path)
            save_bvh(motion, path.with_suffix(".bvh"))
            found = strikes(motion.joints, motion.fps)
            audit = ", ".join(f"{s.kind} at frames {s.start}-{s.end}" for s in found) or "none"
            bar.write(
                f"{path} and .bvh: {motion.seconds:.1f} s, seed {motion.seed}, "
                f"safety {motion.provenance['safety']}, strikes found: {audit}"
            )
