"""Residual transformer: base-layer tokens to the tokens of all layers (MoMask, section 3.3)."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .configs import ResidualConfig
from .reference_quirks import CORRECTED, ReferenceQuirks
from .transformer import INIT_STD, TokenTransformer, cross_entropy, drop_text, lengths_to_mask


def active_quantizer(uniforms: Tensor, quantizers: int) -> Tensor:
    """The layer to train for uniforms in [0, 1): 1..quantizers-1, small ones more often."""
    return torch.round((1 - torch.cos(0.5 * math.pi * uniforms)) * (quantizers - 2)).long() + 1


class ResidualTransformer(TokenTransformer):
    """Predicts the tokens of layer q from the summed embeddings of the layers before it.

    Ids: 0..codes-1 are codes, ``pad_id`` = codes is padding (and a class of the output); results
    have -1 there.
    """

    def __init__(self, config: ResidualConfig, quirks: ReferenceQuirks = CORRECTED) -> None:
        super().__init__(config, config.code_dim)
        self.config = config
        self.quirks = quirks
        self.pad_id = config.codes
        self.quant_emb = nn.Linear(config.quantizers, config.width)
        layers, table = config.quantizers - 1, (config.codes + 1, config.code_dim)

        def tables(count: int) -> nn.Parameter:
            return nn.Parameter(torch.empty(count, *table).normal_(std=INIT_STD))

        if config.shared_weights:
            self.embed_proj_shared_weight = tables(layers - 1)
            self.token_embed_weight_ = tables(1)
            self.output_proj_weight_ = tables(1)
        else:
            self.token_embed_weight = tables(layers)
            self.output_proj_weight = tables(layers)
            # The official files have a row for the base layer, which is never used.
            self.output_proj_bias = nn.Parameter(torch.zeros(config.quantizers, config.codes + 1))
        self.initialise()

    def token_tables(self) -> Tensor:
        """(quantizers - 1, codes + 1, code_dim): row q embeds the ids of layer q."""
        if self.config.shared_weights:
            return torch.cat([self.token_embed_weight_, self.embed_proj_shared_weight])
        return self.token_embed_weight

    def output_tables(self) -> Tensor:
        """(quantizers - 1, codes + 1, code_dim): row q - 1 scores the classes of layer q."""
        if self.config.shared_weights:
            return torch.cat([self.embed_proj_shared_weight, self.output_proj_weight_])
        return self.output_proj_weight

    def _output_table(self, layer: int) -> Tensor:
        """Row ``layer`` - 1 of ``output_tables``, without joining them all."""
        if not self.config.shared_weights:
            return self.output_proj_weight[layer - 1]
        shared = self.embed_proj_shared_weight
        return shared[layer - 1] if layer <= len(shared) else self.output_proj_weight_[0]

    def hidden(self, history: Tensor, q: Tensor, text: Tensor, lengths: Tensor) -> Tensor:
        """history (b, n, code_dim), layer q (b), text (b, text_dim) -> (b, code_dim, n)."""
        x = self._embed(history, q, text)
        visible = lengths_to_mask(lengths + 2, x.shape[1])[:, None, None]
        hidden = self.seqTransEncoder(x, visible)[:, 2:]
        return self.output_process(hidden).transpose(1, 2)

    def _embed(self, history: Tensor, q: Tensor, text: Tensor) -> Tensor:
        tokens = self.position_enc(self.input_process(history))
        tokens = tokens.repeat(len(text) // len(history), 1, 1)
        layer = self.quant_emb(F.one_hot(q, self.config.quantizers).to(history.dtype))
        return torch.cat([torch.stack([self.cond_emb(text), layer], 1), tokens], 1)

    def forward(self, history: Tensor, q: Tensor, text: Tensor, lengths: Tensor) -> Tensor:
        """Logits (b, codes + 1, n) of layer q (b) after the embedded layers before it."""
        hidden = self.hidden(history, q, text, lengths)
        logits = torch.einsum("bvc,bcn->bvn", self.output_tables()[q - 1], hidden)
        if self.config.shared_weights:
            return logits
        return self._logit_factor * logits + self.output_proj_bias[q - 1].unsqueeze(-1)

    @property
    def _logit_factor(self) -> int:
        return 2 if self.quirks.doubled_logits else 1

    def wanted_logits(
        self, history: Tensor, layer: int, text: Tensor, lengths: Tensor, wanted: Tensor
    ) -> Tensor:
        """Logits (c wanted tokens, codes + 1) of one layer, sample after sample.

        history is (b, n, code_dim), ``wanted`` (b, n), lengths (b) and text (c b, text_dim). Only
        the wanted rows are computed.
        """
        table, bias = self._output_table(layer), None
        if not self.config.shared_weights:
            table, bias = self._logit_factor * table, self.output_proj_bias[layer - 1]
        times = len(text) // len(history)
        rows = F.pad(wanted, (2, 0)).repeat(times, 1)
        q = torch.full((len(text),), layer, device=text.device)
        x = self._embed(history, q, text)
        hidden = self.wanted_rows(x, lengths.repeat(times) + 2, rows)
        return F.linear(self.output_process(hidden), table, bias)

    def training_history(self, ids: Tensor, q: Tensor) -> Tensor:
        """ids (b, n, quantizers) with ``pad_id``, layer q (b) -> history (b, n, code_dim)."""
        layers = torch.arange(self.config.quantizers - 1, device=ids.device)
        embedded = self.token_tables()[layers, ids[..., :-1]]
        before = (layers < q.unsqueeze(1))[:, None, :, None]
        return (embedded * before).sum(2)

    def loss(
        self, ids: Tensor, text: Tensor, lengths: Tensor, generator: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        """Training loss and accuracy on ids (b, n, quantizers) at one random layer per sample."""
        b, n, quantizers = ids.shape
        uniforms = torch.rand(b, generator=generator, device=generator.device).to(ids.device)
        q = active_quantizer(uniforms, quantizers)
        valid = lengths_to_mask(lengths, n)
        ids = ids.masked_fill(~valid.unsqueeze(-1), self.pad_id)
        labels = ids.gather(2, q.view(b, 1, 1).expand(b, n, 1)).squeeze(2)
        text = drop_text(text, self.config.text_drop, generator)
        logits = self(self.training_history(ids, q), q, text, lengths)
        return cross_entropy(logits, labels, self.pad_id)
