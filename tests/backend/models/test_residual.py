"""Residual transformer, with and without shared weights, against the golden vectors."""

import pytest
import torch
from full_logits import residual_logits
from goldens import Golden, text_embedding, weights

from backend.models.configs import ResidualConfig
from backend.models.loading import load_strict
from backend.models.reference_quirks import CORRECTED, PUBLISHED
from backend.models.residual import ResidualTransformer, active_quantizer
from backend.models.transformer import cross_entropy

TINY = ResidualConfig(codes=32, code_dim=32, width=48, heads=2, ff=64, layers=3)
KINDS = {"sw": True, "nsw": False}


@pytest.fixture(scope="module")
def golden():
    return Golden("momask_res")


def build(golden, kind, quirks=PUBLISHED):
    config = ResidualConfig(**{**TINY.__dict__, "shared_weights": KINDS[kind]})
    model = ResidualTransformer(config, quirks).eval()
    load_strict(model, weights(model, golden.seed))
    return model


def test_texts_follow_their_rule(golden):
    texts = golden.strings("texts")
    golden.check("text_emb", torch.stack([text_embedding(t, golden.seed) for t in texts]))


@pytest.mark.parametrize("kind", KINDS)
@torch.no_grad()
def test_logits(golden, kind):
    model = build(golden, kind)
    history, text, lengths = golden["history"], golden["text_emb"], golden["m_lens"]
    for layer in range(1, 6):
        q = torch.full((4,), layer)
        found = {
            "hidden": lambda q=q: model.hidden(history, q, text, lengths),
            "logits_cs1": lambda q=q: residual_logits(model, history, q, text, lengths, 1),
            "logits_cs5": lambda q=q: residual_logits(model, history, q, text, lengths, 5),
            "logits_uncond": lambda q=q: model(history, q, torch.zeros_like(text), lengths),
        }
        for name, compute in found.items():
            key = f"{kind}_{name}_q{layer}"
            if key in golden.names:
                golden.check(key, compute())


@torch.no_grad()
def test_doubled_logits_are_a_choice(golden):
    arguments = golden["history"], torch.full((4,), 2), golden["text_emb"], golden["m_lens"]
    published, corrected = build(golden, "nsw"), build(golden, "nsw", CORRECTED)
    bias = corrected.output_proj_bias[1].unsqueeze(-1)
    torch.testing.assert_close(
        published(*arguments) - bias, 2 * (corrected(*arguments) - bias), rtol=1e-4, atol=1e-4
    )


@pytest.mark.parametrize("kind", KINDS)
@torch.no_grad()
def test_training_step(golden, kind):
    model = build(golden, kind)
    ids, q = golden["train_indices"], golden["train_active_q"]
    lengths, labels = golden["m_lens"], golden[f"{kind}_train_labels"]
    valid = torch.arange(12) < lengths.unsqueeze(1)
    history = model.training_history(ids.masked_fill(~valid.unsqueeze(-1), model.pad_id), q)
    logits = model(history, q, golden["text_emb"], lengths)
    loss, accuracy = cross_entropy(logits, labels, model.pad_id)
    golden.check(f"{kind}_train_history", history)
    golden.check(f"{kind}_train_logits", logits)
    golden.check(f"{kind}_train_loss", loss)
    golden.check(f"{kind}_train_acc", accuracy)


def test_training_labels_are_the_ids_of_the_active_layer(golden, monkeypatch):
    model = build(golden, "sw")
    seen = {}

    def spy(logits, labels, ignore):
        seen["labels"] = labels
        return cross_entropy(logits, labels, ignore)

    monkeypatch.setattr("backend.models.residual.cross_entropy", spy)
    monkeypatch.setattr(
        "backend.models.residual.active_quantizer", lambda u, n: golden["train_active_q"]
    )
    generator = torch.Generator().manual_seed(0)
    model.loss(golden["train_indices"], golden["text_emb"], golden["m_lens"], generator)
    golden.check("sw_train_labels", seen["labels"])
    golden.check("nsw_train_labels", seen["labels"])


def test_schedule_of_the_active_quantizer(golden):
    golden.check("qsched_q", active_quantizer(golden["qsched_u"], 6))


@pytest.mark.parametrize("kind", KINDS)
def test_loss_trains(golden, kind):
    torch.manual_seed(0)
    model = build(golden, kind).train()
    optimiser = torch.optim.AdamW(model.parameters(), lr=2e-3)
    losses = []
    for step in range(60):
        loss, _ = model.loss(
            golden["train_indices"],
            golden["text_emb"],
            golden["m_lens"],
            torch.Generator().manual_seed(step % 3),
        )
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert sum(losses[-6:]) < 0.6 * sum(losses[:6])
