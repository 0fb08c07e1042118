"""The sentence bank: captions with their text vectors, for matrix edits to learn what to keep.

A matrix edit leaves alone only what lies near the prompts that it was told to keep, so it needs
hundreds of them. Encoding so many takes longer than everything else together; the bank brings
their vectors along, and a concept that a user has just typed can be forgotten at once.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final, Self

import msgspec
import numpy as np

from backend.assets import ASSETS
from backend.text.encoding import TextEncoder
from backend.unlearning.errors import UnlearningError
from backend.unlearning.storage import read_arrays, write_arrays
from backend.unlearning.text_embeddings import Encode

BANK: Final = ASSETS / "sentences.safetensors"


class _Header(msgspec.Struct, forbid_unknown_fields=True):
    encoder: str
    texts: list[str]


@dataclass(frozen=True)
class SentenceBank:
    """Captions of motion samples.

    Attributes:
        encoder: name of the text encoder that made the vectors.
        texts: M distinct captions.
        vectors: float16 (M, text_dim).
        samples: int64 (S, C), the rows of the captions of each sample.
    """

    encoder: str
    texts: list[str]
    vectors: np.ndarray
    samples: np.ndarray

    def save(self, path: Path) -> None:
        """Write the bank as safetensors; whole or not at all."""
        arrays = {"vectors": self.vectors, "samples": self.samples}
        write_arrays(path, "sentences", _Header(self.encoder, self.texts), arrays)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a bank. Raises UnlearningError when it is absent or damaged."""
        header, arrays = read_arrays(path, "sentences", _Header)
        vectors, samples = arrays.get("vectors"), arrays.get("samples")
        if vectors is None or samples is None or len(vectors) != len(header.texts):
            raise UnlearningError(f"{path} is damaged: install Placid again")
        return cls(header.encoder, header.texts, vectors, samples)

    def divide(self, matches: Callable[[str], bool]) -> tuple[list[str], list[str]]:
        """Captions of forget samples and of all others.

        A sample of which one caption matches is a forget sample with all its captions, as in the
        published split: the other captions say the same in other words.
        """
        matched = np.array([matches(text) for text in self.texts])
        is_forget = matched[self.samples].any(axis=1)
        forget = set(self.samples[is_forget].flatten().tolist())
        retain = set(self.samples[~is_forget].flatten().tolist()) - forget
        return [self.texts[i] for i in sorted(forget)], [self.texts[i] for i in sorted(retain)]

    def encode_with(self, encoder: TextEncoder) -> Encode:
        """`encoder.encode`, with the bank's vectors for the texts that it holds."""
        if encoder.name != self.encoder:
            return encoder.encode
        rows = {text: row for row, text in enumerate(self.texts)}

        def encode(texts: list[str]) -> np.ndarray:
            unknown = [text for text in texts if text not in rows]
            vectors = np.empty((len(texts), self.vectors.shape[1]), np.float32)
            known = np.array([text in rows for text in texts], bool)
            vectors[known] = self.vectors[[rows[text] for text in texts if text in rows]]
            vectors[~known] = encoder.encode(unknown)
            return vectors

        return encode


def choose_sentences(
    encoder: str, texts: list[str], vectors: np.ndarray, captions: np.ndarray, count: int
) -> SentenceBank:
    """A bank of `count` samples taken evenly.

    Args:
        encoder: name of the text encoder.
        texts: M captions.
        vectors: (M, text_dim).
        captions: (N, C), rows of `texts` for each sample.
    """
    chosen = captions[np.linspace(0, len(captions) - 1, min(count, len(captions))).astype(int)]
    rows, samples = np.unique(chosen, return_inverse=True)
    return SentenceBank(
        encoder,
        [texts[row] for row in rows],
        vectors[rows].astype(np.float16),
        samples.reshape(chosen.shape).astype(np.int64),
    )


@cache
def shipped_bank() -> SentenceBank:
    """The bank that comes with Placid."""
    return SentenceBank.load(BANK)
