"""What the token samplers share: schedule, guidance, filtering, drawing."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from .noise import gumbel

MIN_TEMPERATURE = 1e-10


@dataclass(frozen=True)
class Step:
    """Where a sampler stands: step ``index`` of ``count`` is done; ``ids`` were its input."""

    index: int
    count: int
    ids: Tensor


OnStep = Callable[[Step], None]
"""Called after every sampling step; an exception it raises ends the generation."""


def cosine_schedule(t: Tensor) -> Tensor:
    """Share of the tokens to mask at time t in [0, 1] (Chang et al., MaskGIT, section 3.3)."""
    return torch.cos(0.5 * math.pi * t)


def mask_counts(share: Tensor | float, lengths: Tensor) -> Tensor:
    """How many of ``lengths`` tokens a share stands for; at least one of any that there are."""
    return torch.round(share * lengths).clamp(min=1).minimum(lengths)


def bottom_k_mask(scores: Tensor, counts: Tensor) -> Tensor:
    """(b, n) -> bool (b, n): the ``counts[i]`` lowest scores of row i; of equals, the first."""
    ranks = scores.argsort(dim=1, stable=True).argsort(dim=1)
    return ranks < counts.unsqueeze(1)


def classifier_free_guidance(run: Callable[[Tensor], Tensor], text: Tensor, scale: float) -> Tensor:
    """Classifier-free guidance: u + scale * (c - u), both from one doubled batch.

    ``run`` maps text vectors (b or 2b, D) to logits with the same first dimension; the condition
    without text is the zero vector. A scale of 1 needs no second half. The difference is taken in
    float32, also of networks that compute in half precision.
    """
    if scale == 1:
        return run(text).float()
    conditional, unconditional = run(torch.cat([text, torch.zeros_like(text)])).float().chunk(2)
    return unconditional + scale * (conditional - unconditional)


def kept_classes(threshold: float, classes: int) -> int:
    """How many classes the top-k filter keeps: a share 1 - threshold, rounded up."""
    return max(1, math.ceil((1 - threshold) * classes))


def top_k_filter(logits: Tensor, threshold: float) -> Tensor:
    """Keep the best share 1 - threshold of the classes (last dimension), -inf for the others."""
    values, ids = logits.topk(kept_classes(threshold, logits.shape[-1]), dim=-1)
    return torch.full_like(logits, -torch.inf).scatter_(-1, ids, values)


def gumbel_sample(logits: Tensor, uniforms: Tensor, temperature: float) -> Tensor:
    """Sample softmax(logits / temperature) over the last dimension by the Gumbel-max trick."""
    noise = gumbel(uniforms.to(logits.device, torch.float32))
    return (logits.float() / max(temperature, MIN_TEMPERATURE) + noise).argmax(-1)


def lengths_to_mask(lengths: Tensor, width: int) -> Tensor:
    """lengths (b) -> bool (b, width), True before the length."""
    return torch.arange(width, device=lengths.device) < lengths.unsqueeze(1)
