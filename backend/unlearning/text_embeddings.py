"""The prompt embeddings that UCE and RECE edit with."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from backend.unlearning.concept import Concept
from backend.unlearning.errors import UnlearningError

Encode = Callable[[list[str]], np.ndarray]


@dataclass(frozen=True)
class TextEmbeddings:
    """Embeddings of what to forget, what to say instead, and what to keep.

    Attributes:
        forget: (n, text_dim).
        target: (n, text_dim), one per forget embedding.
        retain: (m, text_dim); m may be 0.
        texts: the prompts behind them, for the edit's provenance.
    """

    forget: np.ndarray
    target: np.ndarray
    retain: np.ndarray
    texts: dict[str, list[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        widths = {rows.shape[-1] for rows in (self.forget, self.target, self.retain)}
        if len(widths) > 1 or self.forget.shape != self.target.shape or not len(self.forget):
            raise UnlearningError(
                f"forget {self.forget.shape}, target {self.target.shape} and retain "
                f"{self.retain.shape} embeddings do not fit together: give at least one "
                "forget embedding, one target for each, all of one width"
            )

    @property
    def text_dim(self) -> int:
        """Width of the embeddings."""
        return self.forget.shape[1]


def embed_concept(
    concept: Concept,
    encode: Encode,
    wording: Literal["keywords", "prompts"] = "keywords",
    target_prompt: str | None = None,
    retain_prompts: Sequence[str] | None = None,
) -> TextEmbeddings:
    """Encode a concept's texts.

    Args:
        concept: what to forget.
        encode: a list of n texts -> (n, text_dim).
        wording: "keywords" forgets the bare keywords, as published; "prompts" also the concept's
            forget prompts. A sentence encoder puts a bare verb far from the sentences that users
            write, so whole sentences reach further with the embedded model.
        target_prompt: instead of the concept's own. The empty prompt, as published, is one that a
            model may never have been trained on; a plain safe sentence is one that it knows.
        retain_prompts: instead of the concept's own.
    """
    target = concept.target_prompt if target_prompt is None else target_prompt
    forget = list(concept.keywords)
    if wording == "prompts":
        forget += concept.forget_prompts
    retain = list(concept.retain_prompts if retain_prompts is None else retain_prompts)
    embedded = encode([*forget, target, *retain])
    count = len(forget)
    return TextEmbeddings(
        embedded[:count],
        np.repeat(embedded[count : count + 1], count, axis=0),
        embedded[count + 1 :],
        {"forget": forget, "target": [target], "retain": retain},
    )
