"""MoMask's and BAMM's samplers as the papers' code runs them: the other side of a comparison.

Two guidance passes one after the other, every step over whole sequences, nothing kept from one
step to the next. The encoder is PyTorch's own. Weights and random numbers are those of Placid's
networks, so the tokens must be the same.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from backend.generation.samplers.bamm import pad_after_end
from backend.generation.samplers.noise import Noise
from backend.models.bamm import BAMM
from backend.models.masked import MaskTransformer
from backend.models.quantizer import gumbel
from backend.models.residual import ResidualTransformer
from backend.models.transformer import TokenTransformer, TransformerConfig
from backend.motion.lengths import MAX_TOKENS

KEEP_SHARE = 0.1  # of the classes, by the top-k filter
SECOND_PASS_SHARE = 0.5


class PlainEncoder(nn.Module):
    """`nn.TransformerEncoder` with the weights of one of Placid's transformers."""

    def __init__(self, network: TokenTransformer, config: TransformerConfig) -> None:
        super().__init__()
        layer = nn.TransformerEncoderLayer(
            config.width, config.heads, config.ff, 0.0, "gelu", batch_first=False
        )
        self.stack = nn.TransformerEncoder(layer, config.layers, enable_nested_tensor=False)
        self.stack.to(network.cond_emb.weight.dtype)
        self.stack.load_state_dict(network.seqTransEncoder.state_dict())

    def forward(
        self, x: Tensor, padding: Tensor | None = None, hidden: Tensor | None = None
    ) -> Tensor:
        """x (b, n, width); `padding` (b, n) and `hidden` (n, n) or per head: True is not seen."""
        rows = self.stack(x.transpose(0, 1), mask=hidden, src_key_padding_mask=padding)
        return rows.transpose(0, 1)


