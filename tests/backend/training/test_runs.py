"""Whole runs: what is forgotten, which weights are taken, what is said of missing ones."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from backend.models.configs import LengthConfig
from backend.models.length import LengthEstimator
from backend.training import runs
from backend.training.loop import LoopOptions, Task, TrainingError
from backend.training.runs import (
    GUIDANCE,
    SINGLE_ACTION_SHARE,
    balanced,
    export,
    forgotten,
    newest_weights,
    refine_text,
    train_decoder,
    train_text,
)
from backend.training.tokens import MAX_TOKENS, TokenSet
from backend.training.transformers import TextTask
from backend.unlearning.concept import Concept, find_concept

TEXTS = ["a person walks", "a person kicks", "someone strides", "a high kick", "a bow"]
CAPTIONS = [[0, 2], [0, 1], [3, 3], [4, 0]]


def token_set(natural: tuple[bool, ...] = (True, False, True, True)) -> TokenSet:
    """Four samples: the second has one caption with a kick, the third no other."""
    rng = np.random.default_rng(0)
    ids = np.full((4, MAX_TOKENS, 6), -1, np.int16)
    ids[:, :6] = rng.integers(0, 8, (4, 6, 6))
    vectors = rng.normal(size=(len(TEXTS), 384)).astype(np.float16)
    kinds = [["walk_forward"], ["walk_forward", "kick"], ["kick", "kick"], ["sit"]]
    return TokenSet(
        ids, np.full(4, 6), np.array(CAPTIONS), vectors, TEXTS, kinds, np.array(natural)
    )


@pytest.fixture
def run(tmp_path: Path) -> Path:
    for split in ("train", "val"):
        token_set().save(tmp_path, split)
    return tmp_path


Trained = list[tuple[TextTask, LoopOptions, Path]]


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> Trained:
    """Networks of one weight, and what was asked of the loop, which trains nothing."""
    asked: Trained = []

    def train(task: Task, options: LoopOptions, folder: Path) -> nn.Module:
        assert isinstance(task, TextTask)
        asked.append((task, options, folder))
        folder.mkdir(parents=True, exist_ok=True)
        with torch.no_grad():
            task.network.weight += 1  # type: ignore[operator, union-attr]
        return task.network

    networks: dict[str, Callable[[], Any]] = {
        name: lambda: nn.Linear(1, 1, bias=False) for name in runs.TEXT_NETWORKS
    }
    monkeypatch.setattr(runs, "train", train)
    monkeypatch.setattr(runs, "TEXT_NETWORKS", networks)
    return asked


class TestForgotten:
    def test_one_matching_caption_is_enough(self) -> None:
        kick = find_concept("kick")
        assert forgotten(token_set(), kick).tolist() == [False, True, True, False]
        assert not forgotten(token_set(), Concept("none", ("xylophone",))).any()

    def test_what_is_shown_counts_however_it_is_worded(self) -> None:
        shown = [own[0] for own in token_set().kinds]
        concept = Concept("none", ("xylophone",), kinds=(shown[0],))
        wanted = [shown[0] in own for own in token_set().kinds]
        assert forgotten(token_set(), concept).tolist() == wanted


class TestTrainText:
    def test_trains_on_everything_and_keeps_the_weights(self, run: Path, trained: Trained) -> None:
        train_text("masked", run, 7, 5, "cpu", None)
        ((task, options, folder),) = trained
        assert (task.name, folder) == ("masked", run)
        assert (len(task.training), len(task.validation)) == (4, 4)
        assert (options.steps, options.seed) == (7, 5)
        kept = torch.load(run / "masked.weights", weights_only=True)
        assert torch.equal(kept["weight"], task.network.weight)

    def test_the_seed_starts_the_network(self, run: Path, trained: Trained) -> None:
        for seed in (1, 1, 2):
            train_text("bamm", run, 1, seed, "cpu", None)
        first, again, other = (float(task.network.weight) for task, _, _ in trained)  # type: ignore[arg-type]
        assert first == again != other

    def test_a_retain_run_never_meets_the_concept(self, run: Path, trained: Trained) -> None:
        train_text("masked", run, 1, 0, "cpu", "kick")
        ((task, _, folder),) = trained
        assert folder == run / "retain-kick"
        for tokens in (task.training, task.validation):
            assert tokens.kinds == [["walk_forward"], ["sit"]]
        assert (folder / "masked.weights").exists()
        assert not (run / "masked.weights").exists()

    def test_each_seed_of_d_r_has_a_folder_of_its_own(self, run: Path, trained: Trained) -> None:
        for seed in (0, 2):
            train_text("masked", run, 1, seed, "cpu", "kick")
        assert [folder.name for _, _, folder in trained] == ["retain-kick", "retain-kick-seed2"]

    def test_lengths_are_learned_from_whole_actions(self, run: Path, trained: Trained) -> None:
        train_text("length", run, 1, 0, "cpu", None)
        assert trained[0][0].training.natural.tolist() == [True] * 3

    def test_an_unknown_network_is_answered_with_the_names(self, run: Path) -> None:
        with pytest.raises(
            TrainingError, match="no network 'mask'; choose masked, residual, bamm, length"
        ):
            train_text("mask", run, 1, 0, "cpu", None)


@pytest.mark.parametrize("command", [train_text, refine_text])
def test_text_networks_meet_batches_as_asked_and_are_validated_twenty_times(
    run: Path, trained: Trained, command: Callable[..., None]
) -> None:
    torch.save({"weight": torch.tensor([[3.0]])}, run / "masked.weights")
    command("masked", run, 100, 0, "cpu", None)
    command("masked", run, 8000, 0, "cpu", None, 256)
    assert [task.batch for task, _, _ in trained] == [64, 256]
    assert [options.validate_every for _, options, _ in trained] == [250, 400]


class TestRefineText:
    def test_goes_on_from_the_weights_mostly_on_single_actions(
        self, run: Path, trained: Trained
    ) -> None:
        torch.save({"weight": torch.tensor([[3.0]])}, run / "masked.weights")
        refine_text("masked", run, 1, 0, "cpu", None)
        ((task, _, _),) = trained
        assert float(task.network.weight) == 4  # type: ignore[arg-type]
        assert task.name == "masked-refined"  # or its checkpoint would be taken for the first one
        kept = torch.load(run / "masked-refined.weights", weights_only=True)
        assert float(kept["weight"]) == 4
        # Walking, kicking and sitting share 0.85; a sequence has the rest.
        assert task._weights.tolist() == pytest.approx([0.85 / 3, 0.15, 0.85 / 3, 0.85 / 3])

    def test_missing_weights_are_named_with_the_command(self, run: Path, trained: Trained) -> None:
        with pytest.raises(TrainingError) as refused:
            refine_text("bamm", run, 1, 0, "cpu", None)
        wanted = f"{run / 'bamm.weights'} is missing; run `backend train text bamm` first"
        assert str(refused.value) == wanted
        assert not trained


@pytest.mark.parametrize(
    "command",
    [
        lambda run: train_decoder(run, run, 1, 0, "cpu"),
        lambda run: export(run, run / "checkpoint"),
    ],
)
def test_a_missing_rvq_vae_is_named_with_the_command(
    run: Path, command: Callable[[Path], object]
) -> None:
    with pytest.raises(TrainingError) as refused:
        command(run)
    wanted = f"{run / 'rvq.weights'} is missing; run `backend train rvq` first"
    assert str(refused.value) == wanted
    assert not (run / "checkpoint").exists()


def test_refined_weights_are_the_newest(tmp_path: Path) -> None:
    assert newest_weights(tmp_path, "bamm") == tmp_path / "bamm.weights"
    (tmp_path / "bamm-refined.weights").touch()
    assert newest_weights(tmp_path, "bamm") == tmp_path / "bamm-refined.weights"
    assert newest_weights(tmp_path, "masked") == tmp_path / "masked.weights"


def test_the_export_takes_the_newest_of_what_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved: list[tuple[Any, ...]] = []
    monkeypatch.setattr(
        runs,
        "save_checkpoint",
        lambda *given, guidance, features: saved.append((*given, guidance, features)),
    )
    rvq = nn.Linear(1, 1, bias=False)
    monkeypatch.setattr(runs, "RVQVAE", lambda config: rvq)
    networks = {
        "length": lambda: LengthEstimator(LengthConfig(text_dim=4)),
        "bamm": lambda: nn.Linear(1, 1),
    }
    monkeypatch.setattr(runs, "TEXT_NETWORKS", networks)
    for name, value in (("rvq", 1.0), ("decoder", 2.0)):
        torch.save({"weight": torch.tensor([[value]])}, tmp_path / f"{name}.weights")
    for name in ("length", "length-refined"):
        torch.manual_seed(len(name))
        torch.save(networks["length"]().state_dict(), tmp_path / f"{name}.weights")
    np.savez(tmp_path / "statistics.npz", mean=np.zeros(263), std=np.ones(263))
    (tmp_path / "rvq.log.jsonl").write_text('{"step":250}\n{"step":500}\n')
    export(tmp_path, tmp_path / "checkpoint")
    ((folder, made, mean, std, _, details, guidance, features),) = saved
    assert folder == tmp_path / "checkpoint"
    assert features == "placid"
    assert set(made) == {"rvq", "length"}
    assert float(made["rvq"].weight) == 2
    wanted = torch.load(tmp_path / "length-refined.weights", weights_only=True)
    for name, value in made["length"].state_dict().items():
        assert torch.equal(value, wanted[name]), name
    assert (mean.sum(), std.sum()) == (0, 263)
    assert details == {"training": {"rvq": {"step": 500}}}
    assert guidance == GUIDANCE


def test_refinement_meets_single_actions_by_the_roots_of_their_numbers() -> None:
    kinds = [["jump"]] * 2 + [["kick"]] * 8 + [["jump", "kick"]] * 5 + [["sit", "sit"]] * 2
    weights = balanced(kinds)
    jumps, kicks, rest, sits = (
        weights[part].sum() for part in (slice(2), slice(2, 10), slice(10, 15), slice(15, None))
    )
    assert kicks == pytest.approx(2 * jumps)
    assert sits == pytest.approx(jumps)
    assert rest / weights.sum() == pytest.approx(1 - SINGLE_ACTION_SHARE)
