"""The residual quantiser's codebooks: vectors to ids of several layers, and back.

A vector is approximated by a sum of code vectors: every layer quantises what the layers before it
left over (MoMask, section 3.1, after Zeghidour et al., SoundStream).
"""

from dataclasses import dataclass

import numpy as np

from backend.engines.protocol import Array, Network, codebook_key
from backend.generation.samplers.steps import NO_TOKEN


@dataclass(frozen=True)
class Codebooks:
    """The codebooks (V, C) of all layers, base layer first."""

    books: tuple[Array, ...]

    @classmethod
    def of(cls, network: Network) -> "Codebooks":
        """Those of an RVQ-VAE as they are now, edits included."""
        layers = range(network.config.quantizers)
        return cls(tuple(network.read(codebook_key(layer)) for layer in layers))

    def encode(self, latent: Array) -> Array:
        """Ids (b, n, Q) of latent vectors (b, n, C): the nearest code, of equals the lowest id."""
        residual = latent.reshape(-1, latent.shape[-1])
        ids = []
        for book in self.books:
            chosen = squared_distances(residual, book).argmin(axis=1)
            ids.append(chosen)
            # The rounding of the straight-through sum is part of the published values.
            residual = residual - (residual + (book[chosen] - residual))
        return np.stack(ids, axis=-1).reshape(*latent.shape[:2], len(self.books))

    def decode(self, ids: Array) -> Array:
        """Summed code vectors (b, n, C) of ids (b, n, q <= Q); -1 for "no code here"."""
        total = np.zeros((*ids.shape[:2], self.books[0].shape[1]), np.float32)
        for layer, book in enumerate(self.books[: ids.shape[-1]]):
            chosen = ids[..., layer]
            total += np.where((chosen == NO_TOKEN)[..., None], np.float32(0), book[chosen])
        return total


def squared_distances(vectors: Array, book: Array) -> Array:
    """(N, C) and (V, C) -> (N, V)."""
    products = np.einsum("ik,jk->ij", vectors, book)
    squares = np.square(vectors).sum(axis=1, keepdims=True)
    distances: Array = squares - 2 * products + np.square(book).sum(axis=1)
    return distances
