"""Counting codes for LCR in data: of a run's motions, or with their padding."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from tqdm import tqdm

from backend.checkpoints.loading import Checkpoint
from backend.datasets.preparation import load_prepared
from backend.datasets.samples import Sample
from backend.generation.codebooks import Codebooks
from backend.generation.own_motions import count_captioned, evenly
from backend.motion.lengths import MAX_TOKENS
from backend.training.runs import codebook_of
from backend.training.tokens import TokenSet, distinct, draw_captions, draw_samples
from backend.unlearning.concept import Concept
from backend.unlearning.errors import UnlearningError
from backend.unlearning.statistics import CodeStatistics, codebook_hash

_BATCH: Final = 16
# More real motions than these move a quantile by nothing.
_MOST_SAFE: Final = 4000


@dataclass(frozen=True)
class CaptionedTokens:
    """Token ids of motions with captions.

    Attributes:
        ids: int64 (N, n, Q).
        lengths: int64 (N,), tokens of motion; None when those of the padding count as well.
        texts: M captions.
        captions: (N, C), rows of `texts`.
        source: where they come from, in words.
        codebook: `codebook_hash` of the RVQ-VAE that made the ids; "" when unknown.
    """

    ids: np.ndarray
    lengths: np.ndarray | None
    texts: Sequence[str]
    captions: np.ndarray
    source: str
    codebook: str

    def count(self, concept: Concept, checkpoint: Checkpoint) -> CodeStatistics:
        """In how many forget and retain samples each code occurs.

        Raises UnlearningError when all or none of the samples belong to the concept, or another
        model made the tokens.
        """
        self._check(checkpoint)
        codes = checkpoint.networks["rvq"].config.codes
        return count_captioned(
            concept, self.ids, self._of(concept), self.lengths, codes, self.source, self.codebook
        )

    def without(self, concept: Concept, checkpoint: Checkpoint) -> list[np.ndarray]:
        """Base tokens (n) of motions that do not belong to the concept, taken evenly.

        Raises UnlearningError when another model made the tokens.
        """
        self._check(checkpoint)
        assert self.lengths is not None, "tokens of padding say nothing about motions"
        kept = evenly(np.flatnonzero(~self._of(concept)).tolist(), _MOST_SAFE)
        return [self.ids[row, : self.lengths[row], 0] for row in kept]

    def _of(self, concept: Concept) -> np.ndarray:
        """bool (N,): the samples of which a caption belongs to the concept."""
        matched = np.array([concept.matches(text) for text in self.texts], dtype=bool)
        return matched[self.captions].any(axis=1)

    def _check(self, checkpoint: Checkpoint) -> None:
        own = codebook_hash({"rvq": checkpoint.networks["rvq"]})
        if self.codebook != own:
            raise UnlearningError(
                f"the tokens of {self.source} were made with codebooks "
                f"{self.codebook or 'that nobody noted'}, this model has {own}: make the tokens "
                "with this model's RVQ-VAE, or count generated motions"
            )


def tokens_of_run(run: Path) -> CaptionedTokens:
    """The training tokens of a run, which hold no padding.

    Raises UnlearningError when the run has none.
    """
    try:
        tokens = TokenSet.load(run, "train")
    except FileNotFoundError:
        raise UnlearningError(
            f"{run} has no tokens; make them with `backend train tokens`"
        ) from None
    ids = tokens.ids.astype(np.int64)
    source = f"{len(tokens)} training samples"
    codebook = codebook_of(run, tokens)
    return CaptionedTokens(ids, tokens.lengths, tokens.texts, tokens.captions, source, codebook)


def padded_tokens(
    prepared: Path, checkpoint: Checkpoint, samples: int, seed: int = 0
) -> CaptionedTokens:
    """Tokens of training samples whose features are padded with zeros to 196 frames, as published.

    Args:
        prepared: what `backend prepare mocap` wrote.
        samples: how many are drawn; the first ones that `backend train tokens` draws.
    """
    numbers = range(samples)
    drawn = draw_samples(load_prepared(prepared), "train", numbers, seed)
    captions, texts = distinct(draw_captions(drawn, numbers, seed))
    ids = np.concatenate(list(_padded_ids(drawn, checkpoint)))
    source = f"{samples} training samples, padded to {MAX_TOKENS} tokens"
    codebook = codebook_hash(checkpoint.networks)
    return CaptionedTokens(ids, None, texts, captions, source, codebook)


def _padded_ids(samples: Sequence[Sample], checkpoint: Checkpoint) -> Iterator[np.ndarray]:
    """Ids (b, 49, Q) of batches of samples; zeros are appended to the normalised features."""
    network = checkpoint.networks["rvq"]
    for start in tqdm(range(0, len(samples), _BATCH), desc="tokens", unit="batch"):
        part = samples[start : start + _BATCH]
        rows = np.zeros((len(part), MAX_TOKENS * 4, len(checkpoint.mean)), dtype=np.float32)
        for row, sample in zip(rows, part, strict=True):
            row[: len(sample.features)] = (sample.features - checkpoint.mean) / checkpoint.std
        yield Codebooks.of(network).encode(network.encode(rows))
