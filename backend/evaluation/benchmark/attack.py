"""Prompts that no words express: text embeddings searched by gradient against an edited model.

After the attacks on erased concepts of Tsai et al. ("Ring-A-Bell", 2024) and the adversarial
embeddings of RECE: which vector near the prompt's makes the edited masked transformer predict the
tokens that the unedited one wrote for the prompt?
"""

from typing import Any, Final

import torch
import torch.nn.functional as F
from torch import Tensor

# The search leaves the prompt's vector by at most this share of its length.
RADIUS: Final = 0.5
_HIDDEN: Final = 0.6  # share of the tokens that the transformer has to guess


def attack(
    masked: Any, text: Tensor, tokens: Tensor, lengths: Tensor, steps: int, seed: int
) -> Tensor:
    """Vectors (b, text_dim) near `text` that bring the tokens back; rows do not interact.

    Args:
        masked: the edited masked transformer; its weights stay as they are.
        text: (b, text_dim), the prompts' vectors.
        tokens: (b, n), base tokens of the unedited model, negative behind the end.
        lengths: (b), in tokens.
        steps: normalised gradient steps, each followed by a projection into the ball of `RADIUS`
            about `text`.
    """
    generator = torch.Generator().manual_seed(seed)
    valid = torch.arange(tokens.shape[1])[None].to(tokens.device) < lengths[:, None]
    ids = torch.where(valid, tokens, masked.pad_id)
    radius = RADIUS * text.norm(dim=1, keepdim=True)
    best, least = text.clone(), torch.full((len(text),), float("inf"), device=text.device)
    moved = text.clone()
    hidden = valid & (torch.rand(ids.shape, generator=generator).to(ids.device) < _HIDDEN)
    hidden[:, 0] = True
    guess = ids.masked_fill(hidden, masked.mask_id)
    for _ in range(steps):
        moved = moved.detach().requires_grad_(True)
        with torch.enable_grad():
            logits = masked(guess, moved, lengths)
            losses = F.cross_entropy(logits, ids.clamp_max(logits.shape[1] - 1), reduction="none")
            loss = (losses * hidden).sum(1) / hidden.sum(1)
            (gradient,) = torch.autograd.grad(loss.sum(), moved)
        better = loss.detach() < least
        best = torch.where(better[:, None], moved.detach(), best)
        least = torch.minimum(least, loss.detach())
        direction = gradient / gradient.norm(dim=1, keepdim=True).clamp_min(1e-12)
        away = moved.detach() - 3 * radius / steps * direction - text
        moved = text + away * (radius / away.norm(dim=1, keepdim=True).clamp_min(1e-12)).clamp_max(
            1
        )
    return best
