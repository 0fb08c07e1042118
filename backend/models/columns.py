"""Writing BAMM's tokens column by column: with a cache, or as the published code does it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor

from .noise import Noise
from .sampling import OnStep, Step, gumbel_sample, top_k_filter
from .transformer import EncoderStack, LayerCache

if TYPE_CHECKING:
    from .bamm import BAMM

COMPACT_BELOW = 0.75


class SamplingState:
    """How new tokens of one batch are drawn, over all passes of a generation."""

    def __init__(
        self,
        model: BAMM,
        text: Tensor,
        noise: Noise,
        temperature: float,
        top_k: float,
        on_step: OnStep | None,
    ) -> None:
        self.model = model
        self.text = text
        self.noise = noise
        self.temperature = temperature
        self.top_k = top_k
        self.on_step = on_step

    def uniforms(self, columns: int, classes: int) -> Tensor:
        """(b, columns, classes) for one pass, drawn at once.

        The draws of a sample must not depend on when it or others of the batch come to an end.
        """
        return self.noise.uniforms([columns] * len(self.text), columns, classes)

    def tokens(self, logits: Tensor, uniforms: Tensor) -> Tensor:
        """logits (b, classes) -> ids (b)."""
        if self.top_k > 0:
            logits = top_k_filter(logits, self.top_k)
        return gumbel_sample(logits, uniforms, self.temperature)

    def report(self, column: int, count: int, ids: Tensor) -> None:
        if self.on_step is not None:
            self.on_step(Step(column, count, ids))


def fill_overwriting(
    drawing: SamplingState, ids: Tensor, known: Tensor, columns: int, guidance: float, classes: int
) -> Tensor:
    """Write every one of the first ``columns`` columns, also the known ones, from left to right.

    Each column sees the new tokens before it even where others are known, so nothing can be kept
    from one step to the next; the caller restores the known tokens.
    """
    uniforms = drawing.uniforms(columns, classes)
    ids = ids.clone()
    for column in range(columns):
        logits = drawing.model.guided_logits(ids, drawing.text, guidance, known)
        drawn = drawing.tokens(logits[:, :classes, column], uniforms[:, column])
        drawing.report(column, columns, ids)
        ids[:, column] = drawn
    return ids


def fill_columns(
    drawing: SamplingState,
    ids: Tensor,
    known: Tensor,
    wanted: Tensor,
    guidance: float,
    classes: int,
) -> Tensor:
    """Write the ``wanted`` columns (b, n) of ids (b, n), each seeing all ``known`` ones.

    Rows of known tokens never change and rows of new ones never look ahead, so every row is
    computed once and its keys and values are kept. A sample is left alone once it needs no further
    column or, where the end is among the classes, has drawn it.
    """
    return CachedDecoder(drawing, ids, known, wanted, guidance, classes).run()


class CachedDecoder:
    def __init__(
        self,
        drawing: SamplingState,
        ids: Tensor,
        known: Tensor,
        wanted: Tensor,
        guidance: float,
        classes: int,
    ) -> None:
        self.drawing = drawing
        self.model = drawing.model
        self.ids = ids.clone()
        self.guidance = guidance
        self.classes = classes
        self.texts = drawing.text
        if guidance != 1:
            self.texts = torch.cat([drawing.text, torch.zeros_like(drawing.text)])
        self.copies = len(self.texts) // len(ids)
        self.wanted = wanted
        # Without known tokens the text is an ordinary first row.
        self.fixed = F.pad(known, (1, 0), value=True) & known.any()
        self.last = torch.where(wanted, torch.arange(ids.shape[1], device=ids.device), -1).amax(1)
        self.active = torch.arange(len(ids), device=ids.device)
        steps = int(self.last.max()) + 1
        room = int(self.fixed.sum(1).max())
        stack = self.model.seqTransEncoder
        if not isinstance(stack, EncoderStack):
            raise ValueError(
                "The t2mgpt flavour of BAMM has no cached generation; use the published behaviour."
            )
        self.stack = stack
        self.caches: list[LayerCache] = stack.caches(room + steps)
        self.steps = steps
        self.room = room
        self.slots = torch.zeros(len(ids), 0, dtype=torch.bool, device=ids.device)

    def run(self) -> Tensor:
        uniforms = self.drawing.uniforms(self.wanted.shape[1] - 1, self.classes)
        if self.room:
            self._remember_known()
        for row in range(self.steps):
            self._drop_finished(row)
            if len(self.active) == 0:
                break
            wanted = self.wanted[self.active, row]
            if not (wanted | ~self.fixed[self.active, row]).any():
                continue
            hidden = self._row(row)
            if not wanted.any():
                continue
            drawn = self.drawing.tokens(self._logits(hidden), uniforms[self.active.cpu(), row])
            self.drawing.report(row, self.wanted.shape[1], self.ids)
            self.ids[self.active, row] = torch.where(wanted, drawn, self.ids[self.active, row])
        return self.ids

    def _remember_known(self) -> None:
        """Compute the rows of text and known tokens, packed to the left, all at once."""
        order = (~self.fixed).int().argsort(dim=1, stable=True)[:, : self.room]
        self.slots = self.fixed.gather(1, order)
        rows = self.model.embed(self.ids.repeat(self.copies, 1), self.texts)
        packed = order.repeat(self.copies, 1).unsqueeze(-1).expand(-1, -1, rows.shape[-1])
        allowed = self.slots.repeat(self.copies, 1)[:, None, None]
        self.stack(rows.gather(1, packed), allowed, self.caches)

    def _row(self, row: int) -> Tensor:
        """Run one row of the active samples through the network: (copies * b, width)."""
        model = self.model
        if row == 0:
            texts = self.texts.view(self.copies, -1, self.texts.shape[1])[:, self.active]
            x = model.cond_emb(texts.flatten(0, 1))
        else:
            tokens = model.token_emb(self.ids[self.active, row - 1])
            x = model.input_process(tokens).repeat(self.copies, 1)
        x = (x + model.position_enc.pe[row]).unsqueeze(1)
        return self.stack(x, self._visible(row), self.caches)[:, 0]

    def _visible(self, row: int) -> Tensor | None:
        """Slots that a row sees: the known ones, and for a new token all before it and itself."""
        if not self.room:
            return None
        fixed = self.fixed[self.active, row].unsqueeze(1)
        self.slots = torch.cat([self.slots, ~fixed], 1)
        visible = self.slots.clone()
        visible[:, self.room :] &= ~fixed
        return visible.repeat(self.copies, 1)[:, None, None]

    def _logits(self, hidden: Tensor) -> Tensor:
        logits = self.model.output_process(hidden)[:, : self.classes]
        if self.copies == 1:
            return logits
        conditional, unconditional = logits.chunk(2)
        return unconditional + self.guidance * (conditional - unconditional)

    def _drop_finished(self, row: int) -> None:
        """Forget samples that need nothing more; copying the caches waits until it pays."""
        ids, last = self.ids[self.active], self.last[self.active]
        alive = last >= row
        if self.classes > self.model.end_id:
            alive &= ~(ids[:, :row] == self.model.end_id).any(1)
        kept = alive.nonzero()[:, 0]
        if len(kept) == 0 or len(kept) <= COMPACT_BELOW * len(self.active):
            size = len(self.active)
            rows = torch.cat([kept + copy * size for copy in range(self.copies)])
            for cache in self.caches:
                if cache.filled:
                    cache.select(rows)
            self.active = self.active[kept]
            self.slots = self.slots[kept]
