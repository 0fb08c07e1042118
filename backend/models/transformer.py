"""The transformer that the masked, the residual and BAMM's networks have in common.

A post-norm encoder (Vaswani et al., Attention Is All You Need) over token embeddings with a text
token in front. Parameter names are those of the official checkpoints. Tensors are batch first.
"""

from collections.abc import Iterable
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .configs import TransformerConfig
from .positions import positions
from .products import Linear, PrepackedWeight, product

POSITIONS = 5000
HEAD_EPS = 1e-12
INIT_STD = 0.02


class LayerCache:
    """Keys and values (b, heads, slots, head width) that one layer computed so far."""

    def __init__(self, slots: int) -> None:
        self.slots = slots
        self.filled = 0
        self.keys = self.values = torch.empty(0)

    def append(self, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """Add (b, heads, n, head width) and return all that is there."""
        b, heads, n, width = keys.shape
        if self.filled == 0:
            self.keys = keys.new_empty(b, heads, self.slots, width)
            self.values = torch.empty_like(self.keys)
        after = self.filled + n
        self.keys[:, :, self.filled : after] = keys
        self.values[:, :, self.filled : after] = values
        self.filled = after
        return self.keys[:, :, :after], self.values[:, :, :after]

    def select(self, rows: Tensor) -> None:
        """Keep only these samples of the batch."""
        self.keys, self.values = self.keys[rows], self.values[rows]


class RaggedBatch:
    """The rows of a padded batch that hold something, those of equally long samples side by side.

    Layers that work on rows skip the padding, and samples of one length attend in one call.
    """

    def __init__(self, lengths: Tensor, width: int) -> None:
        order = lengths.argsort(stable=True)
        sizes, counts = lengths[order].unique_consecutive(return_counts=True)
        places = torch.arange(len(lengths) * width).view(-1, width)[order]
        self._rows = places[lengths_to_mask(lengths[order], width)]
        self._where = torch.empty(len(lengths) * width, dtype=torch.long)
        self._where[self._rows] = torch.arange(len(self._rows))
        self._groups = list(zip(counts.tolist(), sizes.tolist(), strict=True))

    def pack(self, x: Tensor) -> Tensor:
        """(b, n, width) -> (rows, width)."""
        return x.flatten(0, 1)[self._rows]

    def find(self, wanted: Tensor) -> Tensor:
        """Where the rows of bool (b, n) are among the packed ones, sample after sample."""
        return self._where[wanted.flatten().nonzero().squeeze(1)]

    def groups(self, rows: Tensor) -> list[Tensor]:
        """Packed rows as (samples, n, ...), one tensor for each length n."""
        parts = rows.split([count * size for count, size in self._groups])
        return [part.unflatten(0, group) for part, group in zip(parts, self._groups, strict=True)]


class ChannelDropout(nn.Dropout1d):
    """Dropout of whole channels of a sample, in (b, n, channels).

    Drawing one number per channel instead of one per element makes a training step on a processor
    a quarter faster; in evaluation there is no difference.
    """

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.transpose(1, 2)).transpose(1, 2) if self.training else x


