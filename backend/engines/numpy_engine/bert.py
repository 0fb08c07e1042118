"""A BERT encoder in numpy (Devlin et al. 2019), with the tensor names of its published files."""

from collections.abc import Mapping
from typing import Final

import numpy as np

from backend.engines.numpy_engine import functional as f
from backend.engines.protocol import Array

_EPS: Final = 1e-12


class NumpyBert:
    """Token ids to hidden states; as many layers as the tensors have.

    Args:
        tensors: in half or single precision. Matrices are widened once; the table of words stays
            as it is, because a text reads a few of its 30,000 rows.
        heads: of each attention layer.
    """

    def __init__(self, tensors: Mapping[str, Array], heads: int) -> None:
        self._words = tensors["embeddings.word_embeddings.weight"]
        self._tensors = {
            key: values.astype(np.float32)
            for key, values in tensors.items()
            if key != "embeddings.word_embeddings.weight"
        }
        self._heads = heads
        self._layers = 0
        while f"encoder.layer.{self._layers}.output.dense.weight" in tensors:
            self._layers += 1

    def __call__(self, ids: Array) -> Array:
        """Hidden states (b, n, width) of ids (b, n), none of them padding."""
        x = self._words[ids].astype(np.float32)
        x += self._tensors["embeddings.token_type_embeddings.weight"][0]
        x += self._tensors["embeddings.position_embeddings.weight"][: ids.shape[1]]
        x = self._norm("embeddings.LayerNorm", x)
        for layer in range(self._layers):
            x = self._layer(f"encoder.layer.{layer}", x)
        return x

    def _layer(self, name: str, x: Array) -> Array:
        def heads(part: str) -> Array:
            rows = self._linear(f"{name}.attention.self.{part}", x)
            return rows.reshape(*x.shape[:2], self._heads, -1).transpose(0, 2, 1, 3)

        q, k, v = (heads(part) for part in ("query", "key", "value"))
        mixed = self._linear(f"{name}.attention.output.dense", f.attention(q, k, v))
        x = self._norm(f"{name}.attention.output.LayerNorm", x + mixed)
        hidden = f.gelu(self._linear(f"{name}.intermediate.dense", x))
        hidden = self._linear(f"{name}.output.dense", hidden)
        return self._norm(f"{name}.output.LayerNorm", x + hidden)

    def _linear(self, name: str, x: Array) -> Array:
        return f.linear(x, self._tensors[f"{name}.weight"], self._tensors[f"{name}.bias"])

    def _norm(self, name: str, x: Array) -> Array:
        return f.layer_norm(x, self._tensors[f"{name}.weight"], self._tensors[f"{name}.bias"], _EPS)
