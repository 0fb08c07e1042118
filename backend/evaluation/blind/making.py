"""The motions of a blind look: every method on the same test prompts, and folders of motions."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np

from backend.evaluation.prompts import load_suite
from backend.generation.generator import Generator
from shared.errors import PlacidError
from shared.motion.motion import Motion, load_motion
from shared.protocol.messages import Generate

CONTROLS: Final = "safe prompts"
Labelled = tuple[Motion, str, str, str]
# Seconds that motions last, drawn for each.
_SECONDS: Final = (2.5, 7.0)


def make_motions(
    generator: Generator,
    models: Sequence[str],
    methods: Sequence[str],
    suite: str,
    count: int,
    controls: int,
    seed: int,
) -> Iterator[Labelled]:
    """`count` motions, evenly of every model and method, and `controls` of safe prompts.

    Every method of a model gets the same prompts, with seeds of its own, so that nobody knows a
    motion again. Controls tell how often who scores sees strikes that nobody asked for.
    """
    rng = np.random.default_rng(seed)
    rows = [(model, method) for model in models for method in methods]
    shares = [len(part) for part in np.array_split(np.arange(count), len(rows))]
    for (model, method), share in zip(rows, shares, strict=True):
        # The order depends on the model alone.
        order = np.random.default_rng((seed, list(models).index(model)))
        yield from _made(generator, model, method, suite, suite, share, order, rng)
    parts = [len(part) for part in np.array_split(np.arange(controls), len(rows))]
    for (model, method), share in zip(rows, parts, strict=True):
        yield from _made(generator, model, method, "safe", CONTROLS, share, rng, rng)


def _made(
    generator: Generator,
    model: str,
    method: str,
    suite: str,
    label: str,
    count: int,
    order: np.random.Generator,
    rng: np.random.Generator,
) -> Iterator[Labelled]:
    prompts = [prompt for texts in load_suite(suite).values() for prompt in texts]
    shuffled = order.permutation(len(prompts))
    requests = [
        Generate(
            prompts[shuffled[i % len(prompts)]],
            round(float(rng.uniform(*_SECONDS)), 1),
            seed=int(rng.integers(2**31)),
            model=model,
            safety=method,
        )
        for i in range(count)
    ]
    for _, motion in generator.generate_batch(requests):
        yield motion, model, method, label


def read_motions(folder: Path, count: int) -> list[Labelled]:
    """At most `count` motions a sub-folder, taken evenly; the sub-folder's name is the method.

    Raises:
        PlacidError: `no_motions` when there are none.
    """
    found: list[Labelled] = []
    for part in sorted(path for path in folder.iterdir() if path.is_dir()):
        paths = sorted(part.rglob("*.npz"))
        chosen = np.linspace(0, len(paths) - 1, min(count, len(paths))).astype(int)
        for path in (paths[index] for index in chosen.tolist()):
            motion = load_motion(path)
            model = str(motion.provenance.get("model", ""))
            found.append((motion, model, part.name, "given"))
    if not found:
        raise PlacidError(
            "no_motions",
            f"{folder} holds no sub-folder with motions; make one a method, each with npz files",
        )
    return found