class SelfAttention(nn.Module):
    """Multi-head self-attention with the parameter names of ``nn.MultiheadAttention``."""

    packed: PrepackedWeight | None = None

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        if width % heads:
            raise ValueError(f"The width {width} is not a multiple of the {heads} heads.")
        self.heads = heads
        self.in_proj_weight = nn.Parameter(torch.empty(3 * width, width))
        self.in_proj_bias = nn.Parameter(torch.zeros(3 * width))
        self.out_proj = Linear(width, width)
        nn.init.xavier_uniform_(self.in_proj_weight)

    def project(self, x: Tensor) -> Tensor:
        """(..., width) -> queries, keys and values (..., 3 width)."""
        return product(x, self.in_proj_weight, self.in_proj_bias, self.packed)

    def mix(self, qkv: Tensor, allowed: Tensor | None, cache: LayerCache | None = None) -> Tensor:
        """What every row sees of the others, before the last projection: (b, n, width).

        ``allowed`` broadcasts to (b, heads, n, keys): where a row may look. With a cache the keys
        are all rows it has seen, these included.
        """
        q, k, v = qkv.unflatten(2, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        if cache is not None:
            k, v = cache.append(k, v)
        mixed = F.scaled_dot_product_attention(q, k, v, allowed)
        return mixed.transpose(1, 2).flatten(2)


class EncoderLayer(nn.Module):
    """Post-norm block: attention, then a GELU network of one hidden layer."""

    def __init__(self, width: int, heads: int, ff: int, dropout: float) -> None:
        super().__init__()
        self.self_attn = SelfAttention(width, heads)
        self.linear1 = Linear(width, ff)
        self.linear2 = Linear(ff, width)
        self.norm1 = nn.LayerNorm(width)
        self.norm2 = nn.LayerNorm(width)
        self.dropout = ChannelDropout(dropout)

    def forward(self, x: Tensor, allowed: Tensor | None, cache: LayerCache | None = None) -> Tensor:
        attention = self.self_attn
        return self._after_attention(x, attention.mix(attention.project(x), allowed, cache))

    def packed(self, rows: Tensor, packing: RaggedBatch, wanted: Tensor | None = None) -> Tensor:
        """The layer on packed rows (rows, width); of the result only the ``wanted`` ones (ids)."""
        attention = self.self_attn
        groups = packing.groups(attention.project(rows))
        parts = [attention.mix(qkv, None).flatten(0, 1) for qkv in groups]
        mixed = parts[0] if len(parts) == 1 else torch.cat(parts)
        if wanted is not None:
            rows, mixed = rows[wanted], mixed[wanted]
        return self._after_attention(rows, mixed)

    def _after_attention(self, x: Tensor, mixed: Tensor) -> Tensor:
        x = self.norm1(self._added(x, self.self_attn.out_proj, mixed))
        return self.norm2(self._added(x, self.linear2, self.dropout(self.linear1.gelu(x))))

    def _added(self, x: Tensor, layer: Linear, hidden: Tensor) -> Tensor:
        """x plus the layer's result, in one go where no dropout comes between."""
        return x + self.dropout(layer(hidden)) if self.training else layer.added_to(x, hidden)


class EncoderStack(nn.Module):
    """Encoder layers in a row, without a final norm."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            EncoderLayer(config.width, config.heads, config.ff, config.dropout)
            for _ in range(config.layers)
        )

    def caches(self, slots: int) -> list[LayerCache]:
        """Empty caches, one per layer, with room for ``slots`` rows."""
        return [LayerCache(slots) for _ in self.layers]

    def forward(
        self, x: Tensor, allowed: Tensor | None, caches: list[LayerCache] | None = None
    ) -> Tensor:
        for i, layer in enumerate(self.layers):
            x = layer(x, allowed, None if caches is None else caches[i])
        return x

    def wanted_rows(self, x: Tensor, lengths: Tensor, wanted: Tensor) -> Tensor:
        """x (b, n, width), lengths (b), wanted (b, n, bool) -> (wanted rows, width).

        The same as ``forward`` where rows before the length see each other. A processor is spared
        the work for rows behind it, and in the last layer for rows that nobody reads; a GPU is
        faster on one padded batch than on many small parts.
        """
        if x.device.type != "cpu":
            return self(x, lengths_to_mask(lengths, x.shape[1])[:, None, None])[wanted]
        packing = RaggedBatch(lengths, x.shape[1])
        rows, read = packing.pack(x), packing.find(wanted)
        *layers, last = cast(Iterable[EncoderLayer], self.layers)
        for layer in layers:
            rows = layer.packed(rows, packing)
        return last.packed(rows, packing, read)


class PositionalEncoding(nn.Module):
    """Sinusoidal table, stored as a buffer (5000, 1, width) as in the official checkpoints."""

    pe: Tensor

    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        table = torch.from_numpy(positions(POSITIONS, width)).unsqueeze(1)
        self.register_buffer("pe", table)
        self.dropout = ChannelDropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """(b, n, width) -> the same with the first n rows of the table added."""
        return self.dropout(x + self.pe[: x.shape[1], 0])


class InputProcess(nn.Module):
    """Token embedding (..., code_dim) -> transformer width."""

    def __init__(self, code_dim: int, width: int) -> None:
        super().__init__()
        self.poseEmbedding = Linear(code_dim, width)

    def forward(self, x: Tensor) -> Tensor:
        return self.poseEmbedding(x)


class OutputProcess(nn.Module):
    """Head: linear, GELU, layer norm, linear; (..., width) -> (..., outputs)."""

    def __init__(self, width: int, outputs: int) -> None:
        super().__init__()
        self.dense = Linear(width, width)
        self.LayerNorm = nn.LayerNorm(width, eps=HEAD_EPS)
        self.poseFinal = Linear(width, outputs)

    def forward(self, x: Tensor) -> Tensor:
        return self.poseFinal(self.LayerNorm(self.dense.gelu(x)))


class TokenTransformer(nn.Module):
    """Embedding of tokens and text, encoder and head; subclasses say what the tokens mean."""

    def __init__(self, config: TransformerConfig, outputs: int) -> None:
        super().__init__()
        self.input_process = InputProcess(config.code_dim, config.width)
        self.position_enc = PositionalEncoding(config.width, config.dropout)
        self.seqTransEncoder: nn.Module = EncoderStack(config)
        self.cond_emb = Linear(config.text_dim, config.width)
        self.output_process = OutputProcess(config.width, outputs)

    def wanted_rows(self, x: Tensor, lengths: Tensor, wanted: Tensor) -> Tensor:
        """`EncoderStack.wanted_rows` of the encoder."""
        return cast(EncoderStack, self.seqTransEncoder).wanted_rows(x, lengths, wanted)

    def initialise(self) -> None:
        """Fresh weights for training: small normal for linear layers and embeddings."""
        for module in self.modules():
            if isinstance(module, nn.Linear | nn.Embedding):
                nn.init.normal_(module.weight, std=INIT_STD)
            if isinstance(module, nn.Linear):
                nn.init.zeros_(module.bias)


def drop_text(text: Tensor, share: float, generator: torch.Generator) -> Tensor:
    """Zero the text vectors (b, D) of a random share of the samples."""
    kept = torch.rand(len(text), 1, generator=generator, device=generator.device) >= share
    return text * kept.to(text.device)


def cross_entropy(logits: Tensor, labels: Tensor, ignore: int) -> tuple[Tensor, Tensor]:
    """logits (b, classes, n), labels (b, n) -> mean loss and share of right guesses."""
    loss = F.cross_entropy(logits.float(), labels, ignore_index=ignore)
    counted = labels != ignore
    right = (logits.argmax(1) == labels) & counted
    return loss, right.sum() / counted.sum().clamp(min=1)


def lengths_to_mask(lengths: Tensor, width: int) -> Tensor:
    """lengths (b) -> bool (b, width), True before the length."""
    return torch.arange(width, device=lengths.device) < lengths.unsqueeze(1)
