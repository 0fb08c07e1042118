"""The evaluator's trainer: its loss, and that it learns to tell two actions apart."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from backend.datasets.actions import Action
from backend.datasets.samples import Sample
from backend.models.matching import MatcherConfig, SentenceMatcher
from backend.training.evaluator import TEMPERATURE, EvaluatorTask, MotionTexts, contrastive_loss
from backend.training.loop import LoopOptions, train


class _WordEncoder:
    """A vector for each first letter of the words of a prompt."""

    name, width = "letters", 26

    def encode(self, prompts: list[str]) -> Tensor:
        counts = torch.zeros(len(prompts), 26)
        for row, prompt in zip(counts, prompts, strict=True):
            for word in prompt.lower().split():
                if word[0].isascii() and word[0].isalpha():
                    row[ord(word[0]) - 97] += 1
        return counts


def test_the_loss_is_that_of_the_right_answer_among_all() -> None:
    rows = torch.nn.functional.normalize(torch.randn(5, 3), dim=1)
    loss = contrastive_loss(rows, rows, torch.arange(5))
    scores = np.exp((rows @ rows.T).double().numpy() / TEMPERATURE)
    wanted = -np.log(scores.diagonal() / scores.sum(axis=1)).mean()
    assert float(loss) == pytest.approx(wanted, rel=1e-5)


def test_motions_of_the_same_actions_are_no_wrong_answers() -> None:
    rows = torch.nn.functional.normalize(torch.randn(2, 3), dim=1)
    assert float(contrastive_loss(rows, rows, torch.tensor([4, 4]))) == pytest.approx(0)


def samples(count: int) -> list[Sample]:
    """Kicks and walks of several lengths: motions of other columns."""
    rng = np.random.default_rng(count)
    made = []
    for number in range(count):
        kind = ("kick", "walk_forward", "jump", "bow")[number % 4]
        rows = rng.normal(scale=0.3, size=(24 + 4 * (number % 6), 263)).astype(np.float32)
        rows[:, 60 * (number % 4) : 60 * (number % 4) + 40] += 2
        made.append(Sample(rows, (Action(kind),), ()))
    return made


def test_learns_to_match(tmp_path: Path) -> None:
    mean, std = np.zeros(263, np.float32), np.ones(263, np.float32)
    sets = [
        MotionTexts(samples(count), mean, std, 0, _WordEncoder(), tmp_path / f"{count}.npz")
        for count in (64, 120)
    ]
    torch.manual_seed(0)
    network = SentenceMatcher(MatcherConfig(text_dim=26, width=16, text_hidden=32, output=8))
    task = EvaluatorTask(network, sets[0], sets[1], batch=16)
    before = task.validate(network.eval())["r_precision_1"]
    train(task, LoopOptions(30, 1e-2, warmup=5, validate_every=30), tmp_path)
    after = task.validate(network.eval())["r_precision_1"]
    assert after > before + 0.3


def test_a_batch_holds_all_frames_that_count(tmp_path: Path) -> None:
    mean, std = np.zeros(263, np.float32), np.ones(263, np.float32)
    data = MotionTexts(samples(12), mean, std, 0, _WordEncoder(), tmp_path / "texts.npz")
    network = SentenceMatcher(MatcherConfig(text_dim=26, width=16)).eval()
    rows = np.arange(12)
    motion, lengths, _ = data.batch(rows, np.zeros_like(rows))
    assert motion.shape[1] < 196
    whole = torch.from_numpy(data.motion).float()
    with torch.no_grad():
        cut, full = (network.embed_motions(x, lengths) for x in (motion, whole))
    torch.testing.assert_close(cut, full)
