"""The numpy engine against the torch one: the same tokens and joints, seconds, memory.

    python benchmarks/engines.py [--takes 400] [--rounds 9] [--python PYTHON ...] [--source FOLDER]

Both engines make the same requests: both models, every method, edits, timelines and loops. Tokens
that differ are called a tie where the first draw that differs was one: best and second best class
closer than logits are computed. Speed is processor time of one thread, the two engines in turns, so
that other work on the machine hits both. Cold start and memory are those of a fresh process, also
of other Pythons (`--python`), such as Blender's own or one whose numpy has no BLAS; `--source` is
the folder of `backend` and `shared` for them, such as an unpacked extension.
"""

import argparse
import itertools
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"
sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

import numpy as np
from sample_motions import walking_motion
from tqdm import tqdm

from backend.evaluation.prompts import load_suite
from backend.generation.generator import Generator
from backend.generation.motion_codec import MotionCodec
from backend.generation.samplers import columns, length, masked, residual
from backend.generation.samplers.noise import gumbel
from shared.protocol.messages import EditMotion, Generate, Segment, Timeline

CHECKOUT = Path(__file__).parents[1]
METHODS = ("lcr", "uce", "rece", "lcr+uce", "off")
MODELS = ("momask", "bamm")
TIE = 1e-3  # of logits of about 10, of which float32 leaves 1e-5
LIMIT = 1e-3  # metres
PROMPT = "a person walks forward and waves"
# Runs in a fresh process: a cold start, and what the process holds before and after unloading.
CHILD = """
import json, sys, time
began = time.monotonic() - float(sys.argv[2])
from backend.generation.generator import Generator
from shared.protocol.messages import Generate
def megabytes():
    return int(open("/proc/self/statm").read().split()[1]) * 4096 / 1e6
def seconds(request):
    start = time.process_time()
    next(iter(generator.generate(request)))
    return time.process_time() - start
generator = Generator(device="cpu", engine=sys.argv[1])
next(iter(generator.generate(Generate(sys.argv[3], 6.0, seed=1))))
cold, used = time.monotonic() - float(sys.argv[2]), time.process_time()
took = {model: min(seconds(Generate("a person walks", 6.0, seed=k, model=model)) for k in range(5))
        for model in ("momask", "bamm")}
loaded = megabytes()
generator.unload()
print(json.dumps({"cold": cold, "cold, processor": used, **took, "loaded": loaded,
                  "unloaded": megabytes()}))
"""


class Record:
    """The tokens that a generator decodes, and how clear each of its draws was."""

    def __init__(self) -> None:
        self.tokens: list[np.ndarray] = []
        self.draws: list[tuple[np.ndarray, np.ndarray]] = []

    def clear(self) -> None:
        self.tokens, self.draws = [], []


def record_everything(record: Record) -> None:
    """Have samplers and codec note what they do."""
    features = MotionCodec.features

    def noted(self: MotionCodec, ids: np.ndarray) -> np.ndarray:
        record.tokens.append(ids)
        return features(self, ids)

    def sample(logits: np.ndarray, uniforms: np.ndarray, temperature: float) -> np.ndarray:
        scores = logits / np.float32(max(temperature, 1e-10)) + gumbel(uniforms)
        best = np.sort(scores, axis=-1)[..., -2:]
        chosen = np.argmax(scores, axis=-1)
        record.draws.append((chosen, best[..., 1] - best[..., 0]))
        return chosen

    MotionCodec.features = noted  # type: ignore[method-assign]
    for module in (masked, residual, columns, length):
        module.gumbel_sample = sample  # type: ignore[attr-defined]


def requests(takes: int) -> Iterator[Any]:
    """So many requests of one take each, of every kind in turn."""
    prompts = [p for name in ("safe", "violent") for g in load_suite(name).values() for p in g]
    kinds = itertools.cycle([*METHODS, "edit", "timeline", "loop", *METHODS])
    pairs = zip(kinds, itertools.cycle(MODELS + MODELS[::-1]), strict=False)
    for number, (kind, model) in enumerate(pairs):
        if number == takes:
            return
        prompt, seconds = prompts[number * 7 % len(prompts)], 2.0 + number % 9 * 0.5
        common: dict[str, Any] = {"model": model, "seed": number}
        if kind == "edit":
            yield EditMotion(prompt, frames=((12, 40),), **common)
        elif kind == "timeline":
            parts = (Segment(prompt, 2.0), Segment("a person walks", 2.0))
            yield Timeline(segments=parts, **common)
        elif kind == "loop":
            yield Generate(prompt, seconds, loop="in_place", **common)
        else:
            length_ = None if number % 5 == 0 else seconds
            yield Generate(prompt, length_, safety=kind, **common)


