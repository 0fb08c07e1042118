"""Motions as padded batches, the same for every evaluator."""

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
import torch
from torch import Tensor

from backend.motion.lengths import FRAMES_PER_TOKEN, MAX_FRAMES
from shared.errors import PlacidError

_BATCH: Final = 64


def padded_batches(
    features: Sequence[np.ndarray], mean: np.ndarray, std: np.ndarray
) -> Iterator[tuple[Tensor, Tensor]]:
    """Normalised motions (b, MAX_FRAMES, D), zero behind their end, with their frames (b,).

    All are padded to 196 frames, as in the published protocol: convolutions look over the end of a
    motion, so that other padding would give other embeddings. Longer motions are cut.

    Raises:
        PlacidError: `bad_motion` for motions of another width, too short, or not finite.
    """
    for start in range(0, len(features), _BATCH):
        part = features[start : start + _BATCH]
        batch = np.zeros((len(part), MAX_FRAMES, len(mean)), dtype=np.float32)
        lengths = np.zeros(len(part), dtype=np.int64)
        for i, rows in enumerate(part):
            _check(rows, len(mean), start + i)
            lengths[i] = min(len(rows), MAX_FRAMES)
            batch[i, : lengths[i]] = (rows[:MAX_FRAMES] - mean) / std
        yield torch.from_numpy(batch), torch.from_numpy(lengths)


def _check(rows: np.ndarray, width: int, number: int) -> None:
    if rows.ndim != 2 or rows.shape[1] != width or len(rows) < FRAMES_PER_TOKEN:
        raise PlacidError(
            "bad_motion",
            f"motion {number} has the shape {rows.shape}; the evaluator reads at least "
            f"{FRAMES_PER_TOKEN} frames of {width} features",
        )
    if not np.isfinite(rows).all():
        raise PlacidError(
            "bad_motion", f"motion {number} has features that are not numbers; leave it out"
        )
