"""The residual layers' tokens, one layer after the other (MoMask, section 3.3)."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from backend.engines.protocol import Array, ResidualNetwork
from backend.generation.samplers.noise import Noise
from backend.generation.samplers.steps import (
    NO_TOKEN,
    OnStep,
    Step,
    classifier_free_guidance,
    draw,
    lengths_to_mask,
    with_empty_text,
)
from backend.generation.sampling import Sampling

_DEFAULTS: Final = Sampling().of_residuals


@dataclass(frozen=True)
class ResidualSampler:
    """Draws the tokens of layer q from the summed embeddings of the layers before it.

    Ids: 0..codes-1 are codes, codes is padding (and a class of the output); results have -1 there.
    """

    network: ResidualNetwork

    def generate(
        self,
        base: Array,
        text: Array,
        lengths: Array,
        *,
        noise: Noise,
        sampling: Sampling = _DEFAULTS,
        layers: int | None = None,
        on_step: OnStep | None = None,
    ) -> Array:
        """Tokens (b, n, 1 + layers) from base tokens (b, n); -1 on padding.

        ``sampling`` is that of these layers, see `Sampling.of_residuals`; ``layers`` limits them. A
        valid token may also become -1, "no code": that is the class for padding, which the network
        can choose.
        """
        count = self.network.config.quantizers - 1 if layers is None else layers
        ids = np.concatenate([base[..., None], np.zeros((*base.shape, count), np.int64)], axis=-1)
        return self.edit(
            ids,
            np.ones(base.shape, bool),
            text,
            lengths,
            noise=noise,
            sampling=sampling,
            on_step=on_step,
        )

    def edit(
        self,
        ids: Array,
        editable: Array,
        text: Array,
        lengths: Array,
        *,
        noise: Noise,
        sampling: Sampling = _DEFAULTS,
        on_step: OnStep | None = None,
    ) -> Array:
        """Draw the residual layers of the ``editable`` tokens (b, n, bool) and keep the others.

        ids (b, n, 1 + layers) have the base tokens in front; what they hold in the residual layers
        of editable tokens is not read. Result as of ``generate``.
        """
        codes = self.network.config.codes
        width, count = ids.shape[1], ids.shape[2] - 1
        valid = lengths_to_mask(lengths, width)
        ids = np.where(valid[..., None] & (ids >= 0), ids, codes)
        tables, texts = self.network.token_tables(), with_empty_text(text, sampling.guidance)
        wanted = editable & valid
        layer_ids = ids[..., 0]
        result = [layer_ids]
        history = np.zeros((), np.float32)
        for layer in range(1, count + 1):
            history = history + tables[layer - 1][layer_ids]
            logits = self.network.logits(history, layer, texts, lengths, wanted)
            logits = classifier_free_guidance(logits, sampling.guidance)
            uniforms = noise.uniforms(lengths.tolist(), width, codes + 1)[wanted]
            if on_step is not None:
                on_step(Step(layer - 1, count, layer_ids))
            layer_ids = ids[..., layer].copy()
            layer_ids[wanted] = draw(logits, uniforms, sampling)
            result.append(layer_ids)
        stacked = np.stack(result, axis=-1)
        return np.where(stacked == codes, NO_TOKEN, stacked)
