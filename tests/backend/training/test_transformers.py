"""The trainer of the networks that read text: what a batch holds and how it is judged."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from backend.models.bamm import BAMM
from backend.models.configs import BAMMConfig, LengthConfig, MaskedConfig, ResidualConfig
from backend.models.length import LengthEstimator
from backend.models.masked import MaskTransformer
from backend.models.residual import ResidualTransformer
from backend.training import transformers
from backend.training.loop import LoopOptions, train
from backend.training.tokens import MAX_TOKENS, TokenSet
from backend.training.transformers import BATCH_LOSSES, NEIGHBOURHOOD, TextTask

CODES, TEXT = 8, 6
SIZES = {"codes": CODES, "code_dim": 8, "text_dim": TEXT, "width": 8, "heads": 2, "ff": 8}
NETWORKS = {
    "masked": lambda: MaskTransformer(MaskedConfig(**SIZES, layers=1)),
    "residual": lambda: ResidualTransformer(ResidualConfig(**SIZES, layers=1)),
    "bamm": lambda: BAMM(BAMMConfig(**SIZES, layers=1)),
    "length": lambda: LengthEstimator(LengthConfig(text_dim=TEXT)),
}


class _Noted(nn.Module):
    """Notes the batches that it is shown instead of learning from them."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))
        self.batches: list[tuple[Tensor, Tensor, Tensor]] = []

    def loss(
        self, ids: Tensor, text: Tensor, lengths: Tensor, generator: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        """The weight."""
        self.batches.append((ids, text, lengths))
        return self.weight.sum(), self.weight.detach().sum()


def token_set(count: int, lengths: np.ndarray | None = None) -> TokenSet:
    """Samples whose first token's layers tell their number, in the base of the codes."""
    rng = np.random.default_rng(count)
    lengths = rng.integers(6, MAX_TOKENS + 1, count) if lengths is None else lengths
    ids = rng.integers(0, CODES, (count, MAX_TOKENS, 6)).astype(np.int16)
    ids[np.arange(MAX_TOKENS) >= lengths[:, None]] = -1
    number = np.arange(count)
    for layer in range(4):
        ids[:, 0, layer] = number // CODES**layer % CODES
    vectors = rng.normal(size=(count * 2, TEXT)).astype(np.float16)
    captions = np.stack([number * 2, number * 2 + 1], axis=1)
    return TokenSet(ids, lengths, captions, vectors, [], [[]] * count, np.ones(count, bool))


def numbers(ids: Tensor) -> np.ndarray:
    """Which samples a batch holds."""
    return (ids[:, 0, :4].numpy() * CODES ** np.arange(4)).sum(axis=1)


def noted(tokens: TokenSet, batch: int, weights: np.ndarray | None = None) -> TextTask:
    return TextTask("residual", _Noted(), tokens, tokens, batch, weights)


@pytest.fixture(params=[*NETWORKS])
def task(request: pytest.FixtureRequest) -> TextTask:
    torch.manual_seed(0)
    network = NETWORKS[request.param]()
    return TextTask(request.param, network, token_set(30), token_set(150), batch=8)


def test_every_network_has_a_loss() -> None:
    assert set(BATCH_LOSSES) == set(NETWORKS)


def test_validates_the_same_twice(task: TextTask) -> None:
    network = task.network.eval()
    first = task.validate(network)
    torch.manual_seed(5)
    np.random.seed(5)
    assert task.validate(network) == first
    assert set(first) == {"loss", "accuracy"}
    assert first["loss"] > 0.5
    torch.manual_seed(1)
    assert task.validate(NETWORKS[task.name]().eval()) != first


def test_the_loss_depends_on_the_random_numbers_alone(task: TextTask) -> None:
    task.network.eval()  # dropout draws from torch's own generator, which the loop seeds
    losses = []
    for seed in (3, 3, 4):
        torch.manual_seed(len(losses))
        losses.append(float(task.loss(np.random.default_rng(seed))["loss"].detach()))
    assert losses[0] == losses[1] != losses[2]


def test_learns_what_a_caption_stands_for(task: TextTask, tmp_path: Path) -> None:
    tokens = task.training
    codes = np.arange(30) % 2 * 5
    tokens.ids[:] = np.where(tokens.ids < 0, -1, codes[:, None, None])
    tokens.vectors[:] = np.repeat(codes - 2.5, 2)[:, None]
    task.validation = tokens
    before = task.validate(task.network.eval())["loss"]
    options = LoopOptions(25, 2e-2, warmup=2, validate_every=25)
    after = task.validate(train(task, options, tmp_path))["loss"]
    assert after < 0.75 * before


def test_batches_hold_only_what_is_wanted() -> None:
    weights = np.zeros(40)
    weights[[3, 11, 29]] = 1, 1, 6
    task = noted(token_set(40), 50, weights)
    task.loss(np.random.default_rng(0))
    ids, _, _ = task.network.batches[0]  # type: ignore[union-attr, index]
    shown = np.bincount(numbers(ids), minlength=40)
    assert set(shown.nonzero()[0]) == {3, 11, 29}
    assert shown[29] > 2 * max(shown[3], shown[11])


def test_batches_hold_neighbours_in_length_without_padding_beyond_the_longest() -> None:
    lengths = np.random.default_rng(0).permutation(np.repeat(np.arange(10, 50), 40))
    task = noted(token_set(1600, lengths), 8)
    firsts = []
    for seed in range(20):
        task.loss(np.random.default_rng(seed))
        ids, _, held = task.network.batches[-1]  # type: ignore[union-attr, index]
        assert ids.shape[1] == held.max()
        assert int(held.max() - held.min()) <= NEIGHBOURHOOD * 8 // 40 + 1
        np.testing.assert_array_equal(held, lengths[numbers(ids)])
        firsts.append(int(held.min()))
    assert min(firsts) < 20
    assert max(firsts) > 38


def test_a_batch_may_be_larger_than_the_set() -> None:
    task = noted(token_set(3), 64)
    task.loss(np.random.default_rng(0))
    ids, _, _ = task.network.batches[0]  # type: ignore[union-attr, index]
    assert set(numbers(ids)) == {0, 1, 2}
    assert len(ids) == 64


def test_each_sample_comes_with_one_of_its_captions_and_noise_on_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tokens = token_set(40)
    task = noted(tokens, 64)
    distances = []
    for noise in (0.0, 0.3):
        monkeypatch.setattr(transformers, "TEXT_NOISE", noise)
        task.loss(np.random.default_rng(0))
        ids, text, _ = task.network.batches[-1]  # type: ignore[union-attr, index]
        own = torch.from_numpy(tokens.vectors[tokens.captions[numbers(ids)]]).float()
        off = (own - text[:, None]).norm(dim=2) / own.norm(dim=2)
        distances.append(off.amin(1))
        if noise == 0:
            assert set(off.argmin(1).tolist()) == {0, 1}
    assert float(distances[0].max()) == 0
    assert 0.15 < float(distances[1].mean()) < 0.4
