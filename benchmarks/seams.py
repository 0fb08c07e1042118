"""How smooth the seams are that edits, loops and timelines leave, for both embedded models.

    python benchmarks/seams.py

A jump ratio compares the largest movement of a joint over a seam with the 99th percentile of all
movements between frames of the same motion; the change ratio does so for changes of velocity. Ten
prompts each; median and largest.
"""

import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np

from backend.generation.generator import Generator
from backend.motion.blending import SeamFigures, measure_loop, measure_seam
from shared.protocol.messages import EditMotion, Generate, Segment, Timeline

SECONDS = 4.0
PROMPTS = (
    "a person walks forward",
    "a person waves",
    "someone bows",
    "a man runs",
    "a person jumps",
    "a woman dances",
    "a person walks backward",
    "someone raises the right hand",
    "a person turns left",
    "a person stretches both arms",
)


def edits(generator: Generator, model: str) -> Iterator[SeamFigures]:
    """Both borders of a second in the middle that is made anew under another prompt."""
    for seed, prompt in enumerate(PROMPTS):
        [motion] = generator.generate(Generate(prompt, SECONDS, seed=seed, model=model))
        request = EditMotion(PROMPTS[seed - 1], ((28, 52),), seed=seed, model=model)
        [changed] = generator.generate(request, motion=motion)
        yield from (measure_seam(changed.joints, seam) for seam in (28, 52))


def anchors(generator: Generator, model: str) -> Iterator[SeamFigures]:
    """Both sides of five single frames that are kept, the rest made under another prompt."""
    kept = (0, 20, 40, 60, 79)
    for seed, prompt in enumerate(PROMPTS):
        [motion] = generator.generate(Generate(prompt, SECONDS, seed=seed, model=model))
        gaps = tuple((a + 1, b) for a, b in pairwise(kept))
        request = EditMotion(PROMPTS[seed - 1], gaps, anchored=True, seed=seed, model=model)
        [changed] = generator.generate(request, motion=motion)
        assert (changed.joints[list(kept)] == motion.joints[list(kept)]).all()
        sides = [side for frame in kept for side in (frame, frame + 1) if 0 < side < len(motion)]
        yield from (measure_seam(changed.joints, seam) for seam in sides)


def loops(generator: Generator, model: str) -> Iterator[SeamFigures]:
    """Where the next round begins."""
    for seed, prompt in enumerate(PROMPTS):
        request = Generate(prompt, SECONDS, seed=seed, model=model, loop="travelling")
        [motion] = generator.generate(request)
        yield measure_loop(motion.joints)


def timelines(generator: Generator, model: str) -> Iterator[SeamFigures]:
    """Where one prompt follows another."""
    for seed, prompt in enumerate(PROMPTS):
        parts = (Segment(prompt, SECONDS), Segment(PROMPTS[seed - 1], SECONDS))
        [motion] = generator.generate(Timeline(parts, seed=seed, model=model))
        yield measure_seam(motion.joints, round(SECONDS * motion.fps))


def main() -> None:
    """Print the table."""
    generator = Generator()
    print("| model | seams | jump ratio | change ratio |")
    print("|---|---|---|---|")
    for model in generator.load().models():
        for measure in (edits, anchors, loops, timelines):
            found = list(measure(generator, model))
            columns = [
                f"{np.median(values):.2f}, {np.max(values):.2f}"
                for values in (
                    [figures.jump_ratio for figures in found],
                    [figures.change_ratio for figures in found],
                )
            ]
            print(f"| {model} | {measure.__name__} | {columns[0]} | {columns[1]} |", flush=True)


if __name__ == "__main__":
    main()
