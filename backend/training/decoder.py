"""Trainer that refines the RVQ-VAE's decoder on frozen tokens, judged by the motion it makes.

Longer windows than the RVQ-VAE's own training, and codes that no longer move under the decoder.
"""

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from backend.datasets.preparation import PreparedClip
from backend.models.rvqvae import RVQVAE
from backend.training.precision import mixed_precision
from backend.training.rvq import POSITIONS, RVQTask, WindowShares

WINDOW = 80
# How often only the first layers are decoded: what the residual transformer adds to them in
# generation is less certain than what the encoder says.
FEWER_LAYERS = 0.3
# Tokens blur what lasts a tenth of a second; only strikes met often teach what they stood for.
SHARES = WindowShares(free=0.3, strikes=0.2, low=0.08, still=0.05)


class DecoderTask(RVQTask):
    """Like `RVQTask`, for the decoder alone and longer windows."""

    name = "decoder"

    def __init__(
        self,
        network: RVQVAE,
        clips: Sequence[PreparedClip],
        mean: np.ndarray,
        std: np.ndarray,
        batch: int = 32,
    ) -> None:
        super().__init__(network, clips, mean, std, batch, 1.0, WINDOW, SHARES)
        network.encoder.requires_grad_(False)

    def loss(self, rng: np.random.Generator) -> dict[str, Tensor]:
        """Smooth L1 over features, plus world joints (metres) and the speed of standing feet."""
        x = self.windows(rng)
        with torch.no_grad():
            self.network.eval()
            ids, _ = self.network.encode(x)
        if rng.random() < FEWER_LAYERS:
            ids = ids[..., : int(rng.integers(1, ids.shape[-1]))]
        self.network.decoder.train()
        with mixed_precision(x.device):
            y = self.network.decode(ids)
        y = y.float()
        features = F.smooth_l1_loss(y, x)
        positions = F.smooth_l1_loss(y[..., POSITIONS], x[..., POSITIONS])
        motion = self._motion_loss(x, y)
        return {"loss": features + positions + motion.pop("loss"), "features": features, **motion}

    def extra_state(self) -> dict[str, Tensor]:
        """The codebooks do not move here."""
        return {}

    def load_extra_state(self, state: dict[str, Tensor]) -> None:
        """The codebooks do not move here."""

    def validate(self, network: nn.Module) -> dict[str, float]:
        """MPJPE in mm per source, mean over validation clips."""
        return super().validate(network.eval())
