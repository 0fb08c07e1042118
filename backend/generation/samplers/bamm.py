"""BAMM's two passes: tokens from left to right, then a half of them again, seeing both sides.

Pinyoanuntapong et al., BAMM: Bidirectional Autoregressive Motion Model (ECCV 2024).
"""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from backend.engines.protocol import Array, AutoregressiveNetwork
from backend.generation.samplers.columns import SamplingState, fill_columns, fill_overwriting
from backend.generation.samplers.noise import Noise
from backend.generation.samplers.steps import (
    KEPT,
    NO_TOKEN,
    OnStep,
    bottom_k_mask,
    lengths_to_mask,
    mask_counts,
)
from backend.generation.sampling import PUBLISHED_BAMM, Sampling
from backend.models.reference_quirks import CORRECTED, ReferenceQuirks
from backend.motion.lengths import MAX_TOKENS

_COLUMNS: Final = MAX_TOKENS + 1  # the last possible end included
_AGAIN_SHARE: Final = 0.5


@dataclass(frozen=True)
class BAMMSampler:
    """Ids: 0..codes-1 are codes, codes closes a motion, codes + 1 is nothing yet.

    A motion of n tokens has its end in column n, so at most 49 tokens need 50 columns.
    """

    network: AutoregressiveNetwork
    quirks: ReferenceQuirks = CORRECTED

    @property
    def end_id(self) -> int:
        """The id that closes a motion."""
        return int(self.network.config.codes)

    @property
    def pad_id(self) -> int:
        """The id of a column where nothing is yet."""
        return self.end_id + 1

    def generate(
        self,
        text: Array,
        lengths: Array | None,
        *,
        noise: Noise,
        sampling: Sampling = PUBLISHED_BAMM,
        on_step: OnStep | None = None,
    ) -> tuple[Array, Array]:
        """Tokens (b, n), -1 behind the end, and lengths (b) for text (b, text_dim).

        Without ``lengths`` (b) in tokens the model ends each motion itself.
        """
        state = SamplingState(self.network, text, noise, sampling, on_step)
        ids = self.first_pass(state, lengths)
        ids, lengths = self.close(ids, lengths)
        again = self.to_regenerate(lengths)
        state = replace(state, sampling=sampling.guided(self.quirks.second_pass_guidance))
        ids = self.second_pass(state, ids, again, lengths)
        return self._result(ids, lengths), lengths

    def edit(
        self,
        tokens: Array,
        editable: Array,
        text: Array,
        lengths: Array,
        *,
        noise: Noise,
        sampling: Sampling = PUBLISHED_BAMM,
        on_step: OnStep | None = None,
    ) -> Array:
        """Regenerate the ``editable`` tokens (b, n, bool) under a text and keep the others.

        The kept tokens and the end are known to every new one. Result as of ``generate``.
        """
        behind = ((0, 0), (0, _COLUMNS - tokens.shape[1]))
        ids, _ = self.close(np.pad(tokens, behind, constant_values=self.pad_id), lengths)
        again = np.pad(editable, behind) & lengths_to_mask(lengths, _COLUMNS)
        ids = np.where(again | (ids < 0), self.pad_id, ids)
        state = SamplingState(self.network, text, noise, sampling, on_step)
        return self._result(self.second_pass(state, ids, again, lengths), lengths)

    def first_pass(self, state: SamplingState, lengths: Array | None) -> Array:
        """Ids (b, 50) from left to right; with lengths given no end is drawn."""
        ids = np.full((len(state.text), _COLUMNS), self.pad_id)
        most = np.full(len(ids), MAX_TOKENS) if lengths is None else lengths
        classes = self.end_id + (1 if lengths is None else 0)
        known = np.zeros(ids.shape, bool)
        if self.quirks.overwrites_known:
            return fill_overwriting(state, ids, known, MAX_TOKENS, classes)
        return fill_columns(state, ids, known, lengths_to_mask(most, _COLUMNS), classes)

    def close(self, ids: Array, lengths: Array | None) -> tuple[Array, Array]:
        """Put the end behind the motion, at the first end or padding when no length is given."""
        if lengths is None:
            ids, lengths = pad_after_end(ids, self.end_id)
        closed = ids.copy()
        np.put_along_axis(closed, lengths[:, None], self.end_id, 1)
        return closed, lengths

    def to_regenerate(self, lengths: Array) -> Array:
        """Which columns (b, 50) the second pass writes anew: half of the tokens, rounded."""
        counts = mask_counts(_AGAIN_SHARE, lengths)
        scores = np.where(lengths_to_mask(lengths, _COLUMNS), np.float32(0), KEPT)
        if self.quirks.stable_ties:
            return bottom_k_mask(scores, counts)
        order = self.network.unstable_argsort(self.network.unstable_argsort(scores))
        return order < counts[:, None]

    def second_pass(self, state: SamplingState, ids: Array, again: Array, lengths: Array) -> Array:
        """Ids (b, 50) with the columns ``again`` rewritten; tokens and end elsewhere are known."""
        known = lengths_to_mask(lengths + 1, ids.shape[1]) & ~again
        if self.quirks.overwrites_known:
            raw = fill_overwriting(state, ids, known, MAX_TOKENS, self.end_id)
            return np.where(known, ids, raw)
        return fill_columns(state, ids, known, again, self.end_id)

    def _result(self, ids: Array, lengths: Array) -> Array:
        tokens = ids[:, : int(lengths.max())]
        return np.where(lengths_to_mask(lengths, tokens.shape[1]), tokens, NO_TOKEN)


def pad_after_end(ids: Array, end_id: int) -> tuple[Array, Array]:
    """Ids (b, n) with padding (end_id + 1) behind the first end, and the lengths before it.

    Padding counts as an end. A motion that ends at once gets code 0 as its only token; one without
    an end has length n + 1, as in the published code.
    """
    ids = ids.copy()
    ids[ids[:, 0] >= end_id, :2] = (0, end_id)
    ends = ids >= end_id
    columns = ids.shape[1]
    lengths = np.where(ends.any(axis=1), ends.argmax(axis=1), columns + 1)
    return np.where(lengths_to_mask(lengths + 1, columns), ids, end_id + 1), lengths
