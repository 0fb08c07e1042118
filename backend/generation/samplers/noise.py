"""Random numbers of the samplers: uniforms, and the Gumbel noise made from them.

``SeededNoise`` gives every sample of a batch its own generator and never draws for padding, so a
sample meets the same numbers alone, in any batch, and with any engine.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final, Protocol

import numpy as np

from backend.engines.protocol import Array

_FLOOR: Final = np.float32(1e-20)
_UNUSED: Final = 0.5
_BITS: Final = 24  # of a float32's fraction


class Noise(Protocol):
    """Source of uniforms in [0, 1)."""

    def uniforms(self, counts: Sequence[int], width: int, classes: int) -> Array:
        """float32 (b, width, classes); sample i uses only its first ``counts[i]`` columns."""
        ...


class SeededNoise:
    """One Mersenne Twister per sample: the numbers that ``torch.rand`` draws on a processor.

    Seeds so keep the motions that they had when PyTorch drew them.
    """

    def __init__(self, seeds: Iterable[int]) -> None:
        self._generators = [_mersenne_twister(seed) for seed in seeds]

    def uniforms(self, counts: Sequence[int], width: int, classes: int) -> Array:
        """See `Noise`; raises ValueError for another number of samples than there are seeds."""
        if len(counts) != len(self._generators):
            raise ValueError(
                f"The noise has {len(self._generators)} generators for a batch of {len(counts)}; "
                "give one seed per sample."
            )
        drawn = np.full((len(counts), width, classes), _UNUSED, np.float32)
        for row, count, generator in zip(drawn, counts, self._generators, strict=True):
            raw = generator.random_raw(count * classes) & (2**_BITS - 1)
            row[:count] = raw.astype(np.float32).reshape(count, classes)
            row[:count] *= np.float32(2.0**-_BITS)
        return drawn


def _mersenne_twister(seed: int) -> np.random.MT19937:
    """Seeded as Matsumoto and Nishimura's first version, with the last 32 bits of the seed."""
    twister = np.random.MT19937()
    seeded: Any = np.random.RandomState(seed & 0xFFFFFFFF).get_state(legacy=False)
    twister.state = seeded
    return twister


def gumbel(uniforms: Array) -> Array:
    """Standard Gumbel noise -log(-log u); both logarithms are kept off zero."""
    inner = np.log(np.maximum(uniforms, _FLOOR))
    np.negative(inner, out=inner)
    np.maximum(inner, _FLOOR, out=inner)
    np.log(inner, out=inner)
    return np.negative(inner, out=inner)
