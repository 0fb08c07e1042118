"""BAMM in numpy: whole sequences at once, or row by row with a cache."""

from collections.abc import Mapping

import numpy as np

from backend.engines.numpy_engine.transformer import LayerCache, NumpyTransformer
from backend.engines.protocol import Array
from backend.models.configs import BAMMConfig
from backend.models.reference_quirks import ReferenceQuirks
from shared.errors import PlacidError


class NumpyBAMM(NumpyTransformer):
    """`backend.models.bamm.BAMM` in numpy; an `AutoregressiveNetwork`."""

    def __init__(
        self, config: BAMMConfig, state: Mapping[str, Array], quirks: ReferenceQuirks
    ) -> None:
        if config.pre_norm:
            raise PlacidError(
                "unsupported_network",
                "BAMM's flavour t2mgpt runs in the Full Backend alone; set it up in Placid's "
                "preferences, or use the embedded model",
            )
        super().__init__(config, state)

    @staticmethod
    def shapes(config: BAMMConfig) -> dict[str, tuple[int, ...]]:
        embedding = {"token_emb.weight": (config.codes + 3, config.code_dim)}
        return embedding | NumpyTransformer.common_shapes(config, config.codes + 1)

    def _embed(self, ids: Array, text: Array) -> Array:
        """ids (b, n), text (c b, text_dim) -> rows (c b, n + 1, width), the text first."""
        tokens = self._embed_tokens(self._tensors["token_emb.weight"][ids])
        tokens = np.tile(tokens, (len(text) // len(ids), 1, 1))
        rows = np.concatenate([self._linear("cond_emb", text)[:, None], tokens], axis=1)
        return rows + self._positions(rows.shape[1])

    def logits(self, ids: Array, text: Array, known: Array | None) -> Array:
        rows = ids.shape[1] + 1
        allowed = np.tri(rows, dtype=bool)
        if known is not None:
            kept = np.pad(known, ((0, 0), (1, 0)), constant_values=True)
            seen = (allowed & ~kept[:, :, None]) | kept[:, None, :]
            allowed = np.tile(seen, (len(text) // len(ids), 1, 1))[:, None]
        return self._head(self._encode(self._embed(ids, text), allowed))

    def decoder(self, text: Array, copies: int, room: int) -> "NumpyDecoder":
        return NumpyDecoder(self, text, copies, room)

    def unstable_argsort(self, scores: Array) -> Array:
        return np.argsort(scores, axis=1)


class NumpyDecoder:
    """One pass with keys and values kept; a `Decoder`."""

    def __init__(self, network: NumpyBAMM, text: Array, copies: int, room: int) -> None:
        self._network = network
        self._text = text
        self._copies = copies
        self._caches = [LayerCache(room) for _ in network._layers()]

    def remember(self, ids: Array, rows: Array, visible: Array) -> None:
        everything = self._network._embed(ids, self._text)
        packed = np.tile(rows, (self._copies, 1))[:, :, None]
        allowed = np.tile(visible, (self._copies, 1))[:, None, None]
        x = np.take_along_axis(everything, packed, axis=1)
        self._network._encode(x, allowed, self._caches)

    def step(self, ids: Array, row: int, visible: Array | None, read: bool = True) -> Array:
        network = self._network
        if row == 0:
            x = network._linear("cond_emb", self._text)
        else:
            tokens = network._embed_tokens(network._tensors["token_emb.weight"][ids])
            x = np.tile(tokens, (self._copies, 1))
        x = (x + network._positions(row + 1)[row])[:, None]
        allowed = None
        if visible is not None:
            allowed = np.tile(visible, (self._copies, 1))[:, None, None]
        hidden = network._encode(x, allowed, self._caches)[:, 0]
        return network._head(hidden) if read else hidden

    def keep(self, samples: Array) -> None:
        size = len(self._text) // self._copies
        rows = np.concatenate([samples + copy * size for copy in range(self._copies)])
        self._text = self._text[rows]
        for cache in self._caches:
            cache.select(rows)
