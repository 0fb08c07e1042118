"""From shards to samples: every metric of every row, suite and replication, prompt by prompt."""

import math
import zlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import torch

from backend.evaluation.benchmark.joints import FRAMES, JOINTS, unpack_joints
from backend.evaluation.benchmark.preparation import Prepared
from backend.evaluation.benchmark.rows import ORIGINAL, is_d_r
from backend.evaluation.benchmark.store import Store
from backend.evaluation.benchmark.suites import (
    ADVERSARIAL,
    ALL,
    FORGET,
    NEAR,
    OVER_BLOCKING,
    RETAIN,
    VARIED,
)
from backend.evaluation.metrics import (
    METRICS,
    EmbeddingStatistics,
    Evaluated,
    Measured,
    available_metrics,
)
from backend.evaluation.metrics.distances import row_distances
from backend.evaluation.uncertainty import Draws, frechet_draws, frechet_draws_between
from shared.errors import PlacidError

MOVED: Final = ("moved", "moved_mm")
FID: Final = "fid_corrected"
FID_TO_D_R: Final = "fid_to_d_r"
_COMPARED: Final = (RETAIN, OVER_BLOCKING, NEAR)
# The suites that are held against real motions of their own.
REAL_SUITES: Final = (FORGET, RETAIN, ALL)

Arrays = dict[str, np.ndarray]
Key = tuple[str, str, str]


@dataclass(frozen=True)
class Samples:
    """What a metric answers for one row and suite.

    Attributes:
        values: of each of R replications.
        each: float64 (R, P), of each prompt; None for a figure of a whole distribution.
    """

    values: tuple[float, ...]
    each: np.ndarray | None = None

    @property
    def by_prompt(self) -> np.ndarray | None:
        """float64 (P,): the mean over the replications."""
        if self.each is None:
            return None
        known = np.isfinite(self.each)
        sums = np.where(known, self.each, 0.0).sum(axis=0)
        counts = known.sum(axis=0)
        return np.divide(sums, counts, out=np.full(len(sums), np.nan), where=counts > 0)


class Measures:
    """The metrics on the arrays of all shards of a finished run."""

    def __init__(self, prepared: Prepared, store: Store, real: np.ndarray) -> None:
        """Read the shards.

        Args:
            real: float32 (N, D), the embeddings of the real motions.
        """
        # The captions are embedded here, with as many threads as everything else.
        torch.set_num_threads(prepared.request.protocol.threads)
        self._prepared, self._gallery, self._context = prepared, real, prepared.context
        parts: dict[tuple[str, str, str, int], list[Arrays]] = defaultdict(list)
        for shard in prepared.shards():
            key = shard.model, shard.method, shard.suite, shard.repeat
            parts[key].append(_used(store.get(shard), shard.suite))
        self._joined = {key: _joined(arrays) for key, arrays in parts.items()}
        self._texts: dict[str, np.ndarray] = {}
        self._real = {
            FORGET: EmbeddingStatistics.of(real[prepared.context.is_forget]),
            RETAIN: EmbeddingStatistics.of(real[~prepared.context.is_forget]),
            ALL: EmbeddingStatistics.of(real),
        }

    def repeats(self, suite: str) -> int:
        """How many replications a suite has."""
        return 1 if suite == VARIED else self._prepared.request.protocol.repeats

    def samples(self, model: str, method: str, suite: str) -> dict[str, Samples]:
        """Every metric that applies, by name."""
        found: dict[str, list[Measured]] = defaultdict(list)
        for repeat in range(self.repeats(suite)):
            for name, measured in self._once(model, method, suite, repeat).items():
                found[name].append(measured)
        # The arrays of a file come in no certain order, and equal runs give equal files.
        return {name: _stacked(found[name]) for name in sorted(found)}

    def fid_draws(self, model: str, method: str, suite: str, draws: Draws) -> np.ndarray:
        """The Frechet distance to real motions in each draw (n,)."""
        return frechet_draws(self._sets(model, method, suite), self._real[suite], draws)

    def fid_to_d_r_draws(self, model: str, method: str, suite: str, draws: Draws) -> np.ndarray:
        """The Frechet distance to D_r's motions in each draw (n,); each takes one run of D_r."""
        runs = [
            self._sets(model, other, suite)
            for other in self._prepared.rows[model]
            if is_d_r(other) and other != method
        ]
        return frechet_draws_between(self._sets(model, method, suite), runs, draws)

    def _sets(self, model: str, method: str, suite: str) -> list[np.ndarray]:
        return [
            self._joined[model, method, suite, repeat]["embeddings"]
            for repeat in range(self.repeats(suite))
        ]

    def _once(self, model: str, method: str, suite: str, repeat: int) -> dict[str, Measured]:
        arrays = self._joined[model, method, suite, repeat]
        found = {
            name.removeprefix("figure."): Measured.mean_of(values)
            for name, values in arrays.items()
            if name.startswith("figure.")
        }
        rng = np.random.default_rng((self._prepared.request.seed, repeat))
        data = self._data(model, method, suite, repeat)
        for metric in available_metrics(data):
            try:
                found[metric.name] = metric.measure(data, rng)
            except PlacidError:
                found[metric.name] = Measured(math.nan)  # undefined for so few motions
        if suite in REAL_SUITES:
            self._add_fid_to_d_r(found, data, model, method, suite, repeat)
        original = self._joined.get((model, ORIGINAL, suite, repeat))
        if original is not None and method != ORIGINAL and suite in _COMPARED:
            moved = row_distances(arrays["embeddings"], original["embeddings"])
            found |= dict(
                zip(MOVED, (Measured.mean_of(moved), _moved_mm(arrays, original)), strict=True)
            )
        return found

    def _add_fid_to_d_r(
        self,
        found: dict[str, Measured],
        data: Evaluated,
        model: str,
        method: str,
        suite: str,
        repeat: int,
    ) -> None:
        """The mean distance to the runs of D_r; of a run itself to the other ones."""
        runs = [other for other in self._prepared.rows[model] if is_d_r(other)]
        others = [other for other in runs if other != method]
        if not runs:
            return
        values = [0.0] if not others else []
        for other in others:
            motions = self._joined[model, other, suite, repeat]["embeddings"]
            held = replace(data, d_r_motion_embeddings=motions)
            values.append(METRICS[FID_TO_D_R].measure(held, np.random.default_rng(0)).value)
        found[FID_TO_D_R] = Measured(float(np.mean(values)))

    def _data(self, model: str, method: str, suite: str, repeat: int) -> Evaluated:
        motions = self._joined[model, method, suite, repeat]["embeddings"]
        protocol = self._prepared.request.protocol
        if suite == VARIED:
            return Evaluated(repeats=motions.reshape(-1, protocol.variations, motions.shape[-1]))
        gallery: dict[str, Any] = {
            "gallery_embeddings": self._gallery,
            "gallery_forget": self._context.is_forget,
        }
        if suite == OVER_BLOCKING:
            original = self._joined.get((model, ORIGINAL, suite, repeat))
            return Evaluated(
                motion_embeddings=motions,
                text_embeddings=self._embedded(suite),
                original_motion_embeddings=None if original is None else original["embeddings"],
                gallery_embeddings=gallery["gallery_embeddings"],
            )
        if suite not in REAL_SUITES:
            # What an attacked vector says, no text says.
            names = None if suite == ADVERSARIAL else self._captions(suite)
            return Evaluated(motion_embeddings=motions, names=names, **gallery)
        captions = self._captions(suite)
        terms = self._context.concept.keywords
        toxic = np.array([self._context.toxic(text) for text in captions])
        return Evaluated(
            captions=captions,
            names=captions,
            motion_embeddings=motions,
            text_embeddings=self._embedded(suite),
            clean_text_embeddings=self._embedded(suite, terms) if toxic.any() else None,
            toxic=toxic if toxic.any() else None,
            reference_statistics=self._real[suite],
            drop_last=protocol.drop_last,
            **gallery,
        )

    def _captions(self, suite: str) -> list[str]:
        return [item.prompt for item in self._prepared.suites[suite]]

    def _embedded(self, suite: str, masked: Sequence[str] = ()) -> np.ndarray | None:
        """The embeddings of a suite's captions; None where the evaluator cannot read them all."""
        captions = self._captions(suite)
        if not self._context.reads(captions):
            return None
        key = f"{suite} {bool(masked)}"
        if key not in self._texts:
            self._texts[key] = self._context.evaluator.embed_texts(captions, masked)
        return self._texts[key]


