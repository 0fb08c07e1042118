"""Pre-norm encoder of BAMM's ``t2mgpt`` flavour, with that flavour's parameter names."""

import torch.nn.functional as F
from torch import Tensor, nn

from .configs import TransformerConfig


class PreNormAttention(nn.Module):
    """Multi-head self-attention with separate projections."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.key = nn.Linear(width, width)
        self.query = nn.Linear(width, width)
        self.value = nn.Linear(width, width)
        self.proj = nn.Linear(width, width)
        self.dropout = dropout

    def forward(self, x: Tensor, allowed: Tensor | None) -> Tensor:
        def heads(projected: Tensor) -> Tensor:
            return projected.unflatten(2, (self.heads, -1)).transpose(1, 2)

        q, k, v = heads(self.query(x)), heads(self.key(x)), heads(self.value(x))
        dropout = self.dropout if self.training else 0.0
        mixed = F.scaled_dot_product_attention(q, k, v, allowed, dropout)
        return F.dropout(self.proj(mixed.transpose(1, 2).flatten(2)), dropout)


class PreNormLayer(nn.Module):
    """x + attention(norm(x)), then x + network(norm(x))."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.ln1 = nn.LayerNorm(config.width)
        self.ln2 = nn.LayerNorm(config.width)
        self.attn = PreNormAttention(config.width, config.heads, config.dropout)
        self.mlp = nn.Sequential(
            nn.Linear(config.width, config.ff),
            nn.GELU(),
            nn.Linear(config.ff, config.width),
            nn.Dropout(config.dropout),
        )

    def forward(self, x: Tensor, allowed: Tensor | None) -> Tensor:
        x = x + self.attn(self.ln1(x), allowed)
        return x + self.mlp(self.ln2(x))


class PreNormStack(nn.Module):
    """Pre-norm layers in a row, without a final norm."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(PreNormLayer(config) for _ in range(config.layers))

    def forward(self, x: Tensor, allowed: Tensor | None) -> Tensor:
        for block in self.blocks:
            x = block(x, allowed)
        return x
