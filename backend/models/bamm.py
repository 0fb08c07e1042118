"""BAMM: text to base-layer tokens, one column after the other, with a length of its own.

Pinyoanuntapong et al., BAMM: Bidirectional Autoregressive Motion Model (ECCV 2024). Known tokens
see one another in both directions; the others see what came before them and all known ones.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .columns import SamplingState, fill_columns, fill_overwriting
from .noise import Noise
from .prenorm import PreNormStack
from .reference_quirks import CORRECTED, ReferenceQuirks
from .sampling import OnStep, bottom_k_mask, classifier_free_guidance, lengths_to_mask, mask_counts
from .transformer import TokenTransformer, TransformerConfig, drop_text

MAX_TOKENS = 49
KNOWN_SHARE = 0.5
KNOWN_RATE = 0.5
CORRUPTION_RATE = 0.5
KEPT = 1e5
PAD_RESULT = -1


@dataclass(frozen=True)
class BAMMConfig(TransformerConfig):
    """Sizes of BAMM's transformer.

    pre_norm: the flavour named ``t2mgpt`` instead of the released ``official`` one. It has no
    cached generation: only the forward pass and training.
    """

    pre_norm: bool = False


class BAMM(TokenTransformer):
    """Ids: 0..codes-1 are codes, ``end_id`` closes a motion, ``pad_id`` is nothing yet.

    A motion of n tokens has its end in column n, so at most 49 tokens need 50 columns.
    """

    def __init__(self, config: BAMMConfig, quirks: ReferenceQuirks = CORRECTED) -> None:
        super().__init__(config, config.codes + 1)
        if config.pre_norm:
            self.seqTransEncoder = PreNormStack(config)
        self.config = config
        self.quirks = quirks
        self.end_id = config.codes
        self.pad_id = config.codes + 1
        # The official table has a row for a mask token, which BAMM never uses.
        self.token_emb = nn.Embedding(config.codes + 3, config.code_dim)
        self.initialise()

    def embed(self, ids: Tensor, text: Tensor) -> Tensor:
        """ids (b, n), text (b, text_dim) -> rows (b, n + 1, width), the text first."""
        tokens = self.input_process(self.token_emb(ids))
        return self.position_enc(torch.cat([self.cond_emb(text).unsqueeze(1), tokens], 1))

    def forward(self, ids: Tensor, text: Tensor, known: Tensor | None = None) -> Tensor:
        """ids (b, n), text (b, text_dim), known tokens (b, n) -> logits (b, codes + 1, n + 1).

        Column k of the result predicts token k.
        """
        allowed = visibility(ids.shape[1], known).to(ids.device)
        hidden = self.seqTransEncoder(self.embed(ids, text), allowed)
        return self.output_process(hidden).transpose(1, 2)

    def guided_logits(
        self, ids: Tensor, text: Tensor, scale: float, known: Tensor | None = None
    ) -> Tensor:
        """Logits (b, codes + 1, n + 1) under classifier-free guidance."""

        def run(both: Tensor) -> Tensor:
            times = len(both) // len(ids)
            repeated = None if known is None else known.repeat(times, 1)
            return self(ids.repeat(times, 1), both, repeated)

        return classifier_free_guidance(run, text, scale)

    def corrupt(
        self, ids: Tensor, lengths: Tensor, generator: torch.Generator
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Training input, labels and known tokens, (b, n + 1) each, from ids (b, n).

        Half of the samples get some known tokens; some inputs before the end, at one rate for the
        batch, become random codes, so that the network learns to live with its own mistakes.
        """

        def uniform(*shape: int) -> Tensor:
            return torch.rand(shape, generator=generator, device=generator.device).to(ids.device)

        b, n = ids.shape[0], ids.shape[1] + 1
        before_end = lengths_to_mask(lengths, n)
        labels = F.pad(ids, (0, 1)).masked_fill(~before_end, self.pad_id)
        labels = labels.scatter(1, lengths.unsqueeze(1), self.end_id)
        rate = KNOWN_RATE * uniform(b, 1) * (uniform(b, 1) < KNOWN_SHARE)
        known = (uniform(b, n) < rate) & lengths_to_mask(lengths + 1, n)
        corrupted = (uniform(b, n) < CORRUPTION_RATE * uniform(1)) & before_end
        codes = (uniform(b, n) * self.config.codes).long().clamp(max=self.config.codes - 1)
        return torch.where(corrupted, codes, labels), labels, known

    def loss(
        self, ids: Tensor, text: Tensor, lengths: Tensor, generator: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        """Training loss and accuracy on ids (b, n), text (b, text_dim), lengths (b) in tokens."""
        inputs, labels, known = self.corrupt(ids, lengths, generator)
        text = drop_text(text, self.config.text_drop, generator)
        return self.weighted_loss(self(inputs, text, known)[..., :-1], labels)

    def weighted_loss(self, logits: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Mean over samples of the mean cross entropy up to and including the end; accuracy."""
        counted = labels != self.pad_id
        targets = labels.masked_fill(~counted, 0)
        losses = F.cross_entropy(logits.float(), targets, reduction="none") * counted
        right = (logits.argmax(1) == labels) & counted
        return (losses.sum(1) / counted.sum(1)).mean(), right.sum() / counted.sum()

    @torch.inference_mode()
    def generate(
        self,
        text: Tensor,
        lengths: Tensor | None,
        *,
        noise: Noise,
        guidance: float = 4.0,
        temperature: float = 1.0,
        top_k: float = 0.0,
        on_step: OnStep | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Tokens (b, n), -1 behind the length, and lengths (b), predicted when given as None.

        A first pass writes all tokens from left to right, a second one writes half of them anew,
        seeing the other half. ``top_k`` is the share of the classes to leave out; the published
        code always uses 0 and temperature 1.
        """
        drawing = SamplingState(self, text, noise, temperature, top_k, on_step)
        ids = self.first_pass(drawing, lengths, guidance)
        ids, lengths = self.close(ids, lengths)
        again = self.to_regenerate(lengths)
        if self.quirks.second_pass_guidance is not None:
            guidance = self.quirks.second_pass_guidance
        ids = self.second_pass(drawing, ids, again, lengths, guidance)
        return self._result(ids, lengths), lengths

    @torch.inference_mode()
    def edit(
        self,
        tokens: Tensor,
        editable: Tensor,
        text: Tensor,
        lengths: Tensor,
        *,
        noise: Noise,
        guidance: float = 4.0,
        temperature: float = 1.0,
        top_k: float = 0.0,
        on_step: OnStep | None = None,
    ) -> Tensor:
        """Regenerate the ``editable`` tokens (b, n, bool) under a text and keep the others.

        The kept tokens and the end are known to every new one. Result as of ``generate``.
        """
        columns = MAX_TOKENS + 1 - tokens.shape[1]
        ids, _ = self.close(F.pad(tokens, (0, columns), value=self.pad_id), lengths)
        again = F.pad(editable, (0, columns)) & lengths_to_mask(lengths, MAX_TOKENS + 1)
        ids = torch.where(again | (ids < 0), self.pad_id, ids)
        drawing = SamplingState(self, text, noise, temperature, top_k, on_step)
        return self._result(self.second_pass(drawing, ids, again, lengths, guidance), lengths)

    def first_pass(self, drawing: SamplingState, lengths: Tensor | None, guidance: float) -> Tensor:
        """Ids (b, 50) from left to right; with lengths given no end is drawn."""
        b, device = len(drawing.text), drawing.text.device
        ids = torch.full((b, MAX_TOKENS + 1), self.pad_id, device=device)
        most = torch.full((b,), MAX_TOKENS, device=device) if lengths is None else lengths
        classes = self.config.codes + (1 if lengths is None else 0)
        known = torch.zeros_like(ids, dtype=torch.bool)
        if self.quirks.overwrites_known:
            return fill_overwriting(drawing, ids, known, MAX_TOKENS, guidance, classes)
        wanted = lengths_to_mask(most, MAX_TOKENS + 1)
        return fill_columns(drawing, ids, known, wanted, guidance, classes)

    def close(self, ids: Tensor, lengths: Tensor | None) -> tuple[Tensor, Tensor]:
        """Put the end behind the motion, at the first end or padding when no length is given."""
        if lengths is None:
            ids, lengths = pad_after_end(ids, self.end_id)
        return ids.scatter(1, lengths.unsqueeze(1), self.end_id), lengths

    def to_regenerate(self, lengths: Tensor) -> Tensor:
        """Which columns (b, 50) the second pass writes anew: half of the tokens, rounded."""
        columns = MAX_TOKENS + 1
        counts = mask_counts(0.5, lengths)
        scores = torch.where(lengths_to_mask(lengths, columns), 0.0, KEPT)
        if self.quirks.stable_ties:
            return bottom_k_mask(scores, counts)
        return scores.argsort(dim=1).argsort(dim=1) < counts.unsqueeze(1)

    def second_pass(
        self, drawing: SamplingState, ids: Tensor, again: Tensor, lengths: Tensor, guidance: float
    ) -> Tensor:
        """Ids (b, 50) with the columns ``again`` rewritten; tokens and end elsewhere are known."""
        known = lengths_to_mask(lengths + 1, ids.shape[1]) & ~again
        if self.quirks.overwrites_known:
            raw = fill_overwriting(drawing, ids, known, MAX_TOKENS, guidance, self.config.codes)
            return torch.where(known, ids, raw)
        return fill_columns(drawing, ids, known, again, guidance, self.config.codes)

    def _result(self, ids: Tensor, lengths: Tensor) -> Tensor:
        tokens = ids[:, : int(lengths.max())]
        return tokens.masked_fill(~lengths_to_mask(lengths, tokens.shape[1]), PAD_RESULT)


def visibility(columns: int, known: Tensor | None) -> Tensor:
    """Where each row may look: bool, broadcasting to (b, 1, columns + 1, columns + 1), text first.

    Rows of known tokens and the text see exactly these; others see what came before and these.
    """
    causal = torch.ones(columns + 1, columns + 1, dtype=torch.bool).tril()
    if known is None:
        return causal
    kept = F.pad(known, (1, 0), value=True)
    return ((causal.to(known.device) & ~kept.unsqueeze(2)) | kept.unsqueeze(1)).unsqueeze(1)


def pad_after_end(ids: Tensor, end_id: int) -> tuple[Tensor, Tensor]:
    """Ids (b, n) with padding (end_id + 1) behind the first end, and the lengths before it.

    Padding counts as an end. A motion that ends at once gets code 0 as its only token; one without
    an end has length n + 1, as in the published code.
    """
    empty = ids[:, :1] >= end_id
    opening = torch.tensor([[0, end_id]], device=ids.device)
    ids = torch.cat([torch.where(empty, opening, ids[:, :2]), ids[:, 2:]], 1)
    ends = ids >= end_id
    columns = ids.shape[1]
    lengths = torch.where(ends.any(1), ends.int().argmax(1), columns + 1)
    return ids.masked_fill(~lengths_to_mask(lengths + 1, columns), end_id + 1), lengths


def pad_when_end(ids: Tensor, end_id: int) -> tuple[Tensor, Tensor]:
    """The same with -1 from the end on: what the residual transformer and the decoder take."""
    ids, lengths = pad_after_end(ids, end_id)
    return ids.masked_fill(~lengths_to_mask(lengths, ids.shape[1]), PAD_RESULT), lengths
