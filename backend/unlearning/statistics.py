"""How often each code occurs in motions of a concept and in all others: all that LCR needs.

A statistics file is a few kilobytes, so LCR can be fitted again with another number of codes in
milliseconds and without any data. The counts come from encoded motions or, data-free, from the
model's own generations: both are token ids.
"""

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

import msgspec
import numpy as np

from backend.engines.protocol import codebook_key
from backend.unlearning.errors import UnlearningError
from backend.unlearning.storage import read_arrays, write_arrays
from backend.unlearning.weights import EditableNetworks, array_hash

STATISTICS_VERSION: Final = 1


@dataclass(frozen=True)
class CodeStatistics:
    """In how many samples each code occurs at least once.

    Attributes:
        concept: the name of the concept that makes a sample a forget sample.
        forget, retain: int64 (Q, V), samples of either kind that contain code v in layer q.
        forget_samples, retain_samples: how many samples of either kind were counted.
        count_padding: whether tokens past a motion's end were counted (as published) or not.
        source: where the tokens came from, in words ("cmu train, 20 crops", "generated", ...).
        codebook_hash: `codebook_hash` of the network that made the tokens; "" when unknown.
        keywords: those that found the forget samples; () when they were not noted.
    """

    concept: str
    forget: np.ndarray
    retain: np.ndarray
    forget_samples: int
    retain_samples: int
    count_padding: bool
    source: str = ""
    codebook_hash: str = ""
    keywords: tuple[str, ...] = ()

    def save(self, path: Path) -> None:
        """Write the counts as safetensors; whole or not at all."""
        header = _StatisticsHeader(
            STATISTICS_VERSION,
            self.concept,
            self.forget_samples,
            self.retain_samples,
            self.count_padding,
            self.source,
            self.codebook_hash,
            self.keywords,
        )
        arrays = {"forget": self.forget, "retain": self.retain}
        write_arrays(path, "statistics", header, arrays)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read counts. Raises UnlearningError when they are damaged or of another version."""
        header, arrays = read_arrays(path, "statistics", _StatisticsHeader)
        forget, retain = arrays.get("forget"), arrays.get("retain")
        if header.version != STATISTICS_VERSION:
            raise UnlearningError(
                f"{path} holds statistics of format version {header.version}, this Placid reads "
                f"version {STATISTICS_VERSION}: count again or update Placid"
            )
        if (
            forget is None
            or retain is None
            or forget.ndim != 2
            or not forget.size
            or forget.shape != retain.shape
            or {forget.dtype, retain.dtype} != {np.dtype(np.int64)}
            or min(int(forget.min()), int(retain.min())) < 0
        ):
            raise UnlearningError(f"{path} is damaged: count the codes again")
        return cls(
            header.concept,
            forget,
            retain,
            header.forget_samples,
            header.retain_samples,
            header.count_padding,
            header.source,
            header.codebook_hash,
            header.keywords,
        )


def count_codes(
    concept: str,
    ids: np.ndarray,
    is_forget: np.ndarray,
    codebook_size: int,
    lengths: np.ndarray | None = None,
    source: str = "",
    codebook_hash: str = "",
    keywords: tuple[str, ...] = (),
) -> CodeStatistics:
    """Count, per layer, the samples in which each code occurs at least once.

    Args:
        concept: name of the concept.
        ids: int64 (b, n, Q); negative ids (padding of generated motions) never count.
        is_forget: bool (b,).
        codebook_size: V.
        lengths: int64 (b,), valid tokens per sample. None counts all n tokens, also those that
            encode the zero padding behind a motion, as the published code does.
        source, codebook_hash, keywords: see `CodeStatistics`.

    Raises UnlearningError for ids outside the codebook.
    """
    samples, tokens, layers = ids.shape
    if ids.size and int(ids.max()) >= codebook_size:
        raise UnlearningError(
            f"token id {int(ids.max())} is outside the codebook of {codebook_size} codes: "
            "count with the tokeniser the ids came from"
        )
    counted = ids >= 0
    if lengths is not None:
        counted &= (np.arange(tokens) < lengths[:, None])[:, :, None]
    # One spare column takes every token that does not count.
    occurs = np.zeros((samples, layers, codebook_size + 1), bool)
    columns = np.where(counted, ids, codebook_size).swapaxes(1, 2)
    np.put_along_axis(occurs, columns, True, axis=2)
    occurs = occurs[:, :, :codebook_size]
    forget = int(is_forget.sum())
    return CodeStatistics(
        concept,
        occurs[is_forget].sum(0),
        occurs[~is_forget].sum(0),
        forget,
        samples - forget,
        lengths is None,
        source,
        codebook_hash,
        keywords,
    )


def codebooks_of(networks: EditableNetworks) -> list[np.ndarray]:
    """The codebooks float32 (V, C) of the residual quantiser as they are, base layer first."""
    if "rvq" not in networks:
        raise UnlearningError("LCR edits the motion tokeniser: give the network 'rvq'")
    codebooks: list[np.ndarray] = []
    with contextlib.suppress(KeyError):
        while True:
            codebooks.append(networks["rvq"].read(codebook_key(len(codebooks))))
    if not codebooks:
        raise UnlearningError(f"the network 'rvq' has no {codebook_key(0)}: give an RVQ-VAE")
    return codebooks


def codebook_hash(networks: EditableNetworks) -> str:
    """Hash of all codebooks together; token ids mean nothing without the codebooks they index."""
    books = enumerate(codebooks_of(networks))
    return array_hash({codebook_key(layer): book for layer, book in books})


class _StatisticsHeader(msgspec.Struct, forbid_unknown_fields=True):
    version: int
    concept: str
    forget_samples: int
    retain_samples: int
    count_padding: bool
    source: str
    codebook_hash: str
    keywords: tuple[str, ...] = ()