def filtered(logits: Tensor) -> Tensor:
    """Logits (..., classes) with all but the best tenth at -inf."""
    count = -int(-KEEP_SHARE * logits.shape[-1] // 1)
    values, ids = logits.topk(count, dim=-1)
    return torch.full_like(logits, -torch.inf).scatter(-1, ids, values)


def sample(logits: Tensor, uniforms: Tensor) -> Tensor:
    """Ids of logits (..., classes) by the Gumbel-max trick at temperature 1."""
    return (logits + gumbel(uniforms)).argmax(-1)


class PlainMoMask:
    """Base and residual tokens of MoMask."""

    def __init__(self, masked: MaskTransformer, residual: ResidualTransformer) -> None:
        self.masked, self.residual = masked, residual
        self.base_encoder = PlainEncoder(masked, masked.config).eval()
        self.residual_encoder = PlainEncoder(residual, residual.config).eval()

    def _base_logits(self, ids: Tensor, text: Tensor, lengths: Tensor) -> Tensor:
        net = self.masked
        tokens = net.position_enc(net.input_process(net.token_emb(ids)))
        x = torch.cat([net.cond_emb(text).unsqueeze(1), tokens], 1)
        padding = torch.arange(x.shape[1]) >= (lengths + 1).unsqueeze(1)
        return net.output_process(self.base_encoder(x, padding)[:, 1:])

    def base(
        self, text: Tensor, lengths: Tensor, noise: Noise, steps: int, guidance: float
    ) -> Tensor:
        """Base tokens (b, n), -1 behind the length."""
        net, width = self.masked, int(lengths.max())
        valid = torch.arange(width) < lengths.unsqueeze(1)
        ids = torch.where(valid, net.mask_id, net.pad_id)
        scores = torch.where(valid, 0.0, 1e5)
        for t in torch.linspace(0, 1, steps):
            count = torch.round(torch.cos(t * torch.pi / 2) * lengths).clamp(min=1)
            ranks = scores.argsort(dim=1, stable=True).argsort(dim=1)
            masked = ranks < count.unsqueeze(1)
            ids = torch.where(masked, net.mask_id, ids)
            conditional = self._base_logits(ids, text, lengths)
            unconditional = self._base_logits(ids, torch.zeros_like(text), lengths)
            logits = unconditional + guidance * (conditional - unconditional)
            uniforms = torch.from_numpy(noise.uniforms(lengths.tolist(), width, net.config.codes))
            drawn = sample(filtered(logits), uniforms)
            belief = logits.softmax(-1).gather(2, drawn.unsqueeze(-1)).squeeze(-1)
            scores = torch.where(masked, belief, 1e5)
            ids = torch.where(masked, drawn, ids)
        return torch.where(valid, ids, -1)

    def _residual_logits(self, history: Tensor, q: int, text: Tensor, lengths: Tensor) -> Tensor:
        net = self.residual
        layer = F.one_hot(torch.full((len(text),), q), net.config.quantizers).to(text.dtype)
        tokens = net.position_enc(net.input_process(history))
        prefix = torch.stack([net.cond_emb(text), net.quant_emb(layer)], 1)
        x = torch.cat([prefix, tokens], 1)
        padding = torch.arange(x.shape[1]) >= (lengths + 2).unsqueeze(1)
        hidden = net.output_process(self.residual_encoder(x, padding)[:, 2:])
        return hidden @ net.output_tables()[q - 1].T

    def all_layers(
        self, base: Tensor, text: Tensor, lengths: Tensor, noise: Noise, guidance: float
    ) -> Tensor:
        """Tokens of all layers (b, n, quantizers) for base tokens, -1 behind the length."""
        net, width = self.residual, base.shape[1]
        valid = torch.arange(width) < lengths.unsqueeze(1)
        ids = torch.where(valid, base, net.pad_id)
        layers, history = [ids], torch.zeros(())
        for q in range(1, net.config.quantizers):
            history = history + net.token_tables()[q - 1][ids]
            conditional = self._residual_logits(history, q, text, lengths)
            unconditional = self._residual_logits(history, q, torch.zeros_like(text), lengths)
            logits = unconditional + guidance * (conditional - unconditional)
            uniforms = torch.from_numpy(
                noise.uniforms(lengths.tolist(), width, net.config.codes + 1)
            )
            ids = torch.where(valid, sample(filtered(logits), uniforms), net.pad_id)
            layers.append(ids)
        stacked = torch.stack(layers, -1)
        return torch.where(stacked == net.pad_id, -1, stacked)


class PlainBAMM:
    """Base tokens of BAMM, ties of the second pass broken by position."""

    def __init__(self, bamm: BAMM) -> None:
        self.bamm = bamm
        self.encoder = PlainEncoder(bamm, bamm.config).eval()

    def _logits(self, ids: Tensor, text: Tensor, known: Tensor | None) -> Tensor:
        net, b, rows = self.bamm, len(ids), ids.shape[1] + 1
        seen = torch.ones(rows, rows, dtype=torch.bool).tril().expand(b, -1, -1)
        if known is not None:
            kept = F.pad(known, (1, 0), value=True)
            seen = (seen & ~kept.unsqueeze(2)) | kept.unsqueeze(1)
        hidden = ~seen.repeat_interleave(net.config.heads, 0)
        return net.output_process(self.encoder(net.embed(ids, text), hidden=hidden))

    def _guided(self, ids: Tensor, text: Tensor, known: Tensor | None, scale: float) -> Tensor:
        conditional = self._logits(ids, text, known)
        unconditional = self._logits(ids, torch.zeros_like(text), known)
        return unconditional + scale * (conditional - unconditional)

    def _pass(
        self, ids: Tensor, text: Tensor, known: Tensor, noise: Noise, scale: float, classes: int
    ) -> Tensor:
        uniforms = torch.from_numpy(noise.uniforms([MAX_TOKENS] * len(ids), MAX_TOKENS, classes))
        some_known = known if known.any() else None
        for column in range(MAX_TOKENS):
            logits = self._guided(ids, text, some_known, scale)[:, column, :classes]
            drawn = sample(logits, uniforms[:, column])
            ids = ids.clone()
            ids[:, column] = torch.where(known[:, column], ids[:, column], drawn)
        return ids

    def generate(self, text: Tensor, noise: Noise, guidance: float) -> tuple[Tensor, Tensor]:
        """Tokens (b, n), -1 behind the end, and predicted lengths (b)."""
        net, columns = self.bamm, MAX_TOKENS + 1
        ids = torch.full((len(text), columns), net.pad_id)
        nothing = torch.zeros_like(ids, dtype=torch.bool)
        ids = self._pass(ids, text, nothing, noise, guidance, net.config.codes + 1)
        ended, counted = pad_after_end(ids.numpy(), net.end_id)
        ids, lengths = torch.from_numpy(ended), torch.from_numpy(counted)
        ids = ids.scatter(1, lengths.unsqueeze(1), net.end_id)
        position = torch.arange(columns)
        again = position < torch.round(SECOND_PASS_SHARE * lengths).clamp(min=1).unsqueeze(1)
        known = (position <= lengths.unsqueeze(1)) & ~again
        start = torch.where(again, net.pad_id, ids)
        rewritten = self._pass(start, text, known, noise, guidance, net.config.codes)
        ids = torch.where(again, rewritten, ids)[:, : int(lengths.max())]
        inside = position[: ids.shape[1]] < lengths.unsqueeze(1)
        return torch.where(inside, ids, -1), lengths
