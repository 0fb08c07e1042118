"""How fast the benchmark is: motions a second, the share outside the networks, code counting.

python benchmarks/evaluation.py [--motions 64]
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated

import numpy as np
import typer

from backend.evaluation.evaluators.embedded import load_evaluator
from backend.evaluation.metrics import METRICS, Evaluated
from backend.evaluation.prompts import load_suite
from backend.generation.codebooks import Codebooks
from backend.generation.generator import Generator
from backend.generation.sampling import Sampling
from backend.motion.foot_contact import ground
from backend.unlearning.statistics import count_codes
from shared.errors import PlacidError

_TOKENS = 20
_SHORT_SAMPLES = 512


class Clock:
    """Seconds by name."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def on(self, name: str) -> Iterator[None]:
        """Add the time of the block to a name."""
        start = time.perf_counter()
        yield
        self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - start


def measure(generator: Generator, count: int) -> Clock:
    """Generate, decode, embed and judge `count` motions, with the time that each part takes."""
    prompts = [prompt for group in load_suite("safe").values() for prompt in group]
    prompts = [prompts[i % len(prompts)] for i in range(count)]
    clock, checkpoint = Clock(), generator.load()
    with clock.on("text encoder"):
        text = generator.encoder.encode(prompts)
    with clock.on("transformers"):
        ids, lengths = generator.sample_tokens(
            checkpoint.model_networks("momask"),
            "momask",
            text,
            [_TOKENS] * count,
            range(count),
            Sampling(),
        )
    with clock.on("decoder"):
        features = generator.decode(ids, lengths)
    with clock.on("joints"):
        joints = [ground(rows) for rows in features]
    with clock.on("checks on joints"):
        data, rng = Evaluated(joints=joints), np.random.default_rng(0)
        for metric in METRICS.values():
            if metric.needs == {"joints"}:
                metric.measure(data, rng)
    try:
        evaluator = load_evaluator(encoder=generator.encoder)
    except PlacidError as error:
        print(f"nothing is embedded: {error}")
    else:
        with clock.on("evaluator"):
            evaluator.embed_motions(features)
    return clock


def code_counting(generator: Generator) -> tuple[float, float]:
    """Samples a second that are encoded, and that are counted, of 196 frames each."""
    checkpoint = generator.load()
    rvq = checkpoint.networks["rvq"]
    rows = np.random.default_rng(0).normal(size=(_SHORT_SAMPLES, 196, 263)).astype(np.float32)

    def encode() -> np.ndarray:
        books = Codebooks.of(rvq)
        parts = np.split(rows, len(rows) // 32)
        return np.concatenate([books.encode(rvq.encode(part)) for part in parts])

    ids = encode()
    is_forget = np.arange(len(ids)) % 10 == 0
    return (
        _SHORT_SAMPLES / _seconds(encode),
        _SHORT_SAMPLES
        / _seconds(lambda: count_codes("violence", ids, is_forget, rvq.config.codes)),
    )


def _seconds(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def main(motions: Annotated[int, typer.Option(help="How many to make.")] = 64) -> None:
    """Print the figures."""
    generator = Generator(device="cpu")
    measure(generator, 4)  # the first call of anything is slow
    clock = measure(generator, motions)
    total = sum(clock.seconds.values())
    for name, seconds in clock.seconds.items():
        print(f"{name}: {1000 * seconds / motions:.1f} ms a motion, {100 * seconds / total:.1f} %")
    outside = clock.seconds["joints"] + clock.seconds["checks on joints"]
    print(f"{motions / total:.1f} motions a second with everything")
    print(f"outside the networks: {100 * outside / total:.1f} % (aim: below 10 %)")
    encoded, counted = code_counting(generator)
    print(f"LCR statistics: {encoded:.0f} samples a second encoded, {counted:.0f} counted")


if __name__ == "__main__":
    typer.run(main)
