"""MoMask's iterative unmasking: base tokens in a few parallel steps (section 3.4)."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from backend.engines.protocol import Array, MaskedNetwork
from backend.generation.samplers.noise import Noise
from backend.generation.samplers.steps import (
    KEPT,
    NO_TOKEN,
    OnStep,
    Step,
    bottom_k_mask,
    classifier_free_guidance,
    cosine_schedule,
    draw,
    lengths_to_mask,
    mask_counts,
    times,
    with_empty_text,
)
from backend.generation.sampling import Sampling
from backend.models.reference_quirks import CORRECTED, ReferenceQuirks

_DEFAULTS: Final = Sampling()
_RESAMPLE_SHARE: Final = 0.16


@dataclass(frozen=True)
class MaskedSampler:
    """Fills masked tokens from both sides, the surest first.

    Ids: 0..codes-1 are codes, codes marks what is to be filled, codes + 1 what lies behind the end
    of a motion. Results have -1 there.
    """

    network: MaskedNetwork
    quirks: ReferenceQuirks = CORRECTED

    def generate(
        self,
        text: Array,
        lengths: Array,
        *,
        noise: Noise,
        sampling: Sampling = _DEFAULTS,
        on_step: OnStep | None = None,
    ) -> Array:
        """Tokens (b, n) for text (b, text_dim) and lengths (b) in tokens; -1 behind the length.

        The published option between Gumbel and categorical sampling has no counterpart: both draw
        from the same distribution.
        """
        tokens = np.full((len(text), int(lengths.max())), NO_TOKEN)
        return self.edit(
            tokens,
            np.ones(tokens.shape, bool),
            text,
            lengths,
            noise=noise,
            sampling=sampling,
            on_step=on_step,
        )

    def edit(
        self,
        tokens: Array,
        editable: Array | None,
        text: Array,
        lengths: Array,
        *,
        noise: Noise,
        sampling: Sampling = _DEFAULTS,
        on_step: OnStep | None = None,
    ) -> Array:
        """Regenerate the ``editable`` tokens (b, n, bool) under a text and keep the others.

        ``editable`` None revises the whole motion instead: in every step the 16 % of the tokens
        that the network believes in least are drawn again. Result as of ``generate``.
        """
        codes = self.network.config.codes
        mask_id, pad_id = codes, codes + 1
        width = tokens.shape[1]
        valid = lengths_to_mask(lengths, width)
        revise = editable is None
        editable = valid if editable is None else editable & valid
        ids = np.where(tokens < 0, pad_id, tokens)
        ids = np.where(valid, ids, pad_id) if revise else np.where(editable, mask_id, ids)
        scores = np.where(editable, np.float32(0), KEPT)
        amount = editable.sum(axis=1)
        fewest = 1 if self.quirks.edits_something else 0
        texts = with_empty_text(text, sampling.guidance)
        for index, t in enumerate(times(sampling.steps)):
            share = _RESAMPLE_SHARE if revise else cosine_schedule(t)
            counts = np.maximum(mask_counts(share, amount), fewest)
            masked = bottom_k_mask(scores, counts)
            ids = np.where(masked, mask_id, ids)
            wanted = editable if revise else masked
            logits = self.network.logits(ids, texts, lengths, wanted)
            logits = classifier_free_guidance(logits, sampling.guidance)
            uniforms = noise.uniforms(lengths.tolist(), width, codes)[wanted]
            rows = draw(logits, uniforms, sampling)
            drawn = ids.copy()
            drawn[wanted] = rows
            scores = np.full(ids.shape, KEPT)
            scores[wanted] = _belief(logits, rows)
            if on_step is not None:
                on_step(Step(index, sampling.steps, ids))
            ids = np.where(masked, drawn, ids)
        return np.where(valid, ids, NO_TOKEN)


def _belief(logits: Array, chosen: Array) -> Array:
    """The softmax of logits (rows, codes) at the chosen codes (rows)."""
    shares = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.take_along_axis(shares, chosen[:, None], 1)[:, 0] / shares.sum(axis=1)
