"""The decoder's trainer: tokens stay what they are while what is made of them improves."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from backend.models.rvqvae import RVQVAE
from backend.motion.features import FEATURES
from backend.training import decoder, rvq
from backend.training.decoder import WINDOW, DecoderTask
from backend.training.loop import LoopOptions, train
from tests.backend.training.tiny import moving_clips, tiny_rvq

MEAN, STD = np.zeros(FEATURES, np.float32), np.ones(FEATURES, np.float32)


def decoder_task(network: RVQVAE) -> DecoderTask:
    return DecoderTask(network, moving_clips(), MEAN, STD, batch=8)


def test_only_the_decoder_moves(tmp_path: Path) -> None:
    network = tiny_rvq()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    statistics = network.training_state()
    options = LoopOptions(4, 1e-2, warmup=1, weight_decay=0.1, average=0.5, validate_every=4)
    average = train(decoder_task(network), options, tmp_path)
    for trained in (network, average):
        for name, value in trained.state_dict().items():
            moves = name.startswith("decoder.")
            assert torch.equal(value, before[name]) != moves, name
    for name, value in network.training_state().items():
        assert torch.equal(value, statistics[name]), name


def test_learns_to_decode(tmp_path: Path) -> None:
    network = tiny_rvq()
    task = decoder_task(network)
    before = task.validate(network)["mpjpe_toy"]
    options = LoopOptions(25, 2e-2, warmup=2, average=0.5, validate_every=25)
    after = task.validate(train(task, options, tmp_path))["mpjpe_toy"]
    assert after < 0.85 * before


def test_some_batches_show_the_first_layers_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    network = tiny_rvq()
    task = decoder_task(network)
    shown: list[int] = []

    def noted(ids: Tensor) -> Tensor:
        shown.append(ids.shape[-1])
        return RVQVAE.decode(network, ids)

    monkeypatch.setattr(network, "decode", noted)
    for share, layers in ((0.0, {3}), (1.0, {1, 2})):
        monkeypatch.setattr(decoder, "FEWER_LAYERS", share)
        shown.clear()
        for seed in range(6):
            task.loss(np.random.default_rng(seed))
        assert set(shown) == layers


def test_windows_are_longer_than_the_tokens_were_learned_on() -> None:
    rows = decoder_task(tiny_rvq()).windows(np.random.default_rng(0))
    assert rows.shape == (8, WINDOW, FEATURES)
    assert WINDOW > rvq.WINDOW


def test_tokens_are_those_of_a_finished_network() -> None:
    """The loop puts the network in training, where encoding would draw codes and move them."""
    network = tiny_rvq()
    task = decoder_task(network)
    network.train()
    task.loss(np.random.default_rng(0))
    assert not network.quantizer.training
    assert network.decoder.training
    task.validate(network)
    assert not network.decoder.training
