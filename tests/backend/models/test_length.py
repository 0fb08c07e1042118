"""Length estimator against the golden vectors."""

import pytest
import torch
from both_engines import ENGINES, RecordedNoise, build
from goldens import Golden, text_embedding, weights

from backend.generation.samplers.length import LengthSampler
from backend.models.configs import LengthConfig
from backend.models.length import LengthEstimator
from backend.models.loading import load_strict


@pytest.fixture(scope="module")
def golden():
    return Golden("length")


@pytest.fixture(scope="module")
def model(golden):
    model = LengthEstimator(LengthConfig()).eval()
    load_strict(model, weights(model, golden.seed))
    return model


@torch.no_grad()
def test_distribution(golden, model):
    texts = golden.strings("texts")
    golden.check("text_emb", torch.stack([text_embedding(t, golden.seed) for t in texts]))
    logits = model(golden["text_emb"])
    golden.check("logits", logits)
    golden.check("probs", logits.softmax(-1))
    golden.check("argmax", logits.argmax(-1))


@pytest.mark.parametrize("engine", ENGINES)
def test_sample(golden, engine):
    network = build(engine, "length", LengthConfig(), golden.seed)
    text = golden["text_emb"].numpy()
    golden.check("logits", network.logits(text))
    noise = RecordedNoise([golden["u"].unsqueeze(1).numpy()])
    golden.check("gumbel_sample", LengthSampler(network).sample(text, noise))


def test_text_width_is_free_and_loss_trains():
    torch.manual_seed(0)
    model = LengthEstimator(LengthConfig(text_dim=384)).train()
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-3)
    text, lengths = torch.randn(8, 384), torch.arange(8) * 6
    first, _ = model.loss(text, lengths)
    for _ in range(40):
        loss, _ = model.loss(text, lengths)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    model.eval()
    loss, accuracy = model.loss(text, lengths)
    assert loss < 0.5 * first
    assert accuracy > 0.9
