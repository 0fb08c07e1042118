"""The training loop: what an interruption costs, what is refused, what is logged."""

import shutil
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

import msgspec
import numpy as np
import pytest
import torch
from torch import Tensor, nn

from backend.training.loop import LoopOptions, TrainingError, train
from shared.errors import PlacidError

OPTIONS = LoopOptions(
    steps=12, learning_rate=1e-2, warmup=3, weight_decay=1e-2, average=0.9, validate_every=5
)
Hook = Callable[[int], None]


class _Task:
    """Fit lines through noise, with all that a step can leave behind.

    Dropout draws from torch's own generator, the batch norm has buffers of both sorts, and `seen`
    stands for what a network keeps beside its state dict.
    """

    name = "lines"

    def __init__(self, before: Hook | None = None, initial: int = 0) -> None:
        torch.manual_seed(initial)
        self.network = nn.Sequential(
            nn.Linear(4, 6), nn.BatchNorm1d(6), nn.Dropout(0.5), nn.Linear(6, 1)
        )
        self.seen = torch.zeros(4)
        self.validated: list[bool] = []
        self._before = before

    def loss(self, rng: np.random.Generator) -> dict[str, Tensor]:
        """The squared error, scaled by what was seen before."""
        if self._before is not None:
            self._before(int(self.network[1].num_batches_tracked))
        x = torch.from_numpy(rng.normal(size=(8, 4)).astype(np.float32))
        self.seen = self.seen * 0.9 + x.abs().mean(0)
        error = (self.network(x) - x.sum(1, keepdim=True)) * (1 + self.seen.sum())
        return {"loss": error.square().mean()}

    def validate(self, network: nn.Module) -> dict[str, float]:
        """The sum of the weights, which tells one network from another."""
        self.validated.append(network.training)
        return {"sum": float(sum(p.detach().double().sum() for p in network.parameters()))}

    def extra_state(self) -> dict[str, Tensor]:
        """What was seen."""
        return {"seen": self.seen}

    def load_extra_state(self, state: dict[str, Tensor]) -> None:
        """Go on from what was seen."""
        self.seen = state["seen"]


class _Constant:
    """A loss whose gradient is one everywhere: each step moves the weights by the rate alone."""

    name = "constant"

    def __init__(self) -> None:
        self.network = nn.Linear(1, 1, bias=False)
        nn.init.zeros_(self.network.weight)
        self.path: list[float] = []

    def loss(self, rng: np.random.Generator) -> dict[str, Tensor]:
        """The weight itself."""
        self.path.append(float(self.network.weight.detach()))
        return {"loss": self.network.weight.sum()}

    def validate(self, network: nn.Module) -> dict[str, float]:
        """Where the weight ended."""
        self.path.append(float(self.network.weight.detach()))
        return {}

    def extra_state(self) -> dict[str, Tensor]:
        """Nothing."""
        return {}

    def load_extra_state(self, state: dict[str, Tensor]) -> None:
        """Nothing."""


def stop_at(step: int, error: BaseException) -> Hook:
    def stop(at: int) -> None:
        if at == step:
            raise error

    return stop


def interrupt_at(step: int) -> Hook:
    """Press Ctrl-C in the middle of a step."""

    def stop(at: int) -> None:
        if at == step:
            signal.raise_signal(signal.SIGINT)

    return stop


def log(folder: Path, name: str = "lines") -> list[dict[str, Any]]:
    return [
        msgspec.json.decode(line)
        for line in (folder / f"{name}.log.jsonl").read_bytes().splitlines()
    ]


def assert_same(first: nn.Module, second: nn.Module) -> None:
    other = second.state_dict()
    for name, value in first.state_dict().items():
        assert torch.equal(value, other[name]), name


