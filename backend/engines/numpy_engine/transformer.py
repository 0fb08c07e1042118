"""The post-norm transformer that the masked, the residual and BAMM's networks have in common.

The same network as `backend.models.transformer`, tensor for tensor.
"""

from typing import Final

import numpy as np

from backend.engines.numpy_engine import functional as f
from backend.engines.numpy_engine.network import NumpyNetwork, linear_shapes, norm_shapes
from backend.engines.protocol import Array
from backend.models.configs import TransformerConfig
from backend.models.positions import positions

_HEAD_EPS: Final = 1e-12
_POSITIONS: Final = 64  # more than a motion has tokens; more are made where they are asked for


class LayerCache:
    """Keys and values (b, heads, rows, head width) that one layer computed so far."""

    def __init__(self, room: int) -> None:
        self._room = room
        self._filled = 0
        self._keys = self._values = np.empty(0, np.float32)

    def append(self, keys: Array, values: Array) -> tuple[Array, Array]:
        """Add (b, heads, n, head width) and return all that is there."""
        b, heads, n, width = keys.shape
        if self._filled == 0:
            self._keys = np.empty((b, heads, self._room, width), np.float32)
            self._values = np.empty_like(self._keys)
        after = self._filled + n
        self._keys[:, :, self._filled : after] = keys
        self._values[:, :, self._filled : after] = values
        self._filled = after
        return self._keys[:, :, :after], self._values[:, :, :after]

    def select(self, rows: Array) -> None:
        """Keep only these samples of the batch."""
        if self._filled:
            self._keys, self._values = self._keys[rows], self._values[rows]


class RaggedBatch:
    """The rows of a padded batch that hold something, those of equally long samples side by side.

    Layers skip the padding, and samples of one length attend in one call.
    """

    def __init__(self, lengths: Array, width: int) -> None:
        order = np.argsort(lengths, kind="stable")
        sizes, counts = np.unique(lengths[order], return_counts=True)
        places = np.arange(len(lengths) * width).reshape(-1, width)[order]
        self._rows = places[np.arange(width) < lengths[order][:, None]]
        self._where = np.empty(len(lengths) * width, np.int64)
        self._where[self._rows] = np.arange(len(self._rows))
        ends = np.cumsum(counts * sizes)
        self._groups = list(zip(ends - counts * sizes, ends, sizes, strict=True))

    def pack(self, x: Array) -> Array:
        """(b, n, width) -> (rows, width)."""
        return x.reshape(-1, x.shape[2])[self._rows]

    def find(self, wanted: Array) -> Array:
        """Where the rows of bool (b, n) are among the packed ones, sample after sample."""
        return self._where[np.flatnonzero(wanted)]

    def groups(self, rows: Array) -> list[Array]:
        """Packed rows as (samples, n, ...), one array for each length n."""
        width = rows.shape[1]
        return [rows[start:end].reshape(-1, size, width) for start, end, size in self._groups]


class NumpyTransformer(NumpyNetwork):
    """Embedding of tokens and text, encoder and head; subclasses say what the tokens mean."""

    @staticmethod
    def common_shapes(config: TransformerConfig, outputs: int) -> dict[str, tuple[int, ...]]:
        """The tensors of embedding, encoder and head."""
        width, ff = config.width, config.ff
        shapes = linear_shapes("input_process.poseEmbedding", config.code_dim, width)
        shapes |= linear_shapes("cond_emb", config.text_dim, width)
        for layer in range(config.layers):
            name = f"seqTransEncoder.layers.{layer}"
            shapes |= {
                f"{name}.self_attn.in_proj_weight": (3 * width, width),
                f"{name}.self_attn.in_proj_bias": (3 * width,),
                **linear_shapes(f"{name}.self_attn.out_proj", width, width),
                **linear_shapes(f"{name}.linear1", width, ff),
                **linear_shapes(f"{name}.linear2", ff, width),
                **norm_shapes(f"{name}.norm1", width),
                **norm_shapes(f"{name}.norm2", width),
            }
        shapes |= linear_shapes("output_process.dense", width, width)
        shapes |= norm_shapes("output_process.LayerNorm", width)
        return shapes | linear_shapes("output_process.poseFinal", width, outputs)

    def _positions(self, count: int) -> Array:
        """(count, width) of the table of positions."""
        table = self._once("positions", lambda: positions(_POSITIONS, self._config.width))
        return table[:count] if count <= len(table) else positions(count, self._config.width)

    def _embed_tokens(self, vectors: Array) -> Array:
        """(..., code_dim) -> (..., width)."""
        return self._linear("input_process.poseEmbedding", vectors)

    def _head(self, hidden: Array) -> Array:
        """(..., width) -> (..., outputs)."""
        hidden = f.gelu(self._linear("output_process.dense", hidden))
        hidden = self._norm("output_process.LayerNorm", hidden, _HEAD_EPS)
        return self._linear("output_process.poseFinal", hidden)

    def _layers(self) -> list[str]:
        return [f"seqTransEncoder.layers.{layer}" for layer in range(self._config.layers)]

    def _project(self, layer: str, x: Array) -> Array:
        """(..., width) -> queries, keys and values (..., 3 width)."""
        name = f"{layer}.self_attn.in_proj"
        return f.linear(x, self._tensors[f"{name}_weight"], self._tensors[f"{name}_bias"])

    def _mix(
        self, qkv: Array, allowed: Array | None = None, cache: LayerCache | None = None
    ) -> Array:
        """What every row of (b, n, 3 width) sees of the others: (b, n, width)."""
        b, n, width = qkv.shape
        heads = self._config.heads
        q, k, v = qkv.reshape(b, n, 3, heads, width // (3 * heads)).transpose(2, 0, 3, 1, 4)
        if cache is not None:
            k, v = cache.append(k, v)
        return f.attention(q, k, v, allowed)

    def _after_attention(self, layer: str, x: Array, mixed: Array) -> Array:
        mixed = self._linear(f"{layer}.self_attn.out_proj", mixed)
        mixed += x
        x = self._norm(f"{layer}.norm1", mixed)
        hidden = self._linear(f"{layer}.linear2", f.gelu(self._linear(f"{layer}.linear1", x)))
        hidden += x
        return self._norm(f"{layer}.norm2", hidden)

    def _encode(
        self, x: Array, allowed: Array | None, caches: list[LayerCache] | None = None
    ) -> Array:
        """x (b, n, width) -> the same after all layers; `allowed` as of `functional.attention`."""
        for number, layer in enumerate(self._layers()):
            cache = None if caches is None else caches[number]
            x = self._after_attention(layer, x, self._mix(self._project(layer, x), allowed, cache))
        return x

    def _wanted_rows(self, x: Array, lengths: Array, wanted: Array) -> Array:
        """x (b, n, width), lengths (b), wanted (b, n, bool) -> (wanted rows, width).

        Rows before the length see each other. Padding is never computed, nor, in the last layer,
        what nobody reads.
        """
        batch = RaggedBatch(lengths, x.shape[1])
        rows, read = batch.pack(x), batch.find(wanted)
        *layers, last = self._layers()
        for layer in layers:
            rows = self._after_attention(layer, rows, self._mixed(layer, rows, batch))
        mixed = self._mixed(last, rows, batch)
        return self._after_attention(last, rows[read], mixed[read])

    def _mixed(self, layer: str, rows: Array, batch: RaggedBatch) -> Array:
        groups = batch.groups(self._project(layer, rows))
        return np.concatenate([self._mix(qkv).reshape(-1, rows.shape[1]) for qkv in groups])
