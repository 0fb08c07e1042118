"""From text vectors to token ids: drafts of any number, in batches that fit the memory."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from backend.generation.presets import Sampling
from backend.models.device import half_precision
from backend.models.noise import SeededNoise
from backend.models.sampling import Step
from shared.errors import PlacidError

FRAMES_PER_TOKEN: Final = 4
MAX_TOKENS: Final = 49
MIN_TOKENS: Final = 6
CHUNK: Final = {"cpu": 16, "cuda": 64, "mps": 32}  # drafts that go through the networks together
# The share of the time that the base tokens take; the residual layers take the rest.
_BASE_SHARE: Final = {"momask": 0.67, "bamm": 0.85}
_NO_TOKEN: Final = -1

ReportProgress = Callable[[float, str], None]


@dataclass(frozen=True)
class SampleSpec:
    """One sample that is to be made.

    Attributes:
        text: (text_dim), the prompt's vector.
        seed: of its random numbers; its tokens depend on nothing but the draft.
        length: in tokens; None lets the model choose. Not read where there are `ids`.
        ids: (n, Q), tokens of which the `editable` ones (n, bool) are made anew.
    """

    text: Tensor
    seed: int
    length: int | None = None
    ids: Tensor | None = None
    editable: Tensor | None = None


def derived_seed(seed: int, *parts: int) -> int:
    """A seed for a part of a motion that is made with `seed`, unrelated to other parts' seeds."""
    return int(np.random.SeedSequence((seed, *parts)).generate_state(1)[0])


class TokenSampler:
    """Draws the tokens of one model with fixed settings.

    Args:
        networks: as of `Checkpoint.model_networks`.
        model: momask or bamm.
        prepare: called before each batch; puts the safety edits in place.
    """

    def __init__(
        self,
        networks: dict[str, Any],
        model: str,
        sampling: Sampling,
        device: str,
        prepare: Callable[[], None] = lambda: None,
    ) -> None:
        self._networks = networks
        self._base = networks["masked" if model == "momask" else "bamm"]
        self._model = model
        self._sampling = sampling
        self._device = device
        self._prepare = prepare
        self._chunk = CHUNK.get(device.split(":")[0], 16)

    def sample(self, specs: Sequence[SampleSpec], progress: ReportProgress) -> Iterator[Tensor]:
        """Token ids (n, Q) of each draft in order, on the device.

        When the memory runs out, the batch is halved; the result does not depend on its size.
        """
        done = 0
        while done < len(specs):
            batch = _alike(specs[done : done + self._chunk])

            def report(fraction: float, stage: str, first: int = done, n: int = len(batch)) -> None:
                progress((first + fraction * n) / len(specs), stage)

            try:
                with half_precision(self._device):
                    ids = self._batch(batch, report)
            except (torch.OutOfMemoryError, MemoryError):
                if len(batch) == 1:
                    raise
                self._chunk = len(batch) // 2
                if self._device.startswith("cuda"):
                    torch.cuda.empty_cache()
                continue
            yield from ids
            done += len(batch)

    def _batch(self, specs: Sequence[SampleSpec], report: ReportProgress) -> list[Tensor]:
        self._prepare()
        text = torch.stack([spec.text for spec in specs]).to(self._device)
        noise = SeededNoise.from_seeds(spec.seed for spec in specs)
        base_share = _BASE_SHARE[self._model]
        base_step = _Steps(report, 0.0, base_share, "motion", self._passes(specs[0]))
        detail_step = _Steps(report, base_share, 1 - base_share, "detail")
        base: dict[str, Any] = {
            "noise": noise,
            "guidance": self._sampling.guidance,
            "temperature": self._sampling.temperature,
            "top_k": self._sampling.top_k,
            "on_step": base_step,
        }
        if self._model == "momask":
            base["steps"] = self._sampling.steps
        detail = {
            "noise": noise,
            "guidance": self._sampling.residual_guidance,
            "on_step": detail_step,
        }
        if specs[0].ids is None:
            tokens, lengths = self._new(specs, text, noise, base)
            ids = self._networks["residual"].generate(tokens, text, lengths, **detail)
        else:
            before, editable, lengths = self._given(specs)
            tokens = self._base.edit(before[..., 0], editable, text, lengths, **base)
            before = torch.cat([tokens.unsqueeze(-1), before[..., 1:]], -1)
            ids = self._networks["residual"].edit(before, editable, text, lengths, **detail)
        rows = [row[:length] for row, length in zip(ids, lengths.tolist(), strict=True)]
        return self._lengthened(rows, specs, report)

    def _new(
        self,
        specs: Sequence[SampleSpec],
        text: Tensor,
        noise: SeededNoise,
        settings: dict[str, Any],
    ) -> tuple[Tensor, Tensor]:
        lengths = None
        if specs[0].length is not None:
            lengths = torch.tensor([spec.length for spec in specs], device=self._device)
        if self._model == "bamm":
            tokens, lengths = self._base.generate(text, lengths, **settings)
            return tokens, lengths
        if lengths is None:
            lengths = self._estimated(text, noise)
        return self._base.generate(text, lengths, **settings), lengths

    def _estimated(self, text: Tensor, noise: SeededNoise) -> Tensor:
        if "length" not in self._networks:
            raise PlacidError(
                "no_length_estimator",
                "the checkpoint has no length estimator; say how many seconds the motion shall "
                "take, or add the estimator's folder to the checkpoint",
            )
        lengths: Tensor = self._networks["length"].sample(text, noise)
        return lengths.clamp(MIN_TOKENS, MAX_TOKENS)

    def _given(self, specs: Sequence[SampleSpec]) -> tuple[Tensor, Tensor, Tensor]:
        """ids (b, n, Q), editable (b, n), lengths (b)."""
        ids = [spec.ids for spec in specs if spec.ids is not None]
        editable = [spec.editable for spec in specs if spec.editable is not None]
        lengths = torch.tensor([len(row) for row in ids], device=self._device)
        return (
            pad_sequence(ids, batch_first=True, padding_value=_NO_TOKEN).to(self._device),
            pad_sequence(editable, batch_first=True, padding_value=False).to(self._device),
            lengths,
        )

    def _lengthened(
        self, rows: list[Tensor], specs: Sequence[SampleSpec], report: ReportProgress
    ) -> list[Tensor]:
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


def _alike(specs: Sequence[SampleSpec]) -> Sequence[SampleSpec]:
    """The first drafts of one kind: edits, drafts of given length, or of a length to be found."""

    def kind(spec: SampleSpec) -> tuple[bool, bool]:
        return spec.ids is None, spec.length is None

    for index, spec in enumerate(specs):
        if kind(spec) != kind(specs[0]):
            return specs[:index]
    return specs