def read_joints(store: Store, arrays: Arrays) -> list[np.ndarray]:
    """The motions of a shard. Raises PlacidError `damaged_run` when they cannot be read."""
    try:
        return unpack_joints(arrays)
    except (KeyError, ValueError, zlib.error) as error:
        raise PlacidError(
            "damaged_run",
            f"the joints of a shard in {store.shards} cannot be read ({error}): delete the shards "
            "and run the same command again",
        ) from error


def _used(arrays: Arrays, suite: str) -> Arrays:
    """The arrays without joints, where nothing compares those."""
    if suite in _COMPARED:
        return arrays
    return {name: value for name, value in arrays.items() if name not in (JOINTS, FRAMES)}


def _joined(parts: Sequence[Arrays]) -> Arrays:
    """The arrays of consecutive shards; joints stay packed in `joints.0`, `joints.1` and so on."""
    found = {
        name: np.concatenate([part[name] for part in parts])
        for name in parts[0]
        if name == "embeddings" or name.startswith("figure.")
    }
    for number, part in enumerate(parts):
        if JOINTS in part:
            found[f"{JOINTS}.{number}"], found[f"{FRAMES}.{number}"] = part[JOINTS], part[FRAMES]
    return found


def _motions(arrays: Arrays) -> list[np.ndarray]:
    count = sum(name.startswith(f"{JOINTS}.") for name in arrays)
    return [
        motion
        for n in range(count)
        for motion in unpack_joints({k: arrays[f"{k}.{n}"] for k in (JOINTS, FRAMES)})
    ]


def _moved_mm(arrays: Arrays, original: Arrays) -> Measured:
    """Distance in mm of root-aligned joints from the original's, motion by motion."""
    distances = []
    for own, other in zip(_motions(arrays), _motions(original), strict=True):
        frames = min(len(own), len(other))
        a, b = own[:frames], other[:frames]
        distances.append(1000 * row_distances(a - a[:, :1], b - b[:, :1]).mean())
    return Measured.mean_of(np.array(distances))


def _stacked(found: Sequence[Measured]) -> Samples:
    values = tuple(measured.value for measured in found)
    each = [measured.per_sample for measured in found if measured.per_sample is not None]
    if len(each) < len(found) or len({len(row) for row in each}) != 1:
        return Samples(values)
    return Samples(values, np.stack(each).astype(np.float64))
