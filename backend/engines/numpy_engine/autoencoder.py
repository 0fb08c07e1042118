"""The RVQ-VAE's convolutions in numpy, round the codebooks that `backend.generation` looks up in.

Arrays are (b, frames, channels): a convolution is a product of rows of neighbouring frames.
"""

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np

from backend.engines.numpy_engine import functional as f
from backend.engines.numpy_engine.network import NumpyNetwork
from backend.engines.protocol import Array, codebook_key
from backend.models.configs import RVQConfig
from backend.models.reference_quirks import ReferenceQuirks

_ACTIVATIONS: Final[dict[str, Callable[[Array], Array]]] = {
    "relu": f.relu,
    "silu": f.silu,
    "gelu": f.gelu,
}
_NORMS: Final = (None, "LN")


class NumpyAutoencoder(NumpyNetwork):
    """`backend.models.rvqvae.RVQVAE` in numpy; an `AutoencoderNetwork`."""

    def __init__(
        self, config: RVQConfig, state: Mapping[str, Array], quirks: ReferenceQuirks
    ) -> None:
        if config.norm not in _NORMS or config.activation not in _ACTIVATIONS:
            raise ValueError(
                f"an RVQ-VAE with the norm {config.norm!r} and the activation "
                f"{config.activation!r} runs in the Full Backend alone"
            )
        super().__init__(config, state)
        if config.shared_codebook:
            first = self._tensors[codebook_key(0)]
            self._tensors |= {codebook_key(layer): first for layer in range(config.quantizers)}
        self._activation = _ACTIVATIONS[config.activation]

    @staticmethod
    def shapes(config: RVQConfig) -> dict[str, tuple[int, ...]]:
        width = config.width
        shapes: dict[str, tuple[int, ...]] = {}

        def conv(name: str, inputs: int, outputs: int, size: int) -> None:
            shapes[f"{name}.weight"] = (outputs, inputs, size)
            shapes[f"{name}.bias"] = (outputs,)

        def stack(name: str) -> None:
            for block in range(config.depth):
                if config.norm == "LN":
                    for norm in ("norm1", "norm2"):
                        shapes[f"{name}.model.{block}.{norm}.weight"] = (width,)
                        shapes[f"{name}.model.{block}.{norm}.bias"] = (width,)
                conv(f"{name}.model.{block}.conv1", width, width, 3)
                conv(f"{name}.model.{block}.conv2", width, width, 1)

        conv("encoder.model.0", config.features, width, 3)
        for level in range(config.down):
            conv(f"encoder.model.{2 + level}.0", width, width, 4)
            stack(f"encoder.model.{2 + level}.1")
        conv(f"encoder.model.{2 + config.down}", width, config.code_dim, 3)
        conv("decoder.model.0", config.code_dim, width, 3)
        for level in range(config.down):
            stack(f"decoder.model.{2 + level}.0")
            conv(f"decoder.model.{2 + level}.2", width, width, 3)
        conv(f"decoder.model.{2 + config.down}", width, width, 3)
        conv(f"decoder.model.{4 + config.down}", width, config.features, 3)
        for layer in range(config.quantizers):
            shapes[codebook_key(layer)] = (config.codes, config.code_dim)
        return shapes

    def encode(self, features: Array) -> Array:
        down = self._config.down
        x = f.relu(self._conv("encoder.model.0", features, pad=1))
        for level in range(down):
            x = self._conv(f"encoder.model.{2 + level}.0", x, pad=1, stride=2)
            x = self._stack(f"encoder.model.{2 + level}.1", x)
        return self._conv(f"encoder.model.{2 + down}", x, pad=1)

    def decode(self, vectors: Array) -> Array:
        down = self._config.down
        x = f.relu(self._conv("decoder.model.0", vectors, pad=1))
        for level in range(down):
            x = np.repeat(self._stack(f"decoder.model.{2 + level}.0", x), 2, axis=1)
            x = self._conv(f"decoder.model.{2 + level}.2", x, pad=1)
        x = f.relu(self._conv(f"decoder.model.{2 + down}", x, pad=1))
        return self._conv(f"decoder.model.{4 + down}", x, pad=1)

    def _stack(self, name: str, x: Array) -> Array:
        """Residual blocks from the widest dilation to the narrowest."""
        config = self._config
        for block in range(config.depth):
            part = f"{name}.model.{block}"
            dilation = config.dilation_growth ** (config.depth - 1 - block)
            hidden = self._activation(self._block_norm(f"{part}.norm1", x))
            hidden = self._conv(f"{part}.conv1", hidden, pad=dilation, dilation=dilation)
            hidden = self._activation(self._block_norm(f"{part}.norm2", hidden))
            x = x + self._conv(f"{part}.conv2", hidden)
        return x

    def _block_norm(self, name: str, x: Array) -> Array:
        return x if self._config.norm is None else self._norm(name, x)

    def _conv(self, name: str, x: Array, pad: int = 0, stride: int = 1, dilation: int = 1) -> Array:
        """x (b, T, inputs) -> (b, T', outputs), zeros beyond both ends."""
        weight = self._tensors[f"{name}.weight"]
        size = weight.shape[2]
        flat = self._once(name, lambda: weight.transpose(0, 2, 1).reshape(len(weight), -1).copy())
        x = np.pad(x, ((0, 0), (pad, pad), (0, 0)))
        count = (x.shape[1] - dilation * (size - 1) - 1) // stride + 1
        reach = stride * (count - 1) + 1
        taps = [x[:, k * dilation :][:, :reach:stride] for k in range(size)]
        rows = taps[0] if size == 1 else np.concatenate(taps, axis=2)
        return f.linear(rows, flat, self._tensors[f"{name}.bias"])