@pytest.mark.parametrize("average", [0.9, 0.0])
@pytest.mark.parametrize("stop", [interrupt_at(7), stop_at(7, RuntimeError("out of memory"))])
def test_an_interrupted_run_ends_as_if_it_had_not_stopped(
    tmp_path: Path, stop: Hook, average: float
) -> None:
    options = replace(OPTIONS, average=average, checkpoint_seconds=0.0)
    whole, resumed = _Task(), _Task(initial=1)
    wanted = train(whole, options, tmp_path / "whole")
    with pytest.raises((KeyboardInterrupt, RuntimeError)):
        train(_Task(stop), options, tmp_path / "cut")
    got = train(resumed, options, tmp_path / "cut")
    assert_same(whole.network, resumed.network)
    assert_same(wanted, got)
    assert (got is resumed.network) == (average == 0)
    assert torch.equal(whole.seen, resumed.seen)
    # Both runs tell the same of every validation; the means before one start at the resumption.
    cut = [line["validation"] for line in log(tmp_path / "cut")]
    assert cut == [line["validation"] for line in log(tmp_path / "whole")]


def test_a_killed_run_goes_on_from_the_last_checkpoint(tmp_path: Path) -> None:
    options = replace(OPTIONS, checkpoint_seconds=0.0)
    killed = tmp_path / "killed" / "lines.checkpoint"
    killed.parent.mkdir()

    def keep(step: int) -> None:
        if step == 4:
            shutil.copy(tmp_path / "whole" / killed.name, killed)

    whole = _Task(keep)
    wanted = train(whole, options, tmp_path / "whole")
    steps: list[int] = []
    resumed = _Task(steps.append, initial=1)
    got = train(resumed, options, killed.parent)
    assert steps == list(range(4, 12))
    assert_same(whole.network, resumed.network)
    assert_same(wanted, got)


def test_an_interrupted_step_is_ended_and_kept(tmp_path: Path) -> None:
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        train(_Task(interrupt_at(4)), OPTIONS, tmp_path)
    assert signal.getsignal(signal.SIGINT) is before
    steps: list[int] = []
    train(_Task(steps.append), OPTIONS, tmp_path)
    assert steps == list(range(5, 12))


def test_a_validation_that_is_done_again_is_logged_once(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError):
        train(_Task(stop_at(7, RuntimeError())), OPTIONS, tmp_path)
    assert [line["step"] for line in log(tmp_path)] == [5]
    assert not (tmp_path / "lines.checkpoint").exists()
    train(_Task(), OPTIONS, tmp_path)
    assert [line["step"] for line in log(tmp_path)] == [5, 10, 12]


def test_a_finished_run_is_not_trained_again(tmp_path: Path) -> None:
    wanted = train(_Task(), OPTIONS, tmp_path)
    again = train(_Task(stop_at(0, AssertionError()), initial=1), OPTIONS, tmp_path)
    assert_same(wanted, again)
    assert len(log(tmp_path)) == 3


def test_a_checkpoint_is_replaced_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(KeyboardInterrupt):
        train(_Task(interrupt_at(4)), OPTIONS, tmp_path)
    stored = (tmp_path / "lines.checkpoint").read_bytes()

    def full_disk(state: dict[str, Any], file: BinaryIO) -> None:
        file.write(b"half")
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(torch, "save", full_disk)
        with pytest.raises(PlacidError, match="No space left"):
            train(_Task(), OPTIONS, tmp_path)
    assert (tmp_path / "lines.checkpoint").read_bytes() == stored
    train(_Task(), OPTIONS, tmp_path)
    assert [line["step"] for line in log(tmp_path)][-1] == 12


@pytest.mark.parametrize(
    "change", [{"steps": 20}, {"seed": 1}, {"learning_rate": 1e-3}, {"average": 0.0}]
)
def test_other_settings_are_refused_and_leave_the_checkpoint(
    tmp_path: Path, change: dict[str, Any]
) -> None:
    train(_Task(), OPTIONS, tmp_path)
    stored = (tmp_path / "lines.checkpoint").read_bytes()
    with pytest.raises(TrainingError) as refused:
        train(_Task(), replace(OPTIONS, **change), tmp_path)
    said = str(refused.value)
    assert str(tmp_path / "lines.checkpoint") in said
    for name in change:
        assert f"'{name}': {getattr(OPTIONS, name)}" in said
    assert "choose another --out folder" in said
    assert (tmp_path / "lines.checkpoint").read_bytes() == stored


