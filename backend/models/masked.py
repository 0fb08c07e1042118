"""Masked transformer: text to base-layer tokens (MoMask, sections 3.2 and 3.4)."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .configs import MaskedConfig
from .transformer import TokenTransformer, cross_entropy, drop_text, lengths_to_mask

RANDOM_SHARE = 0.1
MASK_SHARE = 0.88


class MaskTransformer(TokenTransformer):
    """Fills masked tokens from both sides and a text vector.

    Ids: 0..codes-1 are codes, ``mask_id`` marks what is to be filled, ``pad_id`` what lies behind
    the end of a motion.
    """

    def __init__(self, config: MaskedConfig) -> None:
        super().__init__(config, config.codes)
        self.config = config
        self.mask_id = config.codes
        self.pad_id = config.codes + 1
        self.token_emb = nn.Embedding(config.codes + 2, config.code_dim)
        self.initialise()

    def forward(self, ids: Tensor, text: Tensor, lengths: Tensor) -> Tensor:
        """ids (b, n), text (b, text_dim), lengths (b) in tokens -> logits (b, codes, n)."""
        x = self._embed(ids, text)
        visible = lengths_to_mask(lengths + 1, x.shape[1])[:, None, None]
        hidden = self.seqTransEncoder(x, visible)[:, 1:]
        return self.output_process(hidden).transpose(1, 2)

    def _embed(self, ids: Tensor, text: Tensor) -> Tensor:
        tokens = self.position_enc(self.input_process(self.token_emb(ids)))
        tokens = tokens.repeat(len(text) // len(ids), 1, 1)
        return torch.cat([self.cond_emb(text).unsqueeze(1), tokens], 1)

    def wanted_logits(self, ids: Tensor, text: Tensor, lengths: Tensor, wanted: Tensor) -> Tensor:
        """Logits (c wanted tokens, codes), sample after sample; only that is computed.

        ids and ``wanted`` are (b, n), lengths (b) and text (c b, text_dim).
        """
        times = len(text) // len(ids)
        rows = F.pad(wanted, (1, 0)).repeat(times, 1)
        hidden = self.wanted_rows(self._embed(ids, text), lengths.repeat(times) + 1, rows)
        return self.output_process(hidden)

    def corrupt(
        self, ids: Tensor, lengths: Tensor, generator: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        """Training input and labels (b, n) from ids (b, n); ``mask_id`` labels do not count.

        How many tokens are hidden follows the cosine schedule of the padded width; a tenth of them
        shows a random code, most others the mask, the rest themselves (as in BERT).
        """

        def uniform(*shape: int) -> Tensor:
            return torch.rand(shape, generator=generator, device=generator.device).to(ids.device)

        b, n = ids.shape
        valid = lengths_to_mask(lengths, n)
        ids = torch.where(valid, ids, self.pad_id)
        count = torch.round(n * cosine_schedule(uniform(b))).clamp(min=1)
        hidden = bottom_k_mask(uniform(b, n), count) & valid
        labels = torch.where(hidden, ids, self.mask_id)
        randomised = hidden & (uniform(b, n) < RANDOM_SHARE)
        codes = (uniform(b, n) * self.config.codes).long().clamp(max=self.config.codes - 1)
        inputs = torch.where(randomised, codes, ids)
        masked = hidden & ~randomised & (uniform(b, n) < MASK_SHARE)
        return torch.where(masked, self.mask_id, inputs), labels

    def loss(
        self, ids: Tensor, text: Tensor, lengths: Tensor, generator: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        """Training loss and accuracy on ids (b, n), text (b, text_dim), lengths (b) in tokens."""
        inputs, labels = self.corrupt(ids, lengths, generator)
        text = drop_text(text, self.config.text_drop, generator)
        return cross_entropy(self(inputs, text, lengths), labels, self.mask_id)


def cosine_schedule(t: Tensor) -> Tensor:
    """Share of the tokens to mask at time t in [0, 1] (Chang et al., MaskGIT, section 3.3)."""
    return torch.cos(0.5 * math.pi * t)


def bottom_k_mask(scores: Tensor, counts: Tensor) -> Tensor:
    """(b, n) -> bool (b, n): the ``counts[i]`` lowest scores of row i; of equals, the first."""
    ranks = scores.argsort(dim=1, stable=True).argsort(dim=1)
    return ranks < counts.unsqueeze(1)
