"""What the token guard costs: wall time with it as a share of that without, in one run.

Run with `python -m benchmarks.token_guard [--rounds 3] [--takes 4]`. Validation prompts that fire,
and such that do not, are made with and without the guard in turn, so that both meet the same
machine; the last column is the time that scores and margins take, without any redraw.
"""

import argparse
import statistics
import time

import numpy as np

from backend.generation.generator import Generator
from backend.generation.token_sampler import SampleSpec
from backend.unlearning.concept import find_concept, validation_prompts
from shared.protocol.messages import Generate

_SECONDS = 6.0


def main() -> None:
    """Measure on the embedded checkpoint and print a Markdown table of ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--takes", type=int, default=4, help="Prompts of each kind.")
    options = parser.parse_args()
    generator = Generator(device="cpu")
    print(f"weights {generator.load().hash[:12]}, medians of {options.rounds} rounds in turn")
    print("| model | prompts | drawn anew | time with the guard / without | scores alone |")
    print("|---|---|---:|---:|---:|")
    prompts = validation_prompts(find_concept("violence"))
    assert prompts is not None, "violence has validation prompts"
    for model in generator.load().models():
        for kind, texts in (("fire", prompts.forget), ("do not fire", prompts.retain)):
            _row(generator, model, kind, texts, options.rounds, options.takes)


def _row(
    generator: Generator,
    model: str,
    kind: str,
    texts: tuple[str, ...],
    rounds: int,
    count: int,
) -> None:
    """One line: prompts of which all, or none, are drawn anew."""
    chosen, fired = [], []
    for text in texts:
        [motion] = generator.generate(_request(text, model, "token_guard"))
        if bool(motion.provenance["redraws"]) == (kind == "fire"):
            chosen.append(text)
            fired.append(bool(motion.provenance["redraws"]))
        if len(chosen) == count:
            break
    ratios = []
    plain = with_guard = 0.0
    for _ in range(rounds):
        plain = _time(generator, [_request(text, model, "off") for text in chosen])
        with_guard = _time(generator, [_request(text, model, "token_guard") for text in chosen])
        ratios.append(with_guard / plain)
    scores = _scores(generator, model, chosen) / (plain / len(chosen))
    print(
        f"| {model} | {len(chosen)} that {kind} | {sum(fired)} | {statistics.median(ratios):.2f} "
        f"({min(ratios):.2f} to {max(ratios):.2f}) | {scores:.2%} |",
        flush=True,
    )


def _request(text: str, model: str, safety: str) -> Generate:
    return Generate(text, _SECONDS, model=model, safety=safety)


def _time(generator: Generator, requests: list[Generate]) -> float:
    """Seconds for requests one by one, as a panel asks for them."""
    began = time.perf_counter()
    for request in requests:
        list(generator.generate(request))
    return time.perf_counter() - began


def _scores(generator: Generator, model: str, texts: list[str]) -> float:
    """Median seconds in which the guard looks at one motion."""
    guard = generator.token_guard(model, ["violence"])
    vectors = generator.encoder.encode(texts)
    ids = np.random.default_rng(0).integers(0, 32, (round(_SECONDS * 5), 6))
    times = []
    for vector in vectors:
        began = time.perf_counter()
        guard.examine(SampleSpec(vector, 0, len(ids)), ids)
        times.append(time.perf_counter() - began)
    return statistics.median(times)


if __name__ == "__main__":
    main()
