"""The one training loop: schedule, progress, checkpoints that resume, validation log, curves.

The batch of a step depends on the seed and the step alone, so a resumed run continues as if it
had never stopped.
"""

import math
import signal
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from types import FrameType
from typing import Any, Protocol, Self

import msgspec
import numpy as np
import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel
from tqdm import tqdm

from shared.decoding.text import decode_json_lines
from shared.errors import PlacidError
from shared.files import written_whole


@dataclass(frozen=True)
class LoopOptions:
    """How long and how fast to train.

    learning_rate is reached after `warmup` steps and falls to 2 % of it along a cosine.
    average: decay of the moving average of the weights that is validated and exported; 0 for none.
    """

    steps: int
    learning_rate: float = 4e-4
    warmup: int = 200
    weight_decay: float = 0.0
    clip: float = 1.0
    average: float = 0.0
    seed: int = 0
    validate_every: int = 250
    checkpoint_seconds: float = 120.0


class Task(Protocol):
    """What a trainer brings: a network, the loss of a step and its validation figures."""

    name: str

    @property
    def network(self) -> nn.Module:
        """What is trained."""

    def loss(self, rng: np.random.Generator) -> dict[str, Tensor]:
        """Losses of one batch drawn with `rng`; the entry `loss` is minimised."""

    def validate(self, network: nn.Module) -> dict[str, float]:
        """Figures of `network` on the validation split."""

    def extra_state(self) -> dict[str, Tensor]:
        """Tensors beside the state dict that resuming needs."""

    def load_extra_state(self, state: dict[str, Tensor]) -> None:
        """Restore what `extra_state` gave."""


class _LoggedStep(msgspec.Struct):
    step: int


class TrainingError(PlacidError, ValueError):
    """A training that cannot start or go on; the message says what to do."""

    def __init__(self, message: str) -> None:
        super().__init__("bad_training", message)


def _rate(step: int, options: LoopOptions) -> float:
    if step < options.warmup:
        return (step + 1) / options.warmup
    done = (step - options.warmup) / max(1, options.steps - options.warmup)
    return 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * min(1.0, done)))


def _log(path: Path, record: dict[str, Any]) -> None:
    with path.open("ab") as file:
        file.write(msgspec.json.encode(record) + b"\n")