def test_a_loss_that_is_not_a_number_stops_before_the_weights(tmp_path: Path) -> None:
    class _Broken(_Task):
        def loss(self, rng: np.random.Generator) -> dict[str, Tensor]:
            losses = super().loss(rng)
            if self.network[1].num_batches_tracked == 7:
                losses["loss"] = losses["loss"] * float("nan")
            return losses

    task = _Broken()
    with pytest.raises(TrainingError, match="the loss of step 6 is not a number; try another"):
        train(task, OPTIONS, tmp_path)
    assert all(p.isfinite().all() for p in task.network.parameters())
    assert [line["step"] for line in log(tmp_path)] == [5]


def test_every_validation_is_logged_once_with_the_means_since_the_last(tmp_path: Path) -> None:
    losses: list[float] = []

    class _Noted(_Task):
        def loss(self, rng: np.random.Generator) -> dict[str, Tensor]:
            made = super().loss(rng)
            losses.append(float(made["loss"].detach()))
            return made

    task = _Noted()
    network = train(task, OPTIONS, tmp_path)
    lines = log(tmp_path)
    assert [line["step"] for line in lines] == [5, 10, 12]
    means = [np.mean(part) for part in (losses[:5], losses[5:10], losses[10:])]
    assert [line["train"]["loss"] for line in lines] == pytest.approx(means)
    assert task.validated == [False] * 3  # dropout is off
    assert lines[-1]["validation"] == pytest.approx(task.validate(network))


def test_the_average_is_validated_and_exported_and_lags_behind(tmp_path: Path) -> None:
    class _Averaged(_Constant):
        def validate(self, network: nn.Module) -> dict[str, float]:
            return {"weight": float(network.weight.detach())}

    task = _Averaged()
    network = train(task, LoopOptions(10, warmup=0, average=0.5, validate_every=10), tmp_path)
    # The decay grows from 2/11 at the first step to what was asked for at the eighth.
    average = 0.0
    for step, weight in enumerate([*task.path[1:], float(task.network.weight.detach())], 1):
        decay = min(0.5, (1 + step) / (10 + step))
        average = decay * average + (1 - decay) * weight
    assert float(network.weight.detach()) == pytest.approx(average, rel=1e-4)
    assert log(tmp_path, "constant")[0]["validation"]["weight"] == pytest.approx(average, rel=1e-4)


def test_the_rate_rises_and_falls_to_a_fiftieth(tmp_path: Path) -> None:
    task = _Constant()
    train(task, LoopOptions(30, learning_rate=1e-2, warmup=10, validate_every=30), tmp_path)
    rates = -np.diff(task.path) / 1e-2
    assert rates[0] == pytest.approx(0.1, rel=1e-3)
    np.testing.assert_allclose(np.diff(rates[:10]), 0.1, atol=1e-3)
    assert rates[9] == pytest.approx(1, rel=1e-3)
    assert rates[10] == pytest.approx(1, rel=1e-3)
    assert rates[20] == pytest.approx(0.51, rel=1e-3)  # half-way down
    assert (np.diff(rates[10:]) < 1e-4).all()
    assert 0.02 < rates[-1] < 0.03


def test_the_seed_alone_decides(tmp_path: Path) -> None:
    first = train(_Task(), OPTIONS, tmp_path / "first")
    torch.manual_seed(5)
    np.random.seed(5)
    assert_same(first, train(_Task(), OPTIONS, tmp_path / "second"))
    other = train(_Task(), replace(OPTIONS, seed=1), tmp_path / "other")
    assert not torch.equal(first[0].weight, other[0].weight)
