"""Real motions that no network was trained on, as embeddings: what the metrics compare with.

They ship with the evaluator, so that a fresh machine evaluates without any data set.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import msgspec
import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from backend.datasets.preparation import PreparedClip
from backend.datasets.samples import Sample, SamplePool
from backend.evaluation.evaluators import Evaluator
from backend.evaluation.evaluators.embedded import EVALUATOR
from backend.evaluation.metrics.matching import chances
from backend.evaluation.metrics.registry import EmbeddingStatistics, Measured
from backend.motion.lengths import MIN_FRAMES
from backend.unlearning.concept import Concept, builtin_concepts
from shared.decoding.arrays import check_safetensors
from shared.decoding.errors import UNDECODABLE, DecodeError, explain
from shared.decoding.limits import MAX_RUN_BYTES, MAX_RUN_ENTRIES
from shared.decoding.text import decode_json, read_bytes
from shared.errors import PlacidError
from shared.files import written_whole

ROWS: Final = "reference.safetensors"
LABELS: Final = "reference.json"
HELD_OUT: Final = ("val", "test")
# Walking is hours, a kick a second: so many motions of one kind tell what it looks like.
_MOST_PER_KIND: Final = 30
_WORDINGS: Final = 4


class ReferenceRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is known of one real motion.

    Attributes:
        clip: the recording it is from; `source` is the collection.
        split: "val" or "test".
        kinds: what is done, in order.
        frames: its length at 20 frames per second.
        captions: wordings; the first one is embedded.
        concepts: names of the built-in concepts that a wording names: the motion is in their
            forget sets, and in the retain sets of all others.
    """

    clip: str
    source: str
    split: str
    kinds: tuple[str, ...]
    frames: int
    captions: tuple[str, ...]
    concepts: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Reference:
    """Real held-out motions: N rows in the evaluator's D dimensions.

    Attributes:
        rows: what each motion is.
        motion_embeddings, text_embeddings: float32 (N, D).
        statistics: mean and covariance of `motion_embeddings`.
        evaluator: fingerprint of the evaluator that embedded them.
    """

    rows: tuple[ReferenceRow, ...]
    motion_embeddings: np.ndarray
    text_embeddings: np.ndarray
    statistics: EmbeddingStatistics
    evaluator: str

    def __len__(self) -> int:
        return len(self.rows)

    def forget(self, concept: Concept) -> np.ndarray:
        """bool (N,): the motions of which a caption matches a concept, built in or not."""
        known = builtin_concepts().get(concept.name) == concept
        return np.array(
            [
                concept.name in row.concepts
                if known
                else any(concept.matches(text) for text in row.captions)
                for row in self.rows
            ]
        )

    def select(self, keep: np.ndarray) -> "Reference":
        """The rows where `keep` (N,) is true, with statistics of their own; at least 2."""
        rows = tuple(row for row, kept in zip(self.rows, keep, strict=True) if kept)
        motions = self.motion_embeddings[keep]
        statistics = EmbeddingStatistics.of(motions)
        return Reference(rows, motions, self.text_embeddings[keep], statistics, self.evaluator)


@dataclass(frozen=True, eq=False)
class RealMotion:
    """A held-out sample with the clip that it was drawn from and its wordings."""

    clip: PreparedClip
    sample: Sample
    captions: tuple[str, ...]


def collect_reference(clips: Sequence[PreparedClip], seed: int) -> list[RealMotion]:
    """One motion of each labelled segment of the validation and test split, kinds balanced."""
    rng = np.random.default_rng((seed, 2))
    found = [
        replace(clip, segments=(segment,))
        for clip in clips
        if clip.split in HELD_OUT
        for segment in clip.segments
        if segment.end - segment.start >= MIN_FRAMES
    ]
    taken: Counter[str] = Counter()
    motions = []
    for index in rng.permutation(len(found)):
        clip = found[index]
        kind = clip.segments[0].action.kind
        if taken[kind] == _MOST_PER_KIND:
            continue
        taken[kind] += 1
        sample = SamplePool([clip], clip.split).draw(rng)
        wordings = dict.fromkeys(sample.caption(rng) for _ in range(_WORDINGS))
        motions.append(RealMotion(clip, sample, tuple(wordings)))
    return motions


def save_reference(motions: Sequence[RealMotion], evaluator: Evaluator, folder: Path) -> Reference:
    """Embed real motions and write them; returns them as they will be loaded."""
    concepts = builtin_concepts().values()
    rows = [
        ReferenceRow(
            motion.clip.id,
            motion.clip.source,
            motion.clip.split,
            tuple(action.kind for action in motion.sample.actions),
            len(motion.sample.features),
            motion.captions,
            tuple(c.name for c in concepts if any(map(c.matches, motion.captions))),
        )
        for motion in motions
    ]
    embedded = evaluator.embed_motions([motion.sample.features for motion in motions])
    statistics = EmbeddingStatistics.of(embedded)
    tensors = {
        "motion_embeddings": embedded.astype(np.float16),
        "text_embeddings": evaluator.embed_texts([row.captions[0] for row in rows]).astype(
            np.float16
        ),
        "mean": statistics.mean,
        "covariance": statistics.covariance,
    }
    folder.mkdir(parents=True, exist_ok=True)
    with written_whole(folder / ROWS) as file:
        file.write(save(tensors, {"evaluator": evaluator.fingerprint}))
    with written_whole(folder / LABELS) as file:
        file.write(msgspec.json.encode(_Labels(evaluator.fingerprint, rows)))
    return load_reference(folder)


class _Labels(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    evaluator: str
    rows: list[ReferenceRow]


def load_reference(folder: Path = EVALUATOR) -> Reference:
    """Read reference motions; the shipped ones by default.

    Raises:
        PlacidError: `damaged_reference` when the files are missing, damaged or not of one size.
    """
    try:
        check_safetensors(folder / ROWS, MAX_RUN_BYTES)
        tensors = load((folder / ROWS).read_bytes())
        labels = decode_json(read_bytes(folder / LABELS, MAX_RUN_BYTES), _Labels, MAX_RUN_ENTRIES)
        motions, texts = (
            tensors[f"{name}_embeddings"].astype(np.float32) for name in ("motion", "text")
        )
        if len({len(motions), len(texts), len(labels.rows)}) != 1:
            raise DecodeError("differs in size from the others")
        statistics = EmbeddingStatistics(tensors["mean"], tensors["covariance"])
    except (DecodeError, *UNDECODABLE, SafetensorError) as error:
        raise PlacidError(
            "damaged_reference",
            f"the reference motions in {folder} cannot be read (a file {explain(error)}); install "
            "Placid again or make them with `backend train evaluator`",
        ) from error
    return Reference(tuple(labels.rows), motions, texts, statistics, labels.evaluator)


def retrieval_scores(reference: Reference) -> dict[str, float]:
    """How well the evaluator finds real motions by their captions; no batch plays a part.

    R-precision among 32 per split and over both, as the expectation over random pools, without
    motions of the very same actions beside each other.
    """
    scores = {}
    splits = np.array([row.split for row in reference.rows])
    for name, part in {
        "held-out": reference,
        **{s: reference.select(splits == s) for s in HELD_OUT if (splits == s).sum() > 1},
    }.items():
        kinds = [" ".join(row.kinds) for row in part.rows]
        for top in (1, 2, 3):
            hits = chances(part.text_embeddings, part.motion_embeddings, kinds, top)
            scores[f"{name} r_precision_{top}"] = Measured.mean_of(hits).value
    return scores