class _Run:
    """The state of one training: weights, optimiser, step, average and where it is stored."""

    def __init__(self, task: Task, options: LoopOptions, folder: Path) -> None:
        self.task, self.options = task, options
        self.checkpoint = folder / f"{task.name}.checkpoint"
        self.log = folder / f"{task.name}.log.jsonl"
        folder.mkdir(parents=True, exist_ok=True)
        self.step = 0
        self.average: AveragedModel | None = None
        if options.average:
            self.average = AveragedModel(task.network, avg_fn=self._averaged, use_buffers=True)
            # Its first update would take the network as it is, instead of going towards it.
            self.average.n_averaged.fill_(1)
        self.optimiser = torch.optim.AdamW(
            task.network.parameters(),
            lr=options.learning_rate,
            betas=(0.9, 0.99),
            weight_decay=options.weight_decay,
            fused=True,
        )
        self.schedule = torch.optim.lr_scheduler.LambdaLR(
            self.optimiser, lambda step: _rate(step, options)
        )

    def resume(self) -> None:
        """Continue from the checkpoint when there is one; refuse one of other settings."""
        if self.checkpoint.exists():
            self._load()
        self._forget_later_lines()

    def _load(self) -> None:
        state = torch.load(self.checkpoint, map_location="cpu", weights_only=True)
        if state["options"] != asdict(self.options):
            raise TrainingError(
                f"{self.checkpoint} was made with other settings ({state['options']}); repeat "
                "them, or choose another --out folder"
            )
        self.step = state["step"]
        self.task.network.load_state_dict(state["network"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.schedule.load_state_dict(state["schedule"])
        self.task.load_extra_state(state["extra"])
        if self.average is not None:
            self.average.module.load_state_dict(state["average"])

    def _forget_later_lines(self) -> None:
        """Cut the log behind this step: what comes there will be logged again."""
        if self.log.exists():
            lines = self.log.read_bytes().splitlines(keepends=True)
            kept = [line for line in lines if self._is_done(line)]
            if len(kept) < len(lines):
                with written_whole(self.log) as file:
                    file.writelines(kept)

    def _is_done(self, line: bytes) -> bool:
        """Whether a line of the log is of a step that counts; one torn by a kill is not."""
        return any(logged.step <= self.step for logged in decode_json_lines(line, _LoggedStep))

    def store(self) -> None:
        """Write the checkpoint, whole or not at all."""
        state = {
            "options": asdict(self.options),
            "step": self.step,
            "network": self.task.network.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "schedule": self.schedule.state_dict(),
            "extra": self.task.extra_state(),
        }
        if self.average is not None:
            state["average"] = self.average.module.state_dict()
        with written_whole(self.checkpoint) as file:
            torch.save(state, file)

    def advance(self) -> dict[str, float]:
        """One optimiser step."""
        seeds = np.random.SeedSequence((self.options.seed, self.step))
        rng = np.random.default_rng(seeds)
        torch.manual_seed(int(seeds.generate_state(1)[0]))
        self.task.network.train()
        losses = self.task.loss(rng)
        self.optimiser.zero_grad(set_to_none=True)
        losses["loss"].backward()
        norm = nn.utils.clip_grad_norm_(self.task.network.parameters(), self.options.clip)
        if not torch.isfinite(norm):
            raise TrainingError(
                f"the loss of step {self.step} is not a number; try another --seed in another "
                "--out folder"
            )
        self.optimiser.step()
        self.schedule.step()
        self.step += 1
        if self.average is not None:
            self.average.update_parameters(self.task.network)
        return {name: float(value.detach()) for name, value in losses.items()}

    def _averaged(self, average: Tensor, current: Tensor, _: Tensor | int) -> Tensor:
        """A tensor of the moving average one step on; it follows faster in the beginning."""
        decay = min(self.options.average, (1 + self.step) / (10 + self.step))
        return average.lerp(current, 1 - decay) if average.is_floating_point() else current

    def best(self) -> nn.Module:
        """The network to validate and export."""
        network = self.task.network if self.average is None else self.average.module
        return network.eval()


class _Interruption:
    """Lets Ctrl-C wait for the end of a step: half of one cannot be continued.

    A second Ctrl-C does not wait. Outside the main thread, where signals do not arrive, nothing
    changes.
    """

    def __init__(self) -> None:
        self.asked = False
        self._before: Any = None

    def _ask(self, number: int, frame: FrameType | None) -> None:
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGINT, self._ask)
        return self

    def __exit__(self, *_: object) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)


def train(task: Task, options: LoopOptions, folder: Path) -> nn.Module:
    """Train a task to the last step and return the network to export.

    A checkpoint in `folder` is continued. Ctrl-C ends the step, stores a checkpoint and raises
    KeyboardInterrupt; an error leaves the last checkpoint as it is.
    """
    run = _Run(task, options, folder)
    run.resume()
    stored = time.monotonic()
    sums: dict[str, float] = {}
    count = 0
    with (
        _Interruption() as interruption,
        tqdm(total=options.steps, initial=run.step, desc=task.name, unit="step") as bar,
    ):
        while run.step < options.steps and not interruption.asked:
            for name, value in run.advance().items():
                sums[name] = sums.get(name, 0.0) + value
            count += 1
            bar.update()
            if run.step % options.validate_every == 0 or run.step == options.steps:
                means = {name: value / count for name, value in sums.items()}
                figures = task.validate(run.best())
                _log(run.log, {"step": run.step, "train": means, "validation": figures})
                bar.set_postfix({name: f"{value:.4g}" for name, value in figures.items()})
                sums, count = {}, 0
            if time.monotonic() - stored > options.checkpoint_seconds:
                run.store()
                stored = time.monotonic()
        run.store()
    if interruption.asked:
        raise KeyboardInterrupt
    return run.best()
