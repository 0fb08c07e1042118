"""Lengths of motions, drawn from what a text makes likely."""

from dataclasses import dataclass

from backend.engines.protocol import Array, LengthNetwork
from backend.generation.samplers.noise import Noise
from backend.generation.samplers.steps import gumbel_sample


@dataclass(frozen=True)
class LengthSampler:
    """Draws from the length estimator's distribution."""

    network: LengthNetwork

    def sample(self, text: Array, noise: Noise) -> Array:
        """A length in tokens for each text (b); 0 is possible, as in the published code."""
        logits = self.network.logits(text)
        uniforms = noise.uniforms([1] * len(text), 1, logits.shape[1])
        return gumbel_sample(logits, uniforms[:, 0], temperature=1.0)
