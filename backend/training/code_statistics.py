"""Counting codes for LCR: of a run's motions, with their padding, or of the model's own motions."""

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
from backend.generation.generator import Generator
from backend.motion.lengths import MAX_TOKENS
from backend.training.runs import codebook_of
from backend.training.tokens import TokenSet, distinct, draw_captions, draw_samples
from backend.unlearning.concept import Concept
from backend.unlearning.errors import UnlearningError
from backend.unlearning.fit import with_sentences
from backend.unlearning.statistics import CodeStatistics, codebook_hash, count_codes

_BATCH: Final = 16
# Motions of 4 s: long enough for two strikes, short enough for many motions.
_GENERATED_TOKENS: Final = 20


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
        own = codebook_hash({"rvq": checkpoint.networks["rvq"]})
        if self.codebook != own:
            raise UnlearningError(
                f"the tokens of {self.source} were made with codebooks "
                f"{self.codebook or 'that nobody noted'}, this model has {own}: make the tokens "
                "with this model's RVQ-VAE, or count generated motions"
            )
        matched = np.array([concept.matches(text) for text in self.texts], dtype=bool)
        is_forget = matched[self.captions].any(axis=1)
        return _count(concept, checkpoint, self.ids, is_forget, self.lengths, self.source)


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


def count_generated(
    generator: Generator, concept: Concept, model: str, motions: int, seed: int = 0
) -> CodeStatistics:
    """Codes of the model's own motions: half for prompts of the concept, half for neutral ones.

    No data is needed: the prompts are the concept's and those of the sentence bank.
    """
    checkpoint = generator.load()
    generator.edits.revert()
    networks = checkpoint.model_networks(model)
    sentences = with_sentences(concept)
    half = max(1, motions // 2)
    prompts = [
        texts[i % len(texts)]
        for texts in (
            _evenly(sentences.forget_prompts, half),
            _evenly(sentences.retain_prompts, half),
        )
        for i in range(half)
    ]
    ids = []
    for start in tqdm(range(0, len(prompts), _BATCH), desc="generating", unit="batch"):
        part = prompts[start : start + _BATCH]
        made, _ = generator.sample_tokens(
            networks,
            model,
            generator.encoder.encode(part),
            [_GENERATED_TOKENS] * len(part),
            range(seed + start, seed + start + len(part)),
            generator.sampling(model),
        )
        ids.append(made)
    lengths = np.full(len(prompts), _GENERATED_TOKENS)
    is_forget = np.arange(len(prompts)) < half
    source = f"{len(prompts)} motions generated by {model}"
    return _count(concept, checkpoint, np.concatenate(ids), is_forget, lengths, source)


def _evenly(texts: Sequence[str], count: int) -> Sequence[str]:
    """At most `count` texts, taken evenly."""
    if len(texts) <= count:
        return texts
    return [texts[i] for i in np.linspace(0, len(texts) - 1, count).astype(int)]


def _padded_ids(samples: Sequence[Sample], checkpoint: Checkpoint) -> Iterator[np.ndarray]:
    """Ids (b, 49, Q) of batches of samples; zeros are appended to the normalised features."""
    network = checkpoint.networks["rvq"]
    for start in tqdm(range(0, len(samples), _BATCH), desc="tokens", unit="batch"):
        part = samples[start : start + _BATCH]
        rows = np.zeros((len(part), MAX_TOKENS * 4, len(checkpoint.mean)), dtype=np.float32)
        for row, sample in zip(rows, part, strict=True):
            row[: len(sample.features)] = (sample.features - checkpoint.mean) / checkpoint.std
        yield Codebooks.of(network).encode(network.encode(rows))


def _count(
    concept: Concept,
    checkpoint: Checkpoint,
    ids: np.ndarray,
    is_forget: np.ndarray,
    lengths: np.ndarray | None,
    source: str,
) -> CodeStatistics:
    if is_forget.all() or not is_forget.any():
        raise UnlearningError(
            f"{int(is_forget.sum())} of {len(is_forget)} samples belong to {concept.name!r}; LCR "
            "needs samples of both kinds: count generated motions instead, or use uce"
        )
    return count_codes(
        concept.name,
        ids,
        is_forget,
        checkpoint.networks["rvq"].config.codes,
        lengths,
        source,
        codebook_hash(checkpoint.networks),
        concept.keywords,
    )
