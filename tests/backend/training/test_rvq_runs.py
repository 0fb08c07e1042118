"""Runs of the RVQ-VAE: its batches, its decoder's, and the tokens that are made with it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tiny_checkpoint import HashedWords
from torch import nn

from backend.motion.features import FEATURES
from backend.training import runs
from backend.training.decoder import DecoderTask
from backend.training.loop import LoopOptions
from backend.training.runs import make_tokens, train_decoder, train_rvq
from backend.training.rvq import RVQTask
from backend.training.tokens import TokenPart, TokenSet
from tests.backend.training.tiny import moving_clips, tiny_rvq

Trained = list[tuple[RVQTask, LoopOptions]]


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """A run whose RVQ-VAE is trained."""
    torch.save(tiny_rvq().state_dict(), tmp_path / "rvq.weights")
    scale = np.full(FEATURES, 0.5, np.float32)
    np.savez(tmp_path / "statistics.npz", mean=0 * scale, std=scale)
    return tmp_path


@pytest.fixture(autouse=True)
def _tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    """A network and clips that take milliseconds."""
    monkeypatch.setattr(runs, "RVQ", tiny_rvq().config)
    monkeypatch.setattr(runs, "load_prepared", lambda prepared: moving_clips())


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> Trained:
    """What was asked of the loop, which trains nothing."""
    asked: Trained = []

    def train(task: RVQTask, options: LoopOptions, folder: Path) -> nn.Module:
        asked.append((task, options))
        return task.network

    monkeypatch.setattr(runs, "train", train)
    return asked


class TestTrainRVQ:
    @pytest.mark.parametrize(("batch", "fewest"), [(64, 0.125), (256, 0.5), (8, 1 / 64)])
    def test_codes_may_be_as_rare_as_the_batch_is_small(
        self, tmp_path: Path, trained: Trained, batch: int, fewest: float
    ) -> None:
        train_rvq(tmp_path, tmp_path / "run", 3, 0, "cpu", batch)
        ((task, _),) = trained
        assert task.network.config == runs.RVQ
        assert {layer.fewest for layer in task.network.quantizer.codebooks} == {fewest}
        assert task.batch == batch
        assert len(task.windows(np.random.default_rng(0))) == batch
        kept = torch.load(tmp_path / "run" / "rvq.weights", weights_only=True)
        for name, value in task.network.state_dict().items():
            assert torch.equal(kept[name], value), name

    def test_windows_have_the_statistics_that_are_kept(
        self, tmp_path: Path, trained: Trained
    ) -> None:
        train_rvq(tmp_path, tmp_path / "run", 3, 0, "cpu")
        ((task, _),) = trained
        assert task.batch == 64
        with np.load(tmp_path / "run" / "statistics.npz", allow_pickle=False) as kept:
            np.testing.assert_array_equal(kept["mean"], task.mean)
            np.testing.assert_array_equal(kept["std"], task.std)
        rows = np.concatenate([c.features for c in moving_clips() if c.split == "train"])
        np.testing.assert_allclose(task.mean, rows.mean(axis=0), atol=1e-4)

    def test_a_long_training_is_validated_twenty_times(
        self, tmp_path: Path, trained: Trained
    ) -> None:
        for steps in (2800, 40_000):
            train_rvq(tmp_path, tmp_path / "run", steps, 0, "cpu", 8)
        assert [options.steps for _, options in trained] == [2800, 40_000]
        assert [options.validate_every for _, options in trained] == [500, 2000]


def test_the_decoder_meets_batches_as_asked(out: Path, trained: Trained) -> None:
    train_decoder(out, out, 100, 3, "cpu")
    train_decoder(out, out, 40_000, 3, "cpu", 16)
    assert all(isinstance(task, DecoderTask) for task, _ in trained)
    assert [task.batch for task, _ in trained] == [32, 16]
    assert [options.validate_every for _, options in trained] == [250, 2000]
    wanted = torch.load(out / "rvq.weights", weights_only=True)
    for name, value in torch.load(out / "decoder.weights", weights_only=True).items():
        assert torch.equal(value, wanted[name]), name


class TestMakeTokens:
    @pytest.fixture
    def pieces(self, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Sequence[int]]]:
        """The split and numbers of every part that is drawn."""
        monkeypatch.setattr(runs, "VALIDATION_SAMPLES", 5)
        monkeypatch.setattr(runs, "SentenceEncoder", HashedWords)
        drawn: list[tuple[str, Sequence[int]]] = []
        draw_tokens = runs.draw_tokens

        def noted(clips: Any, split: str, numbers: Sequence[int], *rest: Any) -> TokenPart:
            drawn.append((split, numbers))
            return draw_tokens(clips, split, numbers, *rest)

        monkeypatch.setattr(runs, "draw_tokens", noted)
        return drawn

    def test_parts_make_what_one_piece_makes(
        self,
        out: Path,
        pieces: list[tuple[str, Sequence[int]]],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        make_tokens(out, out, 11, 2, "cpu")
        assert pieces == [("val", range(5)), ("train", range(11))]
        whole = {split: TokenSet.load(out, split) for split in ("val", "train")}
        assert (len(whole["val"]), len(whole["train"])) == (5, 11)
        assert len(np.unique(whole["train"].ids)) > 5
        pieces.clear()
        monkeypatch.setattr(runs, "PART", 4)
        make_tokens(out, out, 11, 2, "cpu")
        starts = [("val", 0, 4), ("val", 4, 5), ("train", 0, 4), ("train", 4, 8), ("train", 8, 11)]
        assert pieces == [(split, range(start, end)) for split, start, end in starts]
        for split, wanted in whole.items():
            made = TokenSet.load(out, split)
            for name in ("ids", "lengths", "captions", "vectors", "natural"):
                np.testing.assert_array_equal(getattr(made, name), getattr(wanted, name), name)
            assert (made.texts, made.kinds) == (wanted.texts, wanted.kinds)

    def test_captions_are_encoded_once(
        self,
        out: Path,
        pieces: list[tuple[str, Sequence[int]]],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        make_tokens(out, out, 6, 0, "cpu")
        before = TokenSet.load(out, "train")
        torch.save(tiny_rvq(seed=1).state_dict(), out / "rvq.weights")

        class _Mute(HashedWords):
            def encode(self, prompts: Sequence[str]) -> torch.Tensor:
                raise AssertionError(prompts)

        monkeypatch.setattr(runs, "SentenceEncoder", _Mute)
        make_tokens(out, out, 6, 0, "cpu")
        after = TokenSet.load(out, "train")
        np.testing.assert_array_equal(after.vectors, before.vectors)
        assert not np.array_equal(after.ids, before.ids)
