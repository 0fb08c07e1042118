"""The real motions of a data set: read and hashed at every start, embedded once for a run."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save
from tqdm import tqdm

from backend.datasets.layouts import Layout
from backend.datasets.problems import BrokenFileError, Problem, ProblemTable
from backend.datasets.text_motions import Entry, TextMotion, text_motions
from backend.evaluation.evaluators import Evaluator
from backend.evaluation.evaluators.reference import ReferenceRow
from backend.motion.lengths import FRAMES_PER_TOKEN, MAX_FRAMES
from shared.errors import PlacidError
from shared.files import written_whole

SPLIT: Final = "test"
_BATCH: Final = 64
_EMBEDDINGS: Final = "embeddings"


@dataclass(frozen=True, eq=False)
class RealMotions:
    """N motions of a data set; their features stay on disk, so that they need not fit into memory.

    Attributes:
        layout: of the data set.
        entries: those of which every file can be read.
        rows: what each motion is.
        ids: of the entry that each motion is from.
        sha256: of all names, features and captions.
    """

    layout: Layout
    entries: tuple[Entry, ...]
    rows: tuple[ReferenceRow, ...]
    ids: tuple[str, ...]
    sha256: str

    def embed(self, evaluator: Evaluator, path: Path) -> np.ndarray:
        """Embeddings float32 (N, width): those in a file, if it has those of these very motions.

        Otherwise they are made, and the file is written.

        Raises:
            PlacidError: `changed_data` when the motions are no longer those that were hashed.
            OSError: the file cannot be written.
        """
        depends_on = {
            "motions": self.sha256,
            "evaluator": evaluator.fingerprint,
            "torch": str(torch.__version__),
        }
        embedded = _kept(path, depends_on)
        if embedded is None:
            embedded = self._embedded(evaluator)
            with written_whole(path) as file:
                file.write(save({_EMBEDDINGS: embedded}, depends_on))
        return embedded

    def _embedded(self, evaluator: Evaluator) -> np.ndarray:
        digest = hashlib.sha256()
        batch, parts = list[np.ndarray](), list[np.ndarray]()
        bar = tqdm(self.entries, unit="entry", desc="embedding real motions", disable=None)
        for number, entry in enumerate(bar, 1):
            try:
                samples = _samples(entry, self.layout)
            except BrokenFileError as error:
                raise _changed(entry.motion) from error
            digest.update(_content(entry, samples))
            batch += [sample.features for sample in samples]
            if len(batch) >= _BATCH or number == len(self.entries):
                parts.append(evaluator.embed_motions(batch))
                batch = []
        if digest.hexdigest() != self.sha256:
            raise _changed(self.entries[0].motion.parent)
        return np.concatenate(parts)


def read_motions(entries: Sequence[Entry], layout: Layout, problems: ProblemTable) -> RealMotions:
    """Read and hash the motions of some entries; what is broken is left out.

    Raises:
        PlacidError: `broken_data` where the table is strict.
    """
    digest, sound = hashlib.sha256(), list[Entry]()
    rows, ids = list[ReferenceRow](), list[str]()
    for entry in tqdm(entries, unit="entry", desc="reading real motions", disable=None):
        try:
            samples = _samples(entry, layout)
        except BrokenFileError as error:
            problems.add(Problem(entry.id, entry.motion, str(error)))
            continue
        digest.update(_content(entry, samples))
        sound.append(entry)
        rows += [_row(sample, layout) for sample in samples]
        ids += [entry.id] * len(samples)
    return RealMotions(layout, tuple(sound), tuple(rows), tuple(ids), digest.hexdigest())


def _samples(entry: Entry, layout: Layout) -> list[TextMotion]:
    """The motions of an entry, cut to t frames, t a multiple of 4 and at most 196."""
    samples = []
    for sample in text_motions(entry, layout):
        # The networks make whole tokens, and so are real motions cut.
        frames = len(sample.features) // FRAMES_PER_TOKEN * FRAMES_PER_TOKEN
        features = sample.features[: min(frames, MAX_FRAMES)]
        samples.append(TextMotion(sample.name, features, sample.captions))
    return samples


def _content(entry: Entry, samples: Sequence[TextMotion]) -> bytes:
    """Everything of an entry's motions that figures can depend on."""
    lines = "\n".join(caption.line for caption in entry.captions).encode()
    return b"".join(s.name.encode() + s.features.tobytes() + lines for s in samples)


def _row(sample: TextMotion, layout: Layout) -> ReferenceRow:
    # What the evaluator can read comes first, for the first caption is the prompt.
    captions = sorted(sample.captions, key=lambda caption: not caption.tokens)
    texts = tuple(caption.text for caption in captions)
    frames = len(sample.features)
    return ReferenceRow(sample.name, layout.name, SPLIT, (), frames, texts, ())


def _kept(path: Path, depends_on: dict[str, str]) -> np.ndarray | None:
    """The embeddings in a file; None if it is absent, damaged, or has those of something else."""
    try:
        with safe_open(path, framework="np") as file:
            return file.get_tensor(_EMBEDDINGS) if file.metadata() == depends_on else None
    except (OSError, SafetensorError):
        return None


def _changed(place: Path) -> PlacidError:
    return PlacidError(
        "changed_data",
        f"{place} changed while it was read; run the same command again when nothing writes to it",
    )