def is_tie(one: Record, other: Record) -> bool:
    """Whether the first draw that the engines decided differently was a tie for both."""
    for (a, gap_a), (b, gap_b) in zip(one.draws, other.draws, strict=False):
        if a.shape != b.shape:
            return False
        differs = a != b
        if differs.any():
            return bool(max(gap_a[differs].max(), gap_b[differs].max()) < TIE)
    return False


def compare(takes: int) -> None:
    """Print how far the engines agree."""
    record = Record()
    record_everything(record)
    generators = [Generator(device="cpu", engine=name) for name in ("torch", "numpy")]
    about = walking_motion(60)
    equal = ties = others = 0
    worst, over = 0.0, 0
    for request in tqdm(list(requests(takes)), desc="takes", leave=False):
        found = []
        for generator in generators:
            record.clear()
            motion = about if isinstance(request, EditMotion) else None
            [made] = generator.generate(request, motion=motion)
            kept = Record()
            kept.tokens, kept.draws = record.tokens, record.draws
            found.append((kept, made.joints))
        (one, first), (other, second) = found
        same = all(
            a.shape == b.shape and (a == b).all()
            for a, b in zip(one.tokens, other.tokens, strict=True)
        )
        if same:
            equal += 1
            distance = float(np.abs(first - second).max())
            worst, over = max(worst, distance), over + (distance > LIMIT)
        elif is_tie(one, other):
            ties += 1
        else:
            others += 1
    print(f"{takes} takes: {equal} with equal tokens, {ties} that a tie decided, {others} others")
    print(f"joints of equal tokens differ by at most {worst * 1e3:.4f} mm; {over} over 1 mm")


def speed(rounds: int) -> None:
    """Print processor seconds of one take of 6 s, and of 16 together, and their ratios."""
    generators = {name: Generator(device="cpu", engine=name) for name in ("torch", "numpy")}
    print("| takes | model | torch, s | numpy, s | ratio |\n|---:|---|---:|---:|---:|")
    for count, model in ((1, "momask"), (1, "bamm"), (16, "momask")):
        times: dict[str, list[float]] = {name: [] for name in generators}
        for turn in range(rounds if count == 1 else max(2, rounds // 3)):
            request = Generate("a person walks forward", 6.0, seed=turn, model=model, takes=count)
            for name, generator in generators.items():
                start = time.process_time()
                list(generator.generate(request))
                times[name].append(time.process_time() - start)
        theirs, ours = (statistics.median(times[name][1:]) for name in ("torch", "numpy"))
        print(f"| {count} | {model} | {theirs:.3f} | {ours:.3f} | {ours / theirs:.2f} |")


def fresh(python: str, engine: str, source: Path) -> dict[str, float]:
    """Seconds and megabytes of a fresh process."""
    variables = {**os.environ, "PYTHONPATH": str(source)}
    command = [python, "-c", CHILD, engine, str(time.monotonic()), PROMPT]
    done = subprocess.run(
        command, cwd=source, env=variables, capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout.splitlines()[-1])


def processes(pythons: list[str], source: Path) -> None:
    """Print cold start and memory of each engine, in each Python."""
    print(
        "| engine | Python | cold start, s | of it on the processor | one take, s | BAMM, s |",
        end="",
    )
    print(" loaded, MB | unloaded, MB |\n|---|---|---:|---:|---:|---:|---:|---:|")
    cases = [("torch", sys.executable, CHECKOUT), ("numpy", sys.executable, CHECKOUT)]
    cases += [("numpy", python, source) for python in pythons]
    for engine, python, folder in cases:
        runs = [fresh(python, engine, folder) for _ in range(3)]
        best = {key: min(run[key] for run in runs) for key in runs[0]}
        name = Path(python).parents[1].name
        print(
            f"| {engine} | {name} | {best['cold']:.2f} | {best['cold, processor']:.2f} | "
            f"{best['momask']:.3f} | {best['bamm']:.3f} | {best['loaded']:.0f} | "
            f"{best['unloaded']:.0f} |",
            flush=True,
        )


def main() -> None:
    """Print all tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--takes", type=int, default=400)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--python", nargs="*", default=[], help="other Pythons, without torch")
    parser.add_argument("--source", type=Path, default=CHECKOUT, help="their backend and shared")
    options = parser.parse_args()
    processes(
        [str(Path(python).absolute()) for python in options.python], options.source.absolute()
    )
    speed(options.rounds)
    if options.takes:
        compare(options.takes)


if __name__ == "__main__":
    main()
