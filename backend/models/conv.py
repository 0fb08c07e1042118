"""Convolutional encoder and decoder of the RVQ-VAE.

Both follow MoMask (Guo et al., CVPR 2024, section 3.1): strided convolutions with dilated residual
blocks in front of (decoder) or behind (encoder) every change of time resolution. Tensors are
channels first, (b, channels, frames), as ``nn.Conv1d`` wants them.
"""

from dataclasses import dataclass

from torch import Tensor, nn

ACTIVATIONS: dict[str, type[nn.Module]] = {"relu": nn.ReLU, "silu": nn.SiLU, "gelu": nn.GELU}
GROUPS = 32


class ChannelNorm(nn.LayerNorm):
    """Layer norm over the channels of a (b, channels, frames) tensor."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.transpose(1, 2)).transpose(1, 2)


def _norm(name: str | None, channels: int) -> nn.Module:
    match name:
        case None:
            return nn.Identity()
        case "LN":
            return ChannelNorm(channels)
        case "GN":
            return nn.GroupNorm(GROUPS, channels, eps=1e-6)
        case "BN":
            return nn.BatchNorm1d(channels, eps=1e-6)
    raise ValueError(f"Unknown norm {name!r}; choose LN, GN, BN or None.")


def _activation(name: str) -> nn.Module:
    if name not in ACTIVATIONS:
        raise ValueError(f"Unknown activation {name!r}; choose one of {', '.join(ACTIVATIONS)}.")
    return ACTIVATIONS[name]()


@dataclass(frozen=True)
class StackConfig:
    """Residual blocks of one resolution: how many, growth of the dilation, and their parts."""

    depth: int
    growth: int
    activation: str
    norm: str | None
    dropout: float


class ResidualBlock(nn.Module):
    """Pre-activation block: x + dropout(conv2(act(norm(conv1(act(norm(x)))))))."""

    def __init__(self, channels: int, dilation: int, config: StackConfig) -> None:
        super().__init__()
        self.norm1 = _norm(config.norm, channels)
        self.norm2 = _norm(config.norm, channels)
        self.activation = _activation(config.activation)
        self.conv1 = nn.Conv1d(channels, channels, 3, padding=dilation, dilation=dilation)
        self.conv2 = nn.Conv1d(channels, channels, 1)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x: Tensor) -> Tensor:
        hidden = self.conv1(self.activation(self.norm1(x)))
        hidden = self.conv2(self.activation(self.norm2(hidden)))
        return x + self.dropout(hidden)


class ResidualStack(nn.Module):
    """Residual blocks from the widest dilation to the narrowest, on both sides of the VAE."""

    def __init__(self, channels: int, config: StackConfig) -> None:
        super().__init__()
        dilations = [config.growth**level for level in reversed(range(config.depth))]
        self.model = nn.Sequential(*(ResidualBlock(channels, d, config) for d in dilations))

    def forward(self, x: Tensor) -> Tensor:
        return self.model(x)


class Encoder(nn.Module):
    """(b, features, T) -> (b, code_dim, n): each of the ``down`` levels halves the frames."""

    def __init__(
        self, features: int, code_dim: int, width: int, down: int, stack: StackConfig
    ) -> None:
        super().__init__()
        levels = [
            nn.Sequential(nn.Conv1d(width, width, 4, 2, 1), ResidualStack(width, stack))
            for _ in range(down)
        ]
        self.model = nn.Sequential(
            nn.Conv1d(features, width, 3, padding=1),
            nn.ReLU(),
            *levels,
            nn.Conv1d(width, code_dim, 3, padding=1),
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.model(x)


class Decoder(nn.Module):
    """(b, code_dim, n) -> (b, features, n * 2**down)."""

    def __init__(
        self, features: int, code_dim: int, width: int, down: int, stack: StackConfig
    ) -> None:
        super().__init__()
        levels = [
            nn.Sequential(
                ResidualStack(width, stack),
                nn.Upsample(scale_factor=2, mode="nearest"),
                nn.Conv1d(width, width, 3, padding=1),
            )
            for _ in range(down)
        ]
        self.model = nn.Sequential(
            nn.Conv1d(code_dim, width, 3, padding=1),
            nn.ReLU(),
            *levels,
            nn.Conv1d(width, width, 3, padding=1),
            nn.ReLU(),
            nn.Conv1d(width, features, 3, padding=1),
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.model(x)
