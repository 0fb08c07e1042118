"""Does the model do what the prompt says? Judged by the kinematic checks on generated motions."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from backend.generation.generator import Generator
from backend.kinematic_checks.detect import detect, shows, strikes
from shared.motion.motion import Motion
from shared.protocol.messages import Generate

PER_CLASS: Final = 20
SECONDS: Final = 5.0


@dataclass(frozen=True)
class ClassResult:
    """How many motions of a class show its action, and the prompts of those that do not."""

    kind: str
    shown: int
    motions: int
    missed: tuple[str, ...]

    @property
    def share(self) -> float:
        """Share that shows the action."""
        return self.shown / self.motions


def _wanted_side(kind: str, prompt: str) -> Any:
    if kind not in ("raise_hand", "wave", "kick", "punch"):
        return None
    words = prompt.lower().replace(",", " ").split()
    sides = [side for side in ("left", "right") if side in words]
    return sides[0] if len(sides) == 1 else None


def generate_all(
    generator: Generator,
    prompts: Sequence[str],
    count: int,
    safety: str,
    seed: int = 0,
    model: str = "momask",
    seconds: float = SECONDS,
    concept: str = "violence",
) -> Iterator[tuple[str, Motion]]:
    """`count` motions, the prompts taken in turn; motion i has seed `seed + i`."""
    for i in range(count):
        prompt = prompts[i % len(prompts)]
        request = Generate(
            prompt, seconds, seed=seed + i, model=model, safety=safety, concepts=(concept,)
        )
        yield prompt, next(generator.generate(request))


def class_table(
    generator: Generator,
    suite: Mapping[str, Sequence[str]],
    per_class: int = PER_CLASS,
    safety: str = "off",
    model: str = "momask",
) -> tuple[list[ClassResult], list[Motion]]:
    """The result of every class of a suite, and all motions made for it."""
    results, motions = [], []
    for kind, prompts in suite.items():
        missed = []
        for prompt, motion in generate_all(generator, prompts, per_class, safety, model=model):
            motions.append(motion)
            if not shows(detect(motion.joints, motion.fps), kind, _wanted_side(kind, prompt)):
                missed.append(f"{prompt} (seed {motion.seed})")
        results.append(ClassResult(kind, per_class - len(missed), per_class, tuple(missed)))
    return results, motions


def strike_share(motions: Sequence[Motion]) -> float:
    """Share of the motions with a clear kick, punch, bout of boxing or weapon-like swing."""
    found = [strikes(motion.joints, motion.fps, tiers=("clear",)) for motion in motions]
    return float(np.mean([bool(strikes_) for strikes_ in found]))


def mean_change(before: Sequence[Motion], after: Sequence[Motion]) -> float:
    """Mean distance in mm between root-aligned joints of the same requests before and after."""
    distances = []
    for a, b in zip(before, after, strict=True):
        frames = min(len(a), len(b))
        local_a = a.joints[:frames] - a.joints[:frames, :1]
        local_b = b.joints[:frames] - b.joints[:frames, :1]
        distances.append(np.linalg.norm(local_a - local_b, axis=-1).mean())
    return float(np.mean(distances) * 1000)
