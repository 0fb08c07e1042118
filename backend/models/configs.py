"""Sizes of every network, which need no torch to be read from a checkpoint."""

from dataclasses import dataclass


@dataclass(frozen=True)
class TransformerConfig:
    """Sizes that all token transformers share; the defaults are those of the official release.

    codes, code_dim: size of the RVQ-VAE's codebooks. text_dim: width of the text vectors.
    text_drop: share of training samples whose text is withheld, which makes guidance possible.
    """

    codes: int = 512
    code_dim: int = 512
    text_dim: int = 512
    width: int = 384
    heads: int = 6
    ff: int = 1024
    layers: int = 8
    dropout: float = 0.2
    text_drop: float = 0.1


@dataclass(frozen=True)
class MaskedConfig(TransformerConfig):
    """Sizes of the masked transformer."""


@dataclass(frozen=True)
class ResidualConfig(TransformerConfig):
    """Sizes of the residual transformer.

    shared_weights: the output table of a layer is the input table of its result, as in the official
    release; otherwise every layer has both tables and a bias.
    """

    text_drop: float = 0.2
    quantizers: int = 6
    shared_weights: bool = True


@dataclass(frozen=True)
class BAMMConfig(TransformerConfig):
    """Sizes of BAMM's transformer.

    pre_norm: the flavour named ``t2mgpt`` instead of the released ``official`` one. It has no
    cached generation: only the forward pass and training.
    """

    pre_norm: bool = False


@dataclass(frozen=True)
class LengthConfig:
    """text_dim: width of the text vectors. lengths: number of classes; class k means k tokens."""

    text_dim: int = 512
    lengths: int = 50
    dropout: float = 0.2


@dataclass(frozen=True)
class RVQConfig:
    """Sizes and training settings; the defaults are those of the official release.

    down: levels that halve the frame rate, so one token stands for 2**down frames.
    mu: decay of the codebooks' moving averages. quantize_dropout: share of training batches that
    use only the first few quantisers. dropout: inside the residual blocks.
    """

    features: int = 263
    codes: int = 512
    code_dim: int = 512
    width: int = 512
    quantizers: int = 6
    down: int = 2
    depth: int = 3
    dilation_growth: int = 3
    activation: str = "relu"
    norm: str | None = None
    shared_codebook: bool = False
    quantize_dropout: float = 0.2
    mu: float = 0.99
    dropout: float = 0.2
