"""From text vectors to token ids: drafts of any number, in batches that fit the memory."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import numpy as np

from backend.engines.protocol import Array
from backend.generation.redraws import Redraw
from backend.generation.samplers.bamm import BAMMSampler
from backend.generation.samplers.length import LengthSampler
from backend.generation.samplers.masked import MaskedSampler
from backend.generation.samplers.noise import SeededNoise
from backend.generation.samplers.residual import ResidualSampler
from backend.generation.samplers.steps import NO_TOKEN, Step
from backend.generation.sampling import EDIT_RESIDUALS, Sampling
from backend.models.reference_quirks import CORRECTED, ReferenceQuirks
from backend.motion.lengths import MAX_TOKENS, MIN_TOKENS
from shared.errors import PlacidError

# The share of the time that the base tokens take, for the progress alone; the residual layers take
# the rest. In processor time on one core, takes of 6 s: 0.66 to 0.70 of MoMask's, 0.74 to 0.80 of
# BAMM's.
_BASE_SHARE: Final = {"momask": 0.67, "bamm": 0.8}

ReportProgress = Callable[[float, str], None]


@dataclass(frozen=True)
class SampleSpec:
    """One sample that is to be made.

    Attributes:
        text: (text_dim), the prompt's vector.
        seed: of its random numbers; its tokens depend on nothing but the draft.
        length: in tokens; None lets the model choose. Not read where there are `ids`.
        ids: (n, Q), tokens of which the `editable` ones (n, bool) are made anew.
        prompt: what `text` says.
        is_part: whether it becomes a part of a longer motion.
        all_residuals: whether an edit draws the residual layers of all tokens, as published.
        journal: filled by what draws tokens anew; see `GuardedSampler`.
    """

    text: Array
    seed: int
    length: int | None = None
    ids: Array | None = None
    editable: Array | None = None
    prompt: str = ""
    is_part: bool = False
    all_residuals: bool = False
    journal: list[Redraw] = field(default_factory=list, compare=False)


def derived_seed(seed: int, *parts: int) -> int:
    """A seed for a part of a motion that is made with `seed`, unrelated to other parts' seeds."""
    return int(np.random.SeedSequence((seed, *parts)).generate_state(1)[0])


class Sampler(Protocol):
    """What draws tokens: a `TokenSampler`, or one with the token guard before it."""

    def sample(self, specs: Sequence[SampleSpec], progress: ReportProgress) -> Iterator[Array]:
        """Token ids (n, Q) of each spec in order."""
        ...


