"""What the token samplers share: schedule, guidance, filtering, drawing, progress."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from backend.engines.protocol import Array
from backend.generation.samplers.noise import gumbel
from backend.generation.sampling import Sampling

KEPT: Final = np.float32(1e5)  # the score of a token that is not to be masked again
NO_TOKEN: Final = -1
_MIN_TEMPERATURE: Final = 1e-10


@dataclass(frozen=True)
class Step:
    """Where a sampler stands: step ``index`` of ``count`` is done; ``ids`` were its input."""

    index: int
    count: int
    ids: Array


OnStep = Callable[[Step], None]
"""Called after every sampling step; an exception it raises ends the generation."""


def times(steps: int) -> Array:
    """float32 (steps,), evenly from 0 to 1; the second half is counted back from 1.

    At two thirds the schedule is a half: where the last place falls decides how many tokens of an
    odd number are masked, so it falls where PyTorch lets it fall for the default of ten steps.
    """
    if steps == 1:
        return np.zeros(1, np.float32)
    index, step = np.arange(steps), np.float64(np.float32(1 / (steps - 1)))
    upward, downward = index * step, 1 - (steps - 1 - index) * step
    return np.where(index < steps // 2, upward, downward).astype(np.float32)


def cosine_schedule(t: Array) -> Array:
    """Share of the tokens to mask at time t in [0, 1] (Chang et al., MaskGIT, section 3.3)."""
    return np.cos(np.float32(0.5 * math.pi) * t)


def mask_counts(share: Array | float, lengths: Array) -> Array:
    """How many of ``lengths`` tokens a share stands for; at least one of any that there are."""
    counts = np.round(np.float32(share) * lengths.astype(np.float32))
    return np.minimum(np.maximum(counts, 1), lengths)


def bottom_k_mask(scores: Array, counts: Array) -> Array:
    """(b, n) -> bool (b, n): the ``counts[i]`` lowest scores of row i; of equals, the first."""
    ranks = np.argsort(np.argsort(scores, axis=1, kind="stable"), axis=1, kind="stable")
    return ranks < counts[:, None]


def lengths_to_mask(lengths: Array, width: int) -> Array:
    """lengths (b) -> bool (b, width), True before the length."""
    return np.arange(width) < lengths[:, None]


def with_empty_text(text: Array, scale: float) -> Array:
    """text (b, D) and, where a guidance scale needs them, as many zero vectors behind it."""
    return text if scale == 1 else np.concatenate([text, np.zeros_like(text)])


def classifier_free_guidance(logits: Array, scale: float) -> Array:
    """u + scale * (c - u) of logits (2 b, ...), conditional then unconditional; see Ho 2022.

    A scale of 1 has no second half.
    """
    if scale == 1:
        return logits
    conditional, unconditional = np.split(logits, 2)
    return unconditional + np.float32(scale) * (conditional - unconditional)


def kept_classes(dropped_share: float, classes: int) -> int:
    """How many classes are kept when a share is dropped; a part of one is kept."""
    return max(1, math.ceil((1 - dropped_share) * classes))


def drop_unlikely(logits: Array, dropped_share: float) -> Array:
    """-inf for the least likely classes (last axis): the top-k filter, k given by a share."""
    classes = logits.shape[-1]
    border = classes - kept_classes(dropped_share, classes)
    if border == 0:
        return logits
    lowest = np.partition(logits, border, axis=-1)[..., border, None]
    return np.where(logits >= lowest, logits, np.float32(-np.inf))


def gumbel_sample(logits: Array, uniforms: Array, temperature: float) -> Array:
    """Sample softmax(logits / temperature) over the last axis by the Gumbel-max trick."""
    scaled = logits / np.float32(max(temperature, _MIN_TEMPERATURE))
    return np.argmax(scaled + gumbel(uniforms), axis=-1)


def draw(logits: Array, uniforms: Array, sampling: Sampling) -> Array:
    """Sample the last axis of logits with a temperature, without the least likely classes."""
    return gumbel_sample(
        drop_unlikely(logits, sampling.dropped_share), uniforms, sampling.temperature
    )
