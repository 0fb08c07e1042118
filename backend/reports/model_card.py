"""The figures of the model card, as Markdown.

python -m backend.reports.model_card PREPARED --checkpoint FOLDER --out FILE
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Final, cast

import numpy as np
import typer
from tqdm import tqdm

from backend.checkpoints.loading import EMBEDDED
from backend.datasets.preparation import PreparedClip, load_prepared
from backend.datasets.sources import Segment
from backend.evaluation.prompts import load_suite
from backend.generation.generator import Generator
from backend.kinematic_checks.motion_quality import FIGURES, largest_jump
from backend.models.rvqvae import RVQVAE
from backend.motion.features import features_to_joints
from backend.motion.foot_contact import ground
from backend.motion.lengths import FRAMES_PER_TOKEN, MIN_FRAMES
from backend.reports.prompt_adherence import PER_CLASS, SECONDS, class_table
from backend.training.rvq import clip_errors, reconstruct
from shared.files import write_whole
from shared.motion.motion import Motion

# A source with thousands of similar clips is measured on so many of them, taken evenly.
_MOST: Final = 60
_AIM: Final = 16


def held_out(clips: Sequence[PreparedClip]) -> dict[str, list[PreparedClip]]:
    """Test clips by source."""
    found: dict[str, list[PreparedClip]] = {}
    for source in sorted({clip.source for clip in clips}):
        own = [clip for clip in clips if clip.source == source and clip.split == "test"]
        found[source] = own[:: max(1, len(own) // _MOST)]
    return found


def reconstruction_table(generator: Generator, clips: Sequence[PreparedClip]) -> Iterable[str]:
    """MPJPE in mm of the RVQ-VAE on test clips, per source."""
    checkpoint = generator.load()
    rvq = cast(RVQVAE, checkpoint.networks["rvq"].module)
    yield "| source | pieces | mean | median |"
    yield "|---|---:|---:|---:|"
    for source, own in held_out(clips).items():
        errors = clip_errors(rvq, own, checkpoint.mean, checkpoint.std)
        yield f"| {source} | {len(errors)} | {np.mean(errors):.1f} | {np.median(errors):.1f} |"


def class_windows(
    clips: Sequence[PreparedClip], kinds: Iterable[str], per_class: int = PER_CLASS
) -> list[np.ndarray]:
    """Features of real test windows, as many of every kind and about as long as generated ones.

    A kind with fewer recorded windows than `per_class` gives them more than once, so that each
    counts as much as the others; a kind without any is left out.
    """
    windows = []
    for kind in kinds:
        own = [
            window
            for clip in clips
            if clip.split == "test"
            for segment in clip.segments
            if segment.action.kind == kind and not segment.then
            for window in _cut(clip.features, segment)
        ]
        if own:
            windows += [own[i] for i in np.linspace(0, len(own) - 1, per_class).round().astype(int)]
    return windows


def _cut(rows: np.ndarray, segment: Segment) -> list[np.ndarray]:
    """The window of a segment, around what it shows, in whole tokens; none of a short segment."""
    length = (
        min(segment.end - segment.start, round(SECONDS * 20)) // FRAMES_PER_TOKEN * FRAMES_PER_TOKEN
    )
    if length < MIN_FRAMES:
        return []
    middle = sum(segment.core or (segment.start, segment.end)) // 2
    start = int(np.clip(middle - length // 2, segment.start, segment.end - length))
    return [np.asarray(rows[start : start + length])]


def movement_table(
    generator: Generator,
    clips: Sequence[PreparedClip],
    kinds: Iterable[str],
    generated: dict[str, list[Motion]],
) -> Iterable[str]:
    """Median movement figures of real test windows, reconstructions and motions, class by class."""
    checkpoint = generator.load()
    rvq = cast(RVQVAE, checkpoint.networks["rvq"].module)
    windows = class_windows(clips, kinds)
    real = [features_to_joints(rows) for rows in windows]
    again = [ground(reconstruct(rvq, rows, checkpoint.mean, checkpoint.std)) for rows in windows]
    columns = {"real": real, "reconstructed": again}
    columns |= {model: [m.joints for m in motions] for model, motions in generated.items()}
    yield f"| median | {' | '.join(columns)} |"
    yield "|---|" + "---:|" * len(columns)
    for name, figure in FIGURES.items():
        medians = [np.median([figure(joints, 20.0) for joints in c]) for c in columns.values()]
        yield f"| {name} | {' | '.join(f'{value:.3g}' for value in medians)} |"
    frames = [np.linalg.norm(np.diff(j, axis=0), axis=-1).max(axis=1) for j in real]
    limit = np.percentile(np.concatenate(frames), 99.9)
    yield ""
    yield f"99.9th percentile of the real frames' largest joint movement: {limit:.3f} m."
    for model, motions in generated.items():
        jumps = [largest_jump(motion.joints) for motion in motions]
        over = sum(jump > limit for jump in jumps)
        finite = all(np.isfinite(motion.joints).all() for motion in motions)
        yield (
            f"{model}: largest {max(jumps):.3f} m, over the limit in {over} of {len(jumps)} "
            f"motions; {'no' if finite else 'SOME'} value that is not a number."
        )


def report(prepared: Path, checkpoint: Path, per_class: int = PER_CLASS) -> Iterable[str]:
    """All tables, line by line."""
    generator = Generator(checkpoint)
    clips = load_prepared(prepared)
    yield from ("Reconstruction of test clips, MPJPE in mm, root-aligned:", "")
    yield from reconstruction_table(generator, clips)
    suite, generated, shown = load_suite("quality"), {}, {}
    for model in generator.load().models():
        results, generated[model] = class_table(generator, suite, per_class, model=model)
        shown[model] = {result.kind: result for result in results}
    yield from ("", f"Motions of {per_class} that show what the prompt says:", "")
    yield f"| class | {' | '.join(shown)} |"
    yield "|---|" + "---:|" * len(shown)
    for kind in suite:
        counts = [str(results[kind].shown) for results in shown.values()]
        yield f"| {kind} | {' | '.join(counts)} |"
    reached = [
        str(sum(r.share >= _AIM / PER_CLASS for r in results.values()))
        for results in shown.values()
    ]
    yield f"| classes at 80 % | {' | '.join(reached)} |"
    yield ""
    yield from movement_table(generator, clips, suite, generated)


def main(
    prepared: Annotated[Path, typer.Argument(help="What `backend prepare mocap` wrote.")],
    checkpoint: Annotated[Path, typer.Option(help="Folder of the checkpoint.")] = EMBEDDED,
    out: Annotated[Path | None, typer.Option(help="Markdown file to write.")] = None,
    per_class: Annotated[int, typer.Option(help="Motions a class.")] = PER_CLASS,
) -> None:
    """Measure a checkpoint and print the tables."""
    lines = []
    for line in report(prepared, checkpoint, per_class):
        tqdm.write(line)
        lines.append(line)
    if out:
        write_whole(out, ("\n".join(lines) + "\n").encode())


if __name__ == "__main__":
    typer.run(main)
