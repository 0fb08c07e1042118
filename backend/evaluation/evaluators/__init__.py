"""Networks that put motions and texts into one space, for the metrics to measure in."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np


class Evaluator(Protocol):
    """Embeds motions and texts; row by row, whatever stands beside a row.

    Attributes:
        name: for reports.
        width: dimensions of the embeddings.
        fingerprint: SHA-256 of what it was loaded from.
    """

    name: str
    width: int
    fingerprint: str

    def embed_motions(self, features: Sequence[np.ndarray]) -> np.ndarray:
        """Embeddings float32 (N, width) of features (T, 263), not normalised; 4 to 196 frames."""

    def embed_texts(self, captions: Sequence[str], masked: Sequence[str] = ()) -> np.ndarray:
        """Embeddings float32 (N, width) of N captions, in which some terms are masked."""
