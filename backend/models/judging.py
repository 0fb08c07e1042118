"""The network of the trained judge: what a moment of a motion is like, and whether it is violent.

Convolutions over `judges.channels`; one place in the output is four frames, and sees 1.9 seconds.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

STRIDE = 4


@dataclass(frozen=True)
class JudgeConfig:
    """Sizes: channels of the input, of the layers between, of the embedding, and kinds."""

    channels: int
    width: int = 96
    embedding: int = 48
    kinds: int = 2


class JudgeNetwork(nn.Module):
    """Embeds each moment, and scores it as violent and as one of the kinds of action."""

    def __init__(self, config: JudgeConfig) -> None:
        super().__init__()
        self.config = config
        width = config.width
        self.layers = nn.ModuleList(
            [
                nn.Conv1d(config.channels, width, 5, stride=2, padding=2),
                nn.Conv1d(width, width, 5, stride=2, padding=2),
                nn.Conv1d(width, width, 3, padding=1),
                nn.Conv1d(width, width, 3, padding=2, dilation=2),
                nn.Conv1d(width, config.embedding, 1),
            ]
        )
        self.dropout = nn.Dropout(0.2)
        self.violent = nn.Linear(config.embedding, 1)
        self.kind = nn.Linear(config.embedding, config.kinds)

    def embed(self, x: Tensor) -> Tensor:
        """Embeddings (b, n, embedding) of channels (b, channels, T), n about T / 4."""
        for layer in self.layers[:-1]:
            x = self.dropout(torch.relu(layer(x)))
        return self.layers[-1](x).transpose(1, 2)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Logits of violence (b, n) and of the kinds (b, n, kinds)."""
        embedded = self.embed(x)
        return self.violent(embedded)[..., 0], self.kind(embedded)
