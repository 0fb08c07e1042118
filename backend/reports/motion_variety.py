"""How different the takes of one prompt are, and how their feet stand.

python -m backend.reports.motion_variety PREPARED --checkpoint FOLDER --model momask
"""

from collections.abc import Iterable, Sequence
from itertools import combinations
from pathlib import Path
from typing import Annotated, Final

import numpy as np
import typer
from tqdm import tqdm

from backend.checkpoints.loading import EMBEDDED
from backend.datasets.preparation import load_prepared
from backend.evaluation.prompts import load_suite
from backend.generation.generator import Generator
from backend.kinematic_checks.detect import strikes
from backend.kinematic_checks.motion_quality import energy, frozen_share
from backend.motion.features import features_to_joints
from backend.motion.lengths import FPS, MAX_FRAMES
from shared.motion.skeleton import JOINT
from shared.protocol.messages import Generate

SEEDS: Final = 6
SECONDS: Final = 5.0
_TOES: Final = [JOINT["left_foot"], JOINT["right_foot"]]
# A toe so near (metres) to where it rests is on the floor; faster than this (m/s) it slides.
_NEAR_FLOOR: Final = 0.02
_SLIDES: Final = 0.15
# Of one source so many test clips, taken evenly.
_CLIPS: Final = 40
_VIOLENT: Final = frozenset({"kick", "punch", "boxing"})


def variety(takes: Sequence[np.ndarray]) -> float:
    """Mean distance in cm between root-aligned joints (T, 22, 3) of each two takes."""
    apart = []
    for one, other in combinations(takes, 2):
        frames = min(len(one), len(other))
        aligned = [t[:frames] - t[:frames, :1] for t in (one, other)]
        apart.append(np.linalg.norm(aligned[0] - aligned[1], axis=-1).mean())
    return float(np.mean(apart) * 100)


def sliding_share(joints: np.ndarray, fps: float = FPS) -> float:
    """Share of the frames with a toe on the floor in which it moves faster than 15 cm/s.

    Args:
        joints: (T, 22, 3), metres, Y up.
    """
    toes = joints[:, _TOES]
    near = toes[..., 1] < np.percentile(toes[..., 1], 5, axis=0) + _NEAR_FLOOR
    speed = np.linalg.norm(np.diff(toes[..., [0, 2]], axis=0), axis=-1) * fps
    planted = near[:-1] & near[1:]
    return float((speed[planted] > _SLIDES).mean()) if planted.any() else 0.0


def _real(prepared: Path) -> Iterable[tuple[str, str]]:
    clips = [clip for clip in load_prepared(prepared) if clip.split == "test"]
    for source in sorted({clip.source for clip in clips}):
        own = [clip for clip in clips if clip.source == source]
        joints = [
            features_to_joints(np.asarray(clip.features[:MAX_FRAMES]))
            for clip in own[:: max(1, len(own) // _CLIPS)]
        ]
        yield f"real, {source}", _figures(joints)


def _figures(motions: Sequence[np.ndarray]) -> str:
    figures = (
        100 * np.mean([sliding_share(joints) for joints in motions]),
        np.median([energy(joints) for joints in motions]),
        100 * np.mean([frozen_share(joints) for joints in motions]),
    )
    return " | ".join(f"{value:.3g}" for value in figures)


def report(prepared: Path, checkpoint: Path, model: str) -> Iterable[str]:
    """The tables, line by line."""
    generator = Generator(checkpoint)
    made: dict[str, list[np.ndarray]] = {}
    apart: dict[str, float] = {}
    for kind, prompts in tqdm(load_suite("quality").items()):
        for prompt in prompts:
            request = Generate(prompt, SECONDS, model=model, safety="off", takes=SEEDS)
            takes = [motion.joints for motion in generator.generate(request)]
            made.setdefault(kind, []).extend(takes)
            apart[prompt] = variety(takes)
    values = np.array(list(apart.values()))
    yield (
        f"Variety of {SEEDS} takes of a prompt, cm: mean {values.mean():.1f}, least "
        f"{values.min():.1f} ({min(apart, key=lambda p: apart[p])!r}); under 6 cm in "
        f"{(values < 6).sum()} of {len(values)} prompts."
    )
    peaceful = [j for kind, own in made.items() if kind not in _VIOLENT for j in own]
    found = sum(bool(strikes(joints, FPS)) for joints in peaceful)
    yield f"Harmless prompts with a strike, safety off: {found} of {len(peaceful)} motions."
    yield ""
    yield "| motions | toes on the floor that slide, % | energy, (m/s)^2 | frozen, % |"
    yield "|---|---:|---:|---:|"
    yield f"| {model}, all | {_figures([j for own in made.values() for j in own])} |"
    yield f"| {model}, walk forward | {_figures(made['walk_forward'])} |"
    for name, figures in _real(prepared):
        yield f"| {name} | {figures} |"


def main(
    prepared: Annotated[Path, typer.Argument(help="What `backend prepare mocap` wrote.")],
    checkpoint: Annotated[Path, typer.Option(help="Folder of the checkpoint.")] = EMBEDDED,
    model: Annotated[str, typer.Option(help="momask or bamm.")] = "momask",
) -> None:
    """Measure a checkpoint and print the tables."""
    for line in report(prepared, checkpoint, model):
        tqdm.write(line)


if __name__ == "__main__":
    typer.run(main)
