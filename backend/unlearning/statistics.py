"""How often each code occurs in motions of a concept and in all others: all that LCR needs.

A statistics file is a few kilobytes, so LCR can be fitted again with another number of codes in
milliseconds and without any data. The counts come from encoded motions or, data-free, from the
model's own generations: both are token ids.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

import msgspec
import numpy as np
import torch
from torch import Tensor

from backend.unlearning.errors import UnlearningError
from backend.unlearning.storage import read_arrays, write_arrays
from backend.unlearning.torch_weights import Networks, to_array
from backend.unlearning.weights import array_hash

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
    forget: Tensor
    retain: Tensor
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
        arrays = {"forget": self.forget.numpy(), "retain": self.retain.numpy()}
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
            torch.from_numpy(forget),
            torch.from_numpy(retain),
            header.forget_samples,
            header.retain_samples,
            header.count_padding,
            header.source,
            header.codebook_hash,
            header.keywords,
        )


def count_codes(
    concept: str,
    ids: Tensor,
    is_forget: Tensor,
    codebook_size: int,
    lengths: Tensor | None = None,
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
    if ids.numel() and int(ids.max()) >= codebook_size:
        raise UnlearningError(
            f"token id {int(ids.max())} is outside the codebook of {codebook_size} codes: "
            "count with the tokeniser the ids came from"
        )
    counted = ids >= 0
    if lengths is not None:
        counted &= (torch.arange(tokens) < lengths[:, None])[:, :, None]
    # One spare column takes every token that does not count.
    occurs = torch.zeros(samples, layers, codebook_size + 1, dtype=torch.bool)
    columns = torch.where(counted, ids, codebook_size).transpose(1, 2)
    occurs.scatter_(2, columns, True)
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


def codebooks_of(networks: Networks) -> list[Tensor]:
    """The live codebooks (V, C) of the residual quantiser, base layer first."""
    if "rvq" not in networks:
        raise UnlearningError("LCR edits the motion tokeniser: give the network 'rvq'")
    buffers = dict(networks["rvq"].named_buffers(remove_duplicate=False))
    codebooks: list[Tensor] = []
    while (key := codebook_key(len(codebooks))) in buffers:
        codebooks.append(buffers[key])
    if not codebooks:
        raise UnlearningError(f"the network 'rvq' has no {codebook_key(0)}: give an RVQ-VAE")
    return codebooks


def codebook_key(layer: int) -> str:
    """The state-dict key of a layer's codebook."""
    return f"quantizer.layers.{layer}.codebook"


def codebook_hash(networks: Networks) -> str:
    """Hash of all codebooks together; token ids mean nothing without the codebooks they index."""
    books = enumerate(codebooks_of(networks))
    return array_hash({codebook_key(layer): to_array(book) for layer, book in books})


class _StatisticsHeader(msgspec.Struct, forbid_unknown_fields=True):
    version: int
    concept: str
    forget_samples: int
    retain_samples: int
    count_padding: bool
    source: str
    codebook_hash: str
    keywords: tuple[str, ...] = ()
