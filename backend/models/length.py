"""Length estimator: a distribution over motion lengths for a text (Guo et al., CVPR 2022)."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .noise import Noise
from .sampling import gumbel_sample

SLOPE = 0.2


@dataclass(frozen=True)
class LengthConfig:
    """text_dim: width of the text vectors. lengths: number of classes; class k means k tokens."""

    text_dim: int = 512
    lengths: int = 50
    dropout: float = 0.2


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

    @torch.inference_mode()
    def sample(self, text: Tensor, noise: Noise) -> Tensor:
        """Draw a length in tokens for each text (b); 0 is possible, as in the published code."""
        logits = self(text)
        uniforms = noise.uniforms([1] * len(text), 1, logits.shape[1])
        return gumbel_sample(logits, uniforms[:, 0], temperature=1.0)
