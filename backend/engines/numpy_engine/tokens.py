"""The networks that write tokens: the masked and the residual transformer, the length estimator."""

from collections.abc import Mapping

import numpy as np

from backend.engines.numpy_engine import functional as f
from backend.engines.numpy_engine.network import NumpyNetwork, linear_shapes, norm_shapes
from backend.engines.numpy_engine.transformer import NumpyTransformer
from backend.engines.protocol import Array
from backend.models.configs import LengthConfig, MaskedConfig, ResidualConfig
from backend.models.reference_quirks import ReferenceQuirks


class NumpyMasked(NumpyTransformer):
    """`backend.models.masked.MaskTransformer` in numpy; a `MaskedNetwork`."""

    def __init__(
        self, config: MaskedConfig, state: Mapping[str, Array], quirks: ReferenceQuirks
    ) -> None:
        super().__init__(config, state)

    @staticmethod
    def shapes(config: MaskedConfig) -> dict[str, tuple[int, ...]]:
        embedding = {"token_emb.weight": (config.codes + 2, config.code_dim)}
        return embedding | NumpyTransformer.common_shapes(config, config.codes)

    def logits(self, ids: Array, text: Array, lengths: Array, wanted: Array) -> Array:
        tokens = self._embed_tokens(self._tensors["token_emb.weight"][ids])
        tokens += self._positions(ids.shape[1])
        copies = len(text) // len(ids)
        x = with_prefix(self._linear("cond_emb", text)[:, None], tokens, copies)
        rows = np.pad(wanted, ((0, 0), (1, 0)))
        lengths = np.tile(lengths + 1, copies)
        return self._head(self._wanted_rows(x, lengths, np.tile(rows, (copies, 1))))


class NumpyResidual(NumpyTransformer):
    """`backend.models.residual.ResidualTransformer` in numpy; a `ResidualNetwork`."""

    def __init__(
        self, config: ResidualConfig, state: Mapping[str, Array], quirks: ReferenceQuirks
    ) -> None:
        super().__init__(config, state)
        self._factor = np.float32(2 if quirks.doubled_logits else 1)

    @staticmethod
    def shapes(config: ResidualConfig) -> dict[str, tuple[int, ...]]:
        layers, table = config.quantizers - 1, (config.codes + 1, config.code_dim)
        shapes = linear_shapes("quant_emb", config.quantizers, config.width)
        if config.shared_weights:
            shapes["embed_proj_shared_weight"] = (layers - 1, *table)
            shapes["token_embed_weight_"] = shapes["output_proj_weight_"] = (1, *table)
        else:
            shapes["token_embed_weight"] = shapes["output_proj_weight"] = (layers, *table)
            shapes["output_proj_bias"] = (config.quantizers, config.codes + 1)
        return shapes | NumpyTransformer.common_shapes(config, config.code_dim)

    def token_tables(self) -> Array:
        if not self._config.shared_weights:
            return self._tensors["token_embed_weight"]
        parts = ("token_embed_weight_", "embed_proj_shared_weight")
        return self._once("tables", lambda: np.concatenate([self._tensors[p] for p in parts]))

    def logits(
        self, history: Array, layer: int, text: Array, lengths: Array, wanted: Array
    ) -> Array:
        tokens = self._embed_tokens(history)
        tokens += self._positions(history.shape[1])
        copies = len(text) // len(history)
        quantizer = self._tensors["quant_emb.weight"][:, layer] + self._tensors["quant_emb.bias"]
        text_rows = self._linear("cond_emb", text)
        prefix = np.stack([text_rows, np.broadcast_to(quantizer, text_rows.shape)], axis=1)
        x = with_prefix(prefix, tokens, copies)
        rows = np.pad(wanted, ((0, 0), (2, 0)))
        lengths = np.tile(lengths + 2, copies)
        hidden = self._head(self._wanted_rows(x, lengths, np.tile(rows, (copies, 1))))
        return self._classes(hidden, layer)

    def _classes(self, hidden: Array, layer: int) -> Array:
        """Logits (rows, codes + 1) of hidden (rows, code_dim)."""
        if not self._config.shared_weights:
            logits = f.linear(hidden, self._tensors["output_proj_weight"][layer - 1])
            return self._factor * logits + self._tensors["output_proj_bias"][layer - 1]
        shared = self._tensors["embed_proj_shared_weight"]
        last = self._tensors["output_proj_weight_"][0]
        return f.linear(hidden, shared[layer - 1] if layer <= len(shared) else last)


class NumpyLength(NumpyNetwork):
    """`backend.models.length.LengthEstimator` in numpy; a `LengthNetwork`."""

    _SIZES = (512, 256, 128)
    _SLOPE = 0.2

    def __init__(
        self, config: LengthConfig, state: Mapping[str, Array], quirks: ReferenceQuirks
    ) -> None:
        super().__init__(config, state)

    @staticmethod
    def shapes(config: LengthConfig) -> dict[str, tuple[int, ...]]:
        shapes: dict[str, tuple[int, ...]] = {}
        inputs = config.text_dim
        # Linear, norm, activation and dropout take a number each; the last block has no dropout.
        for number, outputs in enumerate(NumpyLength._SIZES):
            shapes |= linear_shapes(f"output.{4 * number}", inputs, outputs)
            shapes |= norm_shapes(f"output.{4 * number + 1}", outputs)
            inputs = outputs
        return shapes | linear_shapes("output.11", inputs, config.lengths)

    def logits(self, text: Array) -> Array:
        x = text
        for number in range(len(self._SIZES)):
            x = self._norm(f"output.{4 * number + 1}", self._linear(f"output.{4 * number}", x))
            x = f.leaky_relu(x, self._SLOPE)
        return self._linear("output.11", x)


def with_prefix(prefix: Array, tokens: Array, copies: int) -> Array:
    """Rows (c b, p + n, width) of prefixes (c b, p, width) and tokens (b, n, width)."""
    return np.concatenate([prefix, np.tile(tokens, (copies, 1, 1))], axis=1)
