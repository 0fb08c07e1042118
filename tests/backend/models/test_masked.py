"""Masked transformer against the golden vectors; and training."""

import pytest
import torch
from full_logits import masked_logits
from goldens import Golden, text_embedding, weights

from backend.models.configs import MaskedConfig
from backend.models.loading import load_strict
from backend.models.masked import MaskTransformer
from backend.models.transformer import cross_entropy

TINY = MaskedConfig(codes=32, code_dim=32, width=48, heads=3, ff=64, layers=2)


@pytest.fixture(scope="module")
def golden():
    return Golden("momask_mask")


@pytest.fixture(scope="module")
def model(golden):
    return build(golden)


def build(golden):
    model = MaskTransformer(TINY).eval()
    load_strict(model, weights(model, golden.seed))
    return model


def test_texts_and_positions_follow_their_rule(golden, model):
    texts = golden.strings("texts")
    golden.check("text_emb", torch.stack([text_embedding(t, golden.seed) for t in texts]))
    golden.check("pe", model.position_enc.pe[:60, 0])


@torch.no_grad()
def test_logits(golden, model):
    ids, text, lengths = golden["fwd_ids"], golden["text_emb"], golden["m_lens"]
    golden.check("fwd_logits", model(ids, text, lengths))
    golden.check("fwd_logits_uncond", model(ids, torch.zeros_like(text), lengths))
    for scale in ("1", "3", "4", "4.5"):
        golden.check(
            f"fwd_logits_cs{scale}", masked_logits(model, ids, text, lengths, float(scale))
        )


@torch.no_grad()
def test_training_step(golden, model):
    labels = golden["train_labels"]
    logits = model(golden["train_x_ids"], golden["text_emb"], golden["m_lens"])
    loss, accuracy = cross_entropy(logits, labels, model.mask_id)
    golden.check("train_logits", logits)
    golden.check("train_pred", logits.argmax(1))
    golden.check("train_loss", loss)
    golden.check("train_acc", accuracy)
    hidden = labels != model.mask_id
    assert torch.equal(labels[hidden], golden["train_gt"][hidden])


def test_corruption(model):
    generator = torch.Generator().manual_seed(0)
    ids = torch.randint(32, (600, 49), generator=generator)
    lengths = torch.randint(1, 50, (600,), generator=generator)
    inputs, labels = model.corrupt(ids, lengths, generator)
    valid = torch.arange(49) < lengths.unsqueeze(1)
    hidden = labels != model.mask_id
    assert (inputs[~valid] == model.pad_id).all()
    assert not (hidden & ~valid).any()
    assert torch.equal(labels[hidden], ids[hidden])
    assert torch.equal(inputs[valid & ~hidden], ids[valid & ~hidden])
    masked = (inputs[hidden] == model.mask_id).float().mean()
    changed = (inputs[hidden] != ids[hidden]).float().mean()
    assert masked.item() == pytest.approx(0.9 * 0.88, abs=0.02)
    assert changed.item() == pytest.approx(0.9 * 0.88 + 0.1 * 31 / 32, abs=0.02)


def test_loss_trains(golden):
    torch.manual_seed(0)
    model = MaskTransformer(TINY).train()
    optimiser = torch.optim.AdamW(model.parameters(), lr=2e-3)
    ids, lengths = golden["train_gt"], golden["m_lens"]
    losses = []
    for step in range(60):
        generator = torch.Generator().manual_seed(step % 3)
        loss, _ = model.loss(ids, golden["text_emb"], lengths, generator)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert sum(losses[-6:]) < 0.8 * sum(losses[:6])