class TokenSampler:
    """Draws the tokens of one model with fixed settings.

    Args:
        networks: as of `Checkpoint.model_networks`.
        model: momask or bamm.
        batch: so many specs go through the networks together.
        quirks: what to do where the released code is odd.
        prepare: called before each batch; puts the safety edits in place.
    """

    def __init__(
        self,
        networks: Mapping[str, Any],
        model: str,
        sampling: Sampling,
        batch: int,
        quirks: ReferenceQuirks = CORRECTED,
        prepare: Callable[[], None] = lambda: None,
    ) -> None:
        self._base = (
            MaskedSampler(networks["masked"], quirks)
            if model == "momask"
            else BAMMSampler(networks["bamm"], quirks)
        )
        self._residual = ResidualSampler(networks["residual"])
        self._length = LengthSampler(networks["length"]) if "length" in networks else None
        self._model = model
        self._sampling = sampling
        self._batch_size = batch
        self._prepare = prepare

    @property
    def batch_size(self) -> int:
        """So many specs go through the networks together; fewer after the memory ran out."""
        return self._batch_size

    def sample(self, specs: Sequence[SampleSpec], progress: ReportProgress) -> Iterator[Array]:
        """Token ids (n, Q) of each draft in order.

        When the memory runs out, the batch is halved; the result does not depend on its size.
        """
        done = 0
        while done < len(specs):
            batch = _alike(specs[done : done + self._batch_size])

            def report(fraction: float, stage: str, first: int = done, n: int = len(batch)) -> None:
                progress((first + fraction * n) / len(specs), stage)

            try:
                ids = self._batch(batch, report)
            except MemoryError:
                if len(batch) == 1:
                    raise
                self._batch_size = len(batch) // 2
                continue
            yield from ids
            done += len(batch)

    def _batch(self, specs: Sequence[SampleSpec], report: ReportProgress) -> list[Array]:
        self._prepare()
        text = np.stack([spec.text for spec in specs])
        noise = SeededNoise(spec.seed for spec in specs)
        base_share = _BASE_SHARE[self._model]
        base_step = _Steps(report, 0.0, base_share, "motion", self._passes(specs[0]))
        detail_step = _Steps(report, base_share, 1 - base_share, "detail")
        base: dict[str, Any] = {
            "noise": noise,
            "sampling": self._sampling,
            "on_step": base_step,
        }
        detail: dict[str, Any] = {
            "noise": noise,
            "sampling": self._sampling.of_residuals,
            "on_step": detail_step,
        }
        if specs[0].ids is None:
            tokens, lengths = self._new(specs, text, noise, base)
            ids = self._residual.generate(tokens, text, lengths, **detail)
        else:
            before, editable, lengths = self._given(specs)
            tokens = self._base.edit(before[..., 0], editable, text, lengths, **base)
            before = np.concatenate([tokens[..., None], before[..., 1:]], axis=-1)
            if specs[0].all_residuals:
                editable = np.ones_like(editable)
                detail["sampling"] = EDIT_RESIDUALS
            ids = self._residual.edit(before, editable, text, lengths, **detail)
        rows = [row[:length] for row, length in zip(ids, lengths.tolist(), strict=True)]
        return self._lengthened(rows, specs, report)

    def _new(
        self,
        specs: Sequence[SampleSpec],
        text: Array,
        noise: SeededNoise,
        settings: dict[str, Any],
    ) -> tuple[Array, Array]:
        lengths = None
        if specs[0].length is not None:
            lengths = np.array([spec.length for spec in specs])
        if isinstance(self._base, BAMMSampler):
            return self._base.generate(text, lengths, **settings)
        if lengths is None:
            lengths = self._estimated(text, noise)
        return self._base.generate(text, lengths, **settings), lengths

    def _estimated(self, text: Array, noise: SeededNoise) -> Array:
        if self._length is None:
            raise PlacidError(
                "no_length_estimator",
                "the checkpoint has no length estimator; say how many seconds the motion shall "
                "take, or add the estimator's folder to the checkpoint",
            )
        return np.clip(self._length.sample(text, noise), MIN_TOKENS, MAX_TOKENS)

    def _given(self, specs: Sequence[SampleSpec]) -> tuple[Array, Array, Array]:
        """ids (b, n, Q), editable (b, n), lengths (b)."""
        ids = [spec.ids for spec in specs if spec.ids is not None]
        editable = [spec.editable for spec in specs if spec.editable is not None]
        lengths = np.array([len(row) for row in ids])
        return padded(ids, NO_TOKEN), padded(editable, False), lengths

    def _lengthened(
        self, rows: list[Array], specs: Sequence[SampleSpec], report: ReportProgress
    ) -> list[Array]:
        """The rows; those that BAMM ended before anything happened are made anew, long enough."""
        if specs[0].ids is not None or specs[0].length is not None:
            return rows
        for index, row in enumerate(rows):
            if len(row) < MIN_TOKENS:
                spec = SampleSpec(specs[index].text, specs[index].seed, MIN_TOKENS)
                [rows[index]] = self._batch([spec], lambda fraction, stage: report(1.0, stage))
        return rows

    def _passes(self, spec: SampleSpec) -> int:
        return 2 if self._model == "bamm" and spec.ids is None else 1


class _Steps:
    """Turns a sampler's steps, of one or more passes, into one fraction that never shrinks."""

    def __init__(
        self, report: ReportProgress, start: float, share: float, stage: str, passes: int = 1
    ) -> None:
        self._report = report
        self._start = start
        self._share = share
        self._stage = stage
        self._passes = passes
        self._finished = 0
        self._last = 0

    def __call__(self, step: Step) -> None:
        if step.index < self._last and self._finished < self._passes - 1:
            self._finished += 1
        self._last = step.index
        fraction = (self._finished + step.index / step.count) / self._passes
        self._report(self._start + self._share * fraction, self._stage)


def padded(rows: Sequence[Array], value: int | bool) -> Array:
    """Arrays (n, ...) of several lengths as one (b, longest n, ...), filled up with a value."""
    shape = (len(rows), max(map(len, rows)), *rows[0].shape[1:])
    together = np.full(shape, value, rows[0].dtype)
    for target, row in zip(together, rows, strict=True):
        target[: len(row)] = row
    return together


def _alike(specs: Sequence[SampleSpec]) -> Sequence[SampleSpec]:
    """The first drafts of one kind: edits, drafts of given length, or of a length to be found."""

    def kind(spec: SampleSpec) -> tuple[bool, bool, bool]:
        return spec.ids is None, spec.length is None, spec.all_residuals

    for index, spec in enumerate(specs):
        if kind(spec) != kind(specs[0]):
            return specs[:index]
    return specs
