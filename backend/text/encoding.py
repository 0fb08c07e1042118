"""What every text encoder has in common: prompts in, vectors out, each encoded once."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Final, Protocol

import numpy as np

from backend.engines.protocol import Array

MINILM: Final = "all-MiniLM-L6-v2"
CLIP: Final = "CLIP ViT-B/32"
_BATCH: Final = 64


class TextEncoder(Protocol):
    """Turns prompts into vectors of a fixed width."""

    name: str
    width: int

    def encode(self, prompts: Sequence[str]) -> Array:
        """Vectors float32 (n, width) for n prompts; n may be 0."""

    def unload(self) -> None:
        """Free what memory can be freed; the next prompt that is not remembered reads it again."""


class CachingEncoder(ABC):
    """Encodes a prompt once and then remembers it.

    A prompt's vector does not depend on the prompts beside it: prompts of equal token count are
    encoded together, so that none is padded.
    """

    width: int

    def __init__(self) -> None:
        self._cache: dict[str, Array] = {}

    def encode(self, prompts: Sequence[str]) -> Array:
        """Vectors float32 (n, width); what is too long for the encoder is cut."""
        missing = [text for text in dict.fromkeys(prompts) if text not in self._cache]
        by_length: dict[int, list[tuple[str, list[int]]]] = {}
        for text in missing:
            ids = self._ids(text)
            by_length.setdefault(len(ids), []).append((text, ids))
        for group in by_length.values():
            for start in range(0, len(group), _BATCH):
                part = group[start : start + _BATCH]
                vectors = self._vectors(np.array([ids for _, ids in part]))
                self._cache.update(zip((text for text, _ in part), vectors, strict=True))
        if not prompts:
            return np.zeros((0, self.width), np.float32)
        return np.stack([self._cache[text] for text in prompts])

    def unload(self) -> None:
        """Forget the prompts that were encoded; see `TextEncoder`."""
        self._cache.clear()

    @abstractmethod
    def _ids(self, prompt: str) -> list[int]:
        """The tokens of a prompt."""

    @abstractmethod
    def _vectors(self, ids: Array) -> Array:
        """Vectors (n, width) of tokens (n, k)."""
