"""How long unlearning takes: refitting, fitting a typed concept, switching edits. Medians.

Run with `python -m benchmarks.unlearning [--rounds 5]`; the times include no loading of the model.
"""

import argparse
import dataclasses
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from backend.checkpoints.loading import EMBEDDED, load_checkpoint
from backend.text.encoders import make_encoder
from backend.unlearning.caption_bank import shipped_bank
from backend.unlearning.concept import Concept, find_concept
from backend.unlearning.edit import Edit
from backend.unlearning.edit_name import EditName
from backend.unlearning.edit_store import EDITS, EditStore
from backend.unlearning.fit import FitInputs, fit_edit
from backend.unlearning.methods import lcr
from backend.unlearning.statistics import CodeStatistics, codebook_hash, count_codes
from backend.unlearning.weights import EditableNetworks

# What the project promises, in milliseconds.
# Whole networks are for comparison only: all their weights are held against what is said of them.
LIMITS = {"refit": 1000, "fit": 2000, "switch": 50, "switch whole": 500}


def main() -> None:
    """Measure on the embedded checkpoint and print a line for each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    checkpoint = load_checkpoint(EMBEDDED)
    materials = FitInputs(make_encoder(checkpoint.encoder))
    materials.encoder.encode(["a first prompt imports the library"])
    shipped_bank()

    edits: dict[str, Edit] = {}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "kick.safetensors"
        _some_counts(checkpoint.networks).save(path)
        sizes = iter(range(8, 8 + rounds))

        def refit() -> None:
            edits["lcr"] = _refit(checkpoint.networks, path, next(sizes))

        _print("LCR refit from a file with another K", "refit", _median(refit, rounds))
    for method in ("uce", "rece"):
        words = iter(_typed(rounds))

        def fit(method: str = method, words=words) -> None:  # type: ignore[no-untyped-def]
            concept = next(words)
            edits[method] = fit_edit(checkpoint, materials, concept, method, "momask")

        name = f"{method.upper()} for a typed concept, text encoding included"
        _print(name, "fit", _median(fit, rounds))
    edits["whole networks (D_r)"] = Edit.load(
        EDITS / EditName("momask", "retrain", "violence").file
    )
    store, weights = EditStore([]), checkpoint.networks
    for name, edit in edits.items():
        limit = "switch whole" if "whole" in name else "switch"
        _print(f"switch to {name}", limit, _switch(store, weights, edit, rounds))


def _typed(rounds: int) -> list[Concept]:
    """Concepts that nobody has encoded before: the encoder remembers prompts."""
    return [find_concept(f"crawl{i}, creep{i}, slither{i}") for i in range(rounds)]


def _some_counts(networks: EditableNetworks) -> CodeStatistics:
    """Counts of random tokens: what they say does not matter to the time."""
    ids = np.random.default_rng(0).integers(0, 512, (2000, 49, 6))
    is_forget = np.arange(2000) < 500
    return count_codes("kick", ids, is_forget, 512, codebook_hash=codebook_hash(networks))


def _refit(networks: EditableNetworks, path: Path, k: int) -> Edit:
    parameters = dataclasses.replace(lcr.PRESETS["embedded"], k=k)
    return lcr.fit(networks, find_concept("kick"), CodeStatistics.load(path), parameters)


def _switch(store: EditStore, networks: EditableNetworks, edit: Edit, rounds: int) -> float:
    """From no edit to this one, the check of the base included."""

    def there() -> None:
        store.activate(networks, [edit], 1.0)

    return _median(there, rounds, lambda: store.activate(networks, [], 1.0))


def _median(
    work: Callable[[], None], rounds: int, between: Callable[[], None] = lambda: None
) -> float:
    """Milliseconds."""
    times = []
    for _ in range(rounds):
        began = time.perf_counter()
        work()
        times.append((time.perf_counter() - began) * 1000)
        between()
    return statistics.median(times)


def _print(name: str, limit: str, milliseconds: float) -> None:
    print(f"{name:55} {milliseconds:8.1f} ms   (limit {LIMITS[limit]} ms)", flush=True)


if __name__ == "__main__":
    main()
