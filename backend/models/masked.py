"""Masked transformer: text to base-layer tokens (MoMask, sections 3.2 and 3.4)."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .noise import Noise
from .reference_quirks import CORRECTED, ReferenceQuirks
from .sampling import (
    OnStep,
    Step,
    bottom_k_mask,
    classifier_free_guidance,
    cosine_schedule,
    gumbel_sample,
    lengths_to_mask,
    mask_counts,
    top_k_filter,
)
from .transformer import TokenTransformer, TransformerConfig, cross_entropy, drop_text

KEPT = 1e5
RANDOM_SHARE = 0.1
MASK_SHARE = 0.88
RESAMPLE_SHARE = 0.16
PAD_RESULT = -1


@dataclass(frozen=True)
class MaskedConfig(TransformerConfig):
    """Sizes of the masked transformer."""


class MaskTransformer(TokenTransformer):
    """Fills masked tokens from both sides and a text vector.

    Ids: 0..codes-1 are codes, ``mask_id`` marks what is to be filled, ``pad_id`` what lies behind
    the end of a motion. Results have -1 there.
    """

    def __init__(self, config: MaskedConfig, quirks: ReferenceQuirks = CORRECTED) -> None:
        super().__init__(config, config.codes)
        self.config = config
        self.quirks = quirks
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

    def guided_logits(
        self, ids: Tensor, text: Tensor, lengths: Tensor, scale: float, wanted: Tensor
    ) -> Tensor:
        """Logits (wanted tokens, codes) under classifier-free guidance, sample after sample.

        ``wanted`` (b, n, bool) says of which tokens; only that is computed.
        """
        rows = F.pad(wanted, (1, 0))

        def run(both: Tensor) -> Tensor:
            times = len(both) // len(ids)
            x = self._embed(ids, both)
            hidden = self.wanted_rows(x, lengths.repeat(times) + 1, rows.repeat(times, 1))
            return self.output_process(hidden)

        return classifier_free_guidance(run, text, scale)

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

    @torch.inference_mode()
    def generate(
        self,
        text: Tensor,
        lengths: Tensor,
        *,
        noise: Noise,
        steps: int = 10,
        guidance: float = 4.0,
        temperature: float = 1.0,
        top_k: float = 0.9,
        on_step: OnStep | None = None,
    ) -> Tensor:
        """Tokens (b, n) for text (b, text_dim) and lengths (b) in tokens; -1 behind the length.

        ``top_k`` is the share of the classes to leave out. The published option between Gumbel and
        categorical sampling has no counterpart: both draw from the same distribution.
        """
        width = int(lengths.max())
        tokens = torch.full((len(text), width), self.pad_id, device=text.device)
        return self.edit(
            tokens,
            torch.ones_like(tokens, dtype=torch.bool),
            text,
            lengths,
            noise=noise,
            steps=steps,
            guidance=guidance,
            temperature=temperature,
            top_k=top_k,
            on_step=on_step,
        )

    @torch.inference_mode()
    def edit(
        self,
        tokens: Tensor,
        editable: Tensor | None,
        text: Tensor,
        lengths: Tensor,
        *,
        noise: Noise,
        steps: int = 10,
        guidance: float = 4.0,
        temperature: float = 1.0,
        top_k: float = 0.9,
        on_step: OnStep | None = None,
    ) -> Tensor:
        """Regenerate the ``editable`` tokens (b, n, bool) under a text and keep the others.

        ``editable`` None revises the whole motion instead: in every step the 16 % of the tokens
        that the network believes in least are drawn again. Result as of ``generate``.
        """
        width = tokens.shape[1]
        valid = lengths_to_mask(lengths, width)
        revise = editable is None
        editable = valid if editable is None else editable & valid
        ids = torch.where(tokens < 0, self.pad_id, tokens)
        ids = (
            torch.where(valid, ids, self.pad_id)
            if revise
            else ids.masked_fill(editable, self.mask_id)
        )
        scores = torch.where(editable, 0.0, KEPT)
        amount = editable.sum(1)
        fewest = 1 if self.quirks.edits_something else 0
        counts = lengths.tolist()
        for index, t in enumerate(torch.linspace(0, 1, steps, device=ids.device)):
            share = RESAMPLE_SHARE if revise else cosine_schedule(t)
            masked = bottom_k_mask(scores, mask_counts(share, amount).clamp(min=fewest))
            ids = ids.masked_fill(masked, self.mask_id)
            wanted = editable if revise else masked
            logits = self.guided_logits(ids, text, lengths, guidance, wanted)
            uniforms = noise.uniforms(counts, width, self.config.codes)[wanted.cpu()]
            rows = gumbel_sample(top_k_filter(logits, top_k), uniforms, temperature)
            belief = logits.softmax(-1).gather(1, rows.unsqueeze(-1)).squeeze(-1)
            drawn = ids.masked_scatter(wanted, rows)
            scores = torch.full_like(scores, KEPT).masked_scatter(wanted, belief.to(scores.dtype))
            if on_step is not None:
                on_step(Step(index, steps, ids))
            ids = torch.where(masked, drawn, ids)
        return ids.masked_fill(~valid, PAD_RESULT)
