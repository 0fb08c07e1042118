"""RVQ-VAE: motion features to tokens of several residual layers, and back (MoMask, section 3.1)."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from .configs import RVQConfig
from .conv import Decoder, Encoder, StackConfig
from .quantizer import ResidualQuantizer


class RVQOutput(NamedTuple):
    """reconstruction (b, T', features) with T' = T rounded down to whole tokens; two scalars."""

    reconstruction: Tensor
    commit_loss: Tensor
    perplexity: Tensor


class RVQVAE(nn.Module):
    """Normalised motion features (b, T, features) <-> ids (b, n, quantizers), n = T // 2**down."""

    def __init__(self, config: RVQConfig) -> None:
        super().__init__()
        self.config = config
        stack = StackConfig(
            config.depth, config.dilation_growth, config.activation, config.norm, config.dropout
        )
        sizes = config.features, config.code_dim, config.width, config.down
        self.encoder = Encoder(*sizes, stack)
        self.decoder = Decoder(*sizes, stack)
        self.quantizer = ResidualQuantizer(
            config.quantizers,
            config.codes,
            config.code_dim,
            config.mu,
            config.shared_codebook,
            config.quantize_dropout,
        )

    def latent(self, x: Tensor) -> Tensor:
        """(b, T, features) -> encoder output (b, code_dim, n), not quantised."""
        return self.encoder(x.transpose(1, 2))

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(b, T, features) -> ids (b, n, Q) int64 and quantised vectors (Q, b, code_dim, n)."""
        return self.quantizer.encode(self.latent(x))

    def decode(self, ids: Tensor) -> Tensor:
        """ids (b, n, q <= Q), -1 for "no code here" -> (b, n * 2**down, features)."""
        return self.decoder(self.quantizer.decode(ids)).transpose(1, 2)

    def forward(self, x: Tensor) -> RVQOutput:
        """Reconstruct (b, T, features); in train mode the codebooks learn from the batch."""
        latent = self.latent(x).float()
        # Nearest codes are told apart by differences that half precision has not the digits for.
        with torch.autocast(x.device.type, enabled=False):
            quantised = self.quantizer(latent)
        reconstruction = self.decoder(quantised.value).transpose(1, 2).float()
        return RVQOutput(reconstruction, quantised.commit_loss, quantised.perplexity)

    def mark_initialised(self) -> None:
        """Go on training from the present codebooks; without it the first batch replaces them."""
        self.quantizer.mark_initialised()

    def expect(self, vectors: int) -> None:
        """Train on batches of so many latent vectors; see `ResidualQuantizer.expect`."""
        self.quantizer.expect(vectors)

    def training_state(self) -> dict[str, Tensor]:
        """Codebook statistics that a training checkpoint stores beside the state dict."""
        return self.quantizer.training_state()

    def load_training_state(self, state: dict[str, Tensor]) -> None:
        """Restore what ``training_state`` gave; raises KeyError when a tensor is missing."""
        self.quantizer.load_training_state(state)
