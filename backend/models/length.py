"""Length estimator: a distribution over motion lengths for a text (Guo et al., CVPR 2022)."""

import torch.nn.functional as F
from torch import Tensor, nn

from .configs import LengthConfig

SLOPE = 0.2


class LengthEstimator(nn.Module):
    """Text vector (b, text_dim) -> logits (b, lengths)."""

    def __init__(self, config: LengthConfig) -> None:
        super().__init__()
        self.config = config
        self.output = nn.Sequential(
            *self._block(config.text_dim, 512),
            nn.Dropout(config.dropout),
            *self._block(512, 256),
            nn.Dropout(config.dropout),
            *self._block(256, 128),
            nn.Linear(128, config.lengths),
        )

    @staticmethod
    def _block(inputs: int, outputs: int) -> list[nn.Module]:
        return [nn.Linear(inputs, outputs), nn.LayerNorm(outputs), nn.LeakyReLU(SLOPE)]

    def forward(self, text: Tensor) -> Tensor:
        return self.output(text)

    def loss(self, text: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Cross entropy and accuracy for texts (b, text_dim) and lengths (b) in tokens."""
        logits = self(text)
        accuracy = (logits.argmax(1) == lengths).float().mean()
        return F.cross_entropy(logits.float(), lengths), accuracy
