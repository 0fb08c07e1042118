"""Writing BAMM's tokens column by column: with a cache, or as the published code does it."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from backend.engines.protocol import Array, AutoregressiveNetwork, Decoder
from backend.generation.samplers.noise import Noise
from backend.generation.samplers.steps import (
    OnStep,
    Step,
    classifier_free_guidance,
    draw,
    with_empty_text,
)
from backend.generation.sampling import Sampling

_COMPACT_BELOW: Final = 0.75


@dataclass(frozen=True)
class SamplingState:
    """How new tokens of one batch are drawn, over all passes of a generation."""

    network: AutoregressiveNetwork
    text: Array
    noise: Noise
    sampling: Sampling
    on_step: OnStep | None

    def uniforms(self, columns: int, classes: int) -> Array:
        """(b, columns, classes) for one pass, drawn at once.

        The draws of a sample must not depend on when it or others of the batch come to an end.
        """
        return self.noise.uniforms([columns] * len(self.text), columns, classes)

    def sample(self, logits: Array, uniforms: Array) -> Array:
        """logits (b, classes) -> ids (b)."""
        return draw(logits, uniforms, self.sampling)

    def report(self, column: int, count: int, ids: Array) -> None:
        """Say that a column is done; `ids` were its input."""
        if self.on_step is not None:
            self.on_step(Step(column, count, ids))

    def texts(self) -> Array:
        """The texts, and what guidance needs behind them; see `with_empty_text`."""
        return with_empty_text(self.text, self.sampling.guidance)

    def guided(self, logits: Array) -> Array:
        """Logits of the texts and of what is behind them under classifier-free guidance."""
        return classifier_free_guidance(logits, self.sampling.guidance)

    def guided_logits(self, ids: Array, known: Array | None) -> Array:
        """Logits (b, n + 1, codes + 1) of ids (b, n) under classifier-free guidance."""
        return self.guided(self.network.logits(ids, self.texts(), known))


def fill_overwriting(
    state: SamplingState, ids: Array, known: Array, columns: int, classes: int
) -> Array:
    """Write every one of the first ``columns`` columns, also the known ones, from left to right.

    Each column sees the new tokens before it even where others are known, so nothing can be kept
    from one step to the next; the caller restores the known tokens.
    """
    uniforms = state.uniforms(columns, classes)
    ids = ids.copy()
    for column in range(columns):
        logits = state.guided_logits(ids, known)[:, column, :classes]
        drawn = state.sample(logits, uniforms[:, column])
        state.report(column, columns, ids)
        ids[:, column] = drawn
    return ids


def fill_columns(
    state: SamplingState, ids: Array, known: Array, wanted: Array, classes: int
) -> Array:
    """Write the ``wanted`` columns (b, n) of ids (b, n), each seeing all ``known`` ones.

    Rows of known tokens never change and rows of new ones never look ahead, so every row is
    computed once and its keys and values are kept. A sample is left alone once it needs no further
    column or, where the end is among the classes, has drawn it.
    """
    return _CachedPass(state, ids, known, wanted, classes).run()


class _CachedPass:
    def __init__(
        self, state: SamplingState, ids: Array, known: Array, wanted: Array, classes: int
    ) -> None:
        self._state = state
        self._ids = ids.copy()
        self._classes = classes
        self._end_id = state.network.config.codes
        self._wanted = wanted
        # Without known tokens the text is an ordinary first row.
        fixed = np.pad(known, ((0, 0), (1, 0)), constant_values=True)
        self._fixed = fixed if known.any() else np.zeros_like(fixed)
        self._last = np.where(wanted, np.arange(ids.shape[1]), -1).max(axis=1)
        self._active = np.arange(len(ids))
        self._rows = int(self._last.max()) + 1
        self._room = int(self._fixed.sum(axis=1).max())
        texts = state.texts()
        self._decoder: Decoder = state.network.decoder(
            texts, len(texts) // len(ids), self._room + self._rows
        )
        self._slots = np.zeros((len(ids), 0), bool)

    def run(self) -> Array:
        uniforms = self._state.uniforms(self._wanted.shape[1] - 1, self._classes)
        if self._room:
            self._remember_known()
        for row in range(self._rows):
            self._drop_finished(row)
            if len(self._active) == 0:
                break
            wanted = self._wanted[self._active, row]
            if not (wanted | ~self._fixed[self._active, row]).any():
                continue
            before = self._ids[self._active, row - 1]
            logits = self._decoder.step(before, row, self._visible(row), bool(wanted.any()))
            if not wanted.any():
                continue
            logits = self._state.guided(logits)[:, : self._classes]
            drawn = self._state.sample(logits, uniforms[self._active, row])
            self._state.report(row, self._wanted.shape[1], self._ids)
            self._ids[self._active, row] = np.where(wanted, drawn, self._ids[self._active, row])
        return self._ids

    def _remember_known(self) -> None:
        """Compute the rows of text and known tokens, packed to the left, all at once."""
        order = np.argsort(~self._fixed, axis=1, kind="stable")[:, : self._room]
        self._slots = np.take_along_axis(self._fixed, order, 1)
        self._decoder.remember(self._ids, order, self._slots)

    def _visible(self, row: int) -> Array | None:
        """Slots that a row sees: the known ones, and for a new token all before it and itself."""
        if not self._room:
            return None
        fixed = self._fixed[self._active, row, None]
        self._slots = np.concatenate([self._slots, ~fixed], axis=1)
        visible = self._slots.copy()
        visible[:, self._room :] &= ~fixed
        return visible

    def _drop_finished(self, row: int) -> None:
        """Forget samples that need nothing more; copying the caches waits until it pays."""
        ids, last = self._ids[self._active], self._last[self._active]
        alive = last >= row
        if self._classes > self._end_id:
            alive &= ~(ids[:, :row] == self._end_id).any(axis=1)
        kept = np.flatnonzero(alive)
        if len(kept) == 0 or len(kept) <= _COMPACT_BELOW * len(self._active):
            self._decoder.keep(kept)
            self._active = self._active[kept]
            self._slots = self._slots[kept]
