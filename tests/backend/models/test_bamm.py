"""BAMM against the golden vectors; training."""

from dataclasses import replace

import pytest
import torch
from full_logits import bamm_logits
from goldens import Golden, text_embedding, weights

from backend.models.bamm import BAMM, visibility
from backend.models.configs import BAMMConfig
from backend.models.loading import load_strict

TINY = BAMMConfig(codes=32, code_dim=32, width=48, heads=3, ff=64, layers=2)


@pytest.fixture(scope="module")
def golden():
    return Golden("bamm")


def build(golden):
    model = BAMM(TINY).eval()
    load_strict(model, weights(model, golden.seed))
    return model


def test_texts_follow_their_rule(golden):
    texts = golden.strings("texts")
    golden.check("text_emb", torch.stack([text_embedding(t, golden.seed) for t in texts]))


@pytest.mark.parametrize("kind", ["causal", "bidir"])
@torch.no_grad()
def test_logits(golden, kind):
    model = build(golden)
    ids, text = golden["fwd_ids"], golden["text_emb"]
    known = golden["fwd_cond_idx"] != model.pad_id if kind == "bidir" else None
    nothing = torch.zeros_like(text)
    allowed = visibility(14, known).expand(3, 1, 15, 15)[:, 0]
    golden.check(f"fwd_{kind}_mask", ~allowed)
    golden.check(f"fwd_{kind}_cond", model(ids, text, known))
    golden.check(f"fwd_{kind}_uncond", model(ids, nothing, known))
    twice = None if known is None else known.repeat(2, 1)
    golden.check(f"fwd_{kind}_both", model(ids.repeat(2, 1), torch.cat([text, nothing]), twice))
    golden.check(f"fwd_{kind}_cs4", bamm_logits(model, ids, text, 4, known))


@torch.no_grad()
def test_logits_of_the_text_alone(golden):
    golden.check("fwd_empty", build(golden)(golden["fwd_ids"][:, :0], golden["text_emb"]))


@torch.no_grad()
def test_pre_norm_flavour(golden):
    model = BAMM(replace(TINY, pre_norm=True)).eval()
    load_strict(model, weights(model, golden.seed))
    ids, text = golden["fwd_ids"], golden["text_emb"]
    golden.check("t2mgpt_causal", model(ids, text))
    golden.check("t2mgpt_bidir", model(ids, text, golden["fwd_cond_idx"] != model.pad_id))


@torch.no_grad()
def test_training_step(golden):
    model = build(golden)
    known = golden["train_cond_idx"] != model.pad_id
    logits = model(golden["train_x_ids"], golden["text_emb"], known)
    _, labels, _ = model.corrupt(
        golden["train_gt"], golden["train_lens"], torch.Generator().manual_seed(0)
    )
    loss, accuracy = model.weighted_loss(logits[..., :-1], labels)
    golden.check("train_logits", logits)
    golden.check("train_loss", loss)
    golden.check("train_acc", accuracy)


def test_corruption(golden):
    model = build(golden)
    generator = torch.Generator().manual_seed(0)
    ids = torch.randint(32, (400, 49), generator=generator)
    lengths = torch.randint(1, 50, (400,), generator=generator)
    inputs, labels, known = model.corrupt(ids, lengths, generator)
    columns = torch.arange(50)
    before = columns < lengths.unsqueeze(1)
    at_end = columns == lengths.unsqueeze(1)
    assert torch.equal(labels[:, :49][before[:, :49]], ids[before[:, :49]])
    assert (labels[at_end] == model.end_id).all()
    assert (labels[~before & ~at_end] == model.pad_id).all()
    assert torch.equal(inputs[~before], labels[~before])
    assert 0 < (inputs[before] != labels[before]).float().mean() < 0.5
    assert not (known & ~before & ~at_end).any()
    long = lengths > 30
    assert known[long].any(1).float().mean().item() == pytest.approx(0.5, abs=0.1)


def test_loss_trains(golden):
    torch.manual_seed(0)
    model = build(golden).train()
    optimiser = torch.optim.AdamW(model.parameters(), lr=2e-3)
    losses = []
    for step in range(60):
        loss, _ = model.loss(
            golden["train_gt"],
            golden["text_emb"],
            golden["train_lens"],
            torch.Generator().manual_seed(step % 3),
        )
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert sum(losses[-6:]) < 0.7 * sum(losses[:6])
