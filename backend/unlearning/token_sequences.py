"""Tokens of whole motions of a concept and of others: for edits that read codes in their order.

Counts of single codes do not say which follow on which. A few hundred sequences that the model
itself writes do, in some hundred kilobytes, and without any data.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

import msgspec
import numpy as np

from backend.unlearning.errors import UnlearningError
from backend.unlearning.statistics import CodeStatistics, codebook_hash
from backend.unlearning.storage import read_arrays, write_arrays
from backend.unlearning.weights import EditableNetworks

SEQUENCES_VERSION: Final = 1
COUNTS: Final = "sequences"


class _Header(msgspec.Struct, forbid_unknown_fields=True):
    version: int
    concept: str
    keywords: tuple[str, ...]
    source: str
    codebook_hash: str


@dataclass(frozen=True, eq=False)
class TokenSequences:
    """Tokens of motions of either kind.

    Attributes:
        concept: the name of the concept that makes a motion a forget motion.
        forget: int16 (F, n, Q).
        retain: int16 (R, n, Q).
        source: where the tokens came from, in words.
        codebook_hash: of the network whose codes they are.
        keywords: the concept's.
    """

    concept: str
    forget: np.ndarray
    retain: np.ndarray
    source: str
    codebook_hash: str
    keywords: tuple[str, ...] = ()

    @property
    def forget_samples(self) -> int:
        """F."""
        return len(self.forget)

    @property
    def retain_samples(self) -> int:
        """R."""
        return len(self.retain)

    def save(self, path: Path) -> None:
        """Write them as safetensors; whole or not at all."""
        header = _Header(
            SEQUENCES_VERSION, self.concept, self.keywords, self.source, self.codebook_hash
        )
        write_arrays(path, COUNTS, header, {"forget": self.forget, "retain": self.retain})

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read them. Raises UnlearningError when they are damaged or of another version."""
        header, arrays = read_arrays(path, COUNTS, _Header)
        kinds = arrays.get("forget"), arrays.get("retain")
        if header.version != SEQUENCES_VERSION or not all(
            ids is not None and ids.dtype == np.int16 and ids.ndim == 3 and ids.size
            for ids in kinds
        ):
            raise UnlearningError(f"{path} is damaged or of another version: make it again")
        return cls(
            header.concept,
            arrays["forget"],
            arrays["retain"],
            header.source,
            header.codebook_hash,
            header.keywords,
        )

    def check(self, networks: EditableNetworks) -> None:
        """Raise UnlearningError unless the tokens index these networks' codebooks."""
        if self.codebook_hash != codebook_hash(networks):
            raise UnlearningError(
                f"the sequences were written with codebooks {self.codebook_hash}, this model has "
                f"{codebook_hash(networks)}: make them again with this model"
            )


@dataclass(frozen=True, eq=False)
class CountedSequences:
    """Sequences, and the counts that say which of their codes mark the concept."""

    sequences: TokenSequences
    counts: CodeStatistics
