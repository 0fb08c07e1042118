"""The embedded model's sentence encoder, in numpy."""

from typing import Final

import numpy as np

from backend.engines.numpy_engine.bert import NumpyBert
from backend.engines.protocol import Array
from backend.text.encoding import MINILM, CachingEncoder
from backend.text.sentence_file import read_sentence_encoder
from backend.text.wordpiece import WordPiece

HEADS: Final = 12
_MOST_TOKENS: Final = 512


class SentenceEncoder(CachingEncoder):
    """all-MiniLM-L6-v2 (Wang et al. 2020; Reimers and Gurevych 2019), mean-pooled, 384-d.

    Nothing is downloaded; see `backend.text.sentence_file`. Vectors are scaled to length 10, the
    length that CLIP's features have, so that the networks' and the edits' published defaults keep
    their meaning.

    Raises:
        PlacidError: `encoder_missing`.
    """

    name = MINILM
    width = 384
    length = 10.0

    def __init__(self) -> None:
        super().__init__()
        self._parts: tuple[NumpyBert, WordPiece] | None = None
        self._loaded()

    def unload(self) -> None:
        """Free the 65 MB of the weights as well."""
        super().unload()
        self._parts = None

    def _loaded(self) -> tuple[NumpyBert, WordPiece]:
        """The network and its tokenizer, read now if they are not in memory."""
        if self._parts is None:
            tensors, vocabulary = read_sentence_encoder()
            self._parts = NumpyBert(tensors, HEADS), WordPiece(vocabulary)
        return self._parts

    def _ids(self, prompt: str) -> list[int]:
        return self._loaded()[1].encode(prompt, _MOST_TOKENS)

    def _vectors(self, ids: Array) -> Array:
        means = self._loaded()[0](ids).mean(axis=1)
        lengths = np.linalg.norm(means, axis=1, keepdims=True)
        return (means / lengths * np.float32(self.length)).astype(np.float32)
