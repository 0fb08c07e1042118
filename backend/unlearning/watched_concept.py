"""What the token guard needs to watch for a concept, gathered for one model of a checkpoint."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from backend.checkpoints.loading import Checkpoint
from backend.engines.protocol import Array
from backend.text.encoding import TextEncoder
from backend.unlearning.caption_bank import shipped_bank
from backend.unlearning.concept import Concept
from backend.unlearning.errors import UnlearningError
from backend.unlearning.fit import TARGET_PROMPT, find_statistics, with_sentences
from backend.unlearning.guard_limits import GuardLimits
from backend.unlearning.statistics import CodeStatistics, codebook_hash
from backend.unlearning.token_scores import TextMargin, code_scores
from shared.safety_choice import TOKEN_GUARD

# Which counts the scores come from, the best first: of real motions, of the model's own, of motions
# with the tokens of their padding.
COUNTS: Final = ("motions", "generated", "padded")
# In place of the target sentence where that asks for the concept itself.
_STILL: Final = "a person stands still"


@dataclass(frozen=True, eq=False)
class WatchedConcept:
    """What the guard knows of one concept.

    Attributes:
        scores: float64 (V,), of the base codes.
        margin: of prompts.
        limits: where the lines are.
        target: (text_dim), the vector of the sentence that takes a prompt's place.
        target_prompt: the sentence.
    """

    name: str
    scores: np.ndarray
    margin: TextMargin
    limits: GuardLimits
    target: Array
    target_prompt: str

    def limit(self, margin: float) -> float:
        """What a motion's score may be, by the margin of its prompt."""
        return self.limits.asked if self.asks(margin) else self.limits.drawn

    def asks(self, margin: float) -> bool:
        """Whether a prompt of this margin asks for the concept."""
        return margin > self.limits.margin


def watch(
    encoder: TextEncoder,
    concept: Concept,
    limits: GuardLimits,
    statistics: Sequence[Path],
) -> WatchedConcept:
    """A concept with limits that were found for it.

    Args:
        statistics: folders with code statistics.

    Raises UnlearningError when the counts that the limits belong to are gone or others.
    """
    counted = find_statistics(concept, limits.counts, statistics)
    if counted.codebook_hash != limits.codebook:
        raise UnlearningError(
            f"the statistics of {concept.name!r} were counted with other codebooks than those that "
            f"the token guard's limits belong to: find the limits again with `backend unlearn "
            f"{TOKEN_GUARD} --replace`"
        )
    target = target_prompt(concept)
    return WatchedConcept(
        concept.name,
        code_scores(counted),
        text_margin(encoder, concept),
        limits,
        encoder.encode([target])[0],
        target,
    )


def usable_statistics(
    checkpoint: Checkpoint, concept: Concept, folders: Sequence[Path]
) -> tuple[str, CodeStatistics] | None:
    """The best counts of a concept with this checkpoint's codebooks, and their kind; None without.

    The checkpoint has no edit in force.

    Raises UnlearningError for a file that is damaged.
    """
    for counts in COUNTS:
        if any((folder / f"{concept.name}-{counts}.safetensors").exists() for folder in folders):
            found = find_statistics(concept, counts, folders)
            if found.codebook_hash == codebook_hash(checkpoint.networks):
                return counts, found
    return None


def target_prompt(concept: Concept) -> str:
    """The sentence that takes the place of a prompt that asks for the concept."""
    target = concept.target_prompt or TARGET_PROMPT
    return _STILL if concept.matches(target) else target


def text_margin(encoder: TextEncoder, concept: Concept) -> TextMargin:
    """The margin by the captions and prompts that UCE learns from as well."""
    sentences = with_sentences(concept)
    encode = shipped_bank().encode_with(encoder)
    forget = encode(list(sentences.forget_prompts))
    return TextMargin.of(forget, encode(list(sentences.retain_prompts)))
