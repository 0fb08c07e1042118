"""Random numbers of the samplers: uniforms and the Gumbel noise made from them.

Samplers take their uniforms from a ``Noise``. ``SeededNoise`` gives every sample of a batch its own
generator and never draws for padding, so a sample meets the same numbers alone or in any batch.
"""

from collections.abc import Iterable, Sequence
from typing import Protocol

import torch
from torch import Tensor

LOG_FLOOR = 1e-20
UNUSED = 0.5


class Noise(Protocol):
    """Source of uniforms in [0, 1)."""

    def uniforms(self, counts: Sequence[int], width: int, classes: int) -> Tensor:
        """(b, width, classes) on the CPU; sample i uses only its first ``counts[i]`` columns."""
        ...


class SeededNoise:
    """One CPU generator per sample, whatever the device of the model."""

    def __init__(self, generators: Sequence[torch.Generator]) -> None:
        self.generators = list(generators)

    @classmethod
    def from_seeds(cls, seeds: Iterable[int]) -> "SeededNoise":
        return cls([torch.Generator().manual_seed(seed) for seed in seeds])

    def uniforms(self, counts: Sequence[int], width: int, classes: int) -> Tensor:
        if len(counts) != len(self.generators):
            raise ValueError(
                f"The noise has {len(self.generators)} generators for a batch of {len(counts)}; "
                "give one generator per sample."
            )
        drawn = torch.full((len(counts), width, classes), UNUSED)
        for row, count, generator in zip(drawn, counts, self.generators, strict=True):
            row[:count] = torch.rand(count, classes, generator=generator)
        return drawn


class RecordedNoise:
    """Uniforms recorded elsewhere, one (b, width, classes) tensor per draw, in call order."""

    def __init__(self, draws: Iterable[Tensor]) -> None:
        self._draws = iter(draws)

    def uniforms(self, counts: Sequence[int], width: int, classes: int) -> Tensor:
        drawn = next(self._draws)
        if drawn.shape != (len(counts), width, classes):
            raise ValueError(
                f"The recorded noise has shape {tuple(drawn.shape)} where "
                f"{(len(counts), width, classes)} is needed."
            )
        return drawn


def gumbel(uniforms: Tensor) -> Tensor:
    """Standard Gumbel noise -log(-log u); both logarithms are kept off zero."""
    inner = -torch.log(uniforms.clamp(min=LOG_FLOOR))
    return -torch.log(inner.clamp(min=LOG_FLOOR))
