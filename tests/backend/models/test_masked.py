"""Masked transformer against the golden vectors; generation, editing and training."""

from itertools import pairwise

import pytest
import torch
from full_logits import masked_logits
from goldens import Golden, text_embedding, weights

from backend.models.loading import load_strict
from backend.models.masked import MaskedConfig, MaskTransformer
from backend.models.noise import RecordedNoise, SeededNoise
from backend.models.reference_quirks import CORRECTED, PUBLISHED
from backend.models.transformer import cross_entropy

GREEDY = {"temperature": 1e-8, "guidance": 4.0}
TINY = MaskedConfig(codes=32, code_dim=32, width=48, heads=3, ff=64, layers=2)
RUNS = {
    "greedy6": {"steps": 6, **GREEDY},
    "greedy10": {"steps": 10, **GREEDY},
    "greedy1": {"steps": 1, **GREEDY},
    "gumbel6": {"steps": 6},
    "categ6": {"steps": 6, "temperature": 0.7, "top_k": 0.5},
}


@pytest.fixture(scope="module")
def golden():
    return Golden("momask_mask")


@pytest.fixture(scope="module")
def model(golden):
    return build(golden, CORRECTED)


def build(golden, quirks):
    model = MaskTransformer(TINY, quirks).eval()
    load_strict(model, weights(model, golden.seed))
    return model


class Recorder:
    """Keeps the ids that went into every step."""

    def __init__(self):
        self.ids = []

    def __call__(self, step):
        self.ids.append(step.ids)


def noise_for(golden, name, batch):
    if f"{name}_u" in golden.names:
        return RecordedNoise(golden[f"{name}_u"])
    return SeededNoise.from_seeds(range(batch))


def check_run(golden, model, name, text, guidance, result, recorder):
    """Ids and logits of every step, the result, and how clearly each choice was made."""
    lengths = golden["m_lens"]
    golden.check(f"{name}_out", result)
    golden.check(f"{name}_step_ids", torch.stack(recorder.ids))
    logits = torch.stack(
        [masked_logits(model, ids, text, lengths, guidance) for ids in recorder.ids]
    )
    golden.check(f"{name}_step_logits", logits)
    valid = torch.arange(logits.shape[-1]) < lengths.unsqueeze(1)
    if name.startswith("edit"):
        # The margins of these two runs were taken over padding as well.
        valid = torch.ones_like(valid)
    best = logits.transpose(2, 3)[:, valid].topk(2).values
    golden.check(f"{name}_min_margin", (best[..., 0] - best[..., 1]).min())


def rank_gap(model, golden, text, guidance, ids_per_step):
    """Smallest gap between the scores of the last masked and the first kept candidate."""
    lengths, gaps = golden["m_lens"], []
    for now, after in pairwise(ids_per_step):
        logits = masked_logits(model, now, text, lengths, guidance).transpose(1, 2)
        belief = logits.softmax(-1).amax(-1)
        for row in range(len(now)):
            candidates = now[row] == model.mask_id
            again = after[row] == model.mask_id
            kept = candidates & ~again
            if kept.any():
                gaps.append(belief[row][kept].min() - belief[row][again].max())
    return torch.stack(gaps).min()


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


@pytest.mark.parametrize("name", RUNS)
@torch.no_grad()
def test_generate(golden, model, name):
    text, recorder = golden["text_emb"], Recorder()
    settings = {"guidance": 4.0, **RUNS[name]}
    result = model.generate(
        text, golden["m_lens"], noise=noise_for(golden, name, 4), on_step=recorder, **settings
    )
    check_run(golden, model, name, text, settings["guidance"], result, recorder)
    if f"{name}_min_rank_gap" in golden.names:
        gap = rank_gap(model, golden, text, settings["guidance"], recorder.ids)
        golden.check(f"{name}_min_rank_gap", gap)


@torch.no_grad()
def test_generate_without_text(golden, model):
    text, recorder = torch.zeros_like(golden["text_emb"]), Recorder()
    result = model.generate(
        text,
        golden["m_lens"],
        noise=SeededNoise.from_seeds(range(4)),
        steps=5,
        guidance=1.0,
        temperature=1e-8,
        on_step=recorder,
    )
    check_run(golden, model, "greedy_uncond", text, 1.0, result, recorder)
    gap = rank_gap(model, golden, text, 1.0, recorder.ids)
    golden.check("greedy_uncond_min_rank_gap", gap)


@pytest.mark.parametrize("name", ["edit", "editfree"])
@torch.no_grad()
def test_edit(golden, name):
    model, text, recorder = build(golden, PUBLISHED), golden["text_emb"], Recorder()
    result = model.edit(
        golden["edit_tokens"],
        golden["edit_mask"] if name == "edit" else None,
        text,
        golden["m_lens"],
        noise=SeededNoise.from_seeds(range(4)),
        steps=5,
        on_step=recorder,
        **GREEDY,
    )
    check_run(golden, model, name, text, 4.0, result, recorder)


def test_edit_keeps_what_it_may_not_change(golden, model):
    tokens, lengths = golden["edit_tokens"], golden["m_lens"]
    editable = torch.zeros_like(golden["edit_mask"])
    editable[0, 4:7] = True
    result = model.edit(
        tokens, editable, golden["text_emb"], lengths, noise=SeededNoise.from_seeds(range(4))
    )
    kept = (torch.arange(12) < lengths.unsqueeze(1)) & ~editable
    assert torch.equal(result[kept], tokens[kept])
    assert not torch.equal(result[0, 4:7], tokens[0, 4:7])


def test_a_sample_is_the_same_in_any_batch(golden, model):
    text, lengths = golden["text_emb"], golden["m_lens"]
    together = model.generate(text, lengths, noise=SeededNoise.from_seeds(range(4)))
    for i, length in enumerate(lengths.tolist()):
        alone = model.generate(
            text[i : i + 1], lengths[i : i + 1], noise=SeededNoise.from_seeds([i])
        )
        assert torch.equal(alone[0], together[i, :length])


def test_a_callback_can_stop_the_generation(golden, model):
    done = []

    def stop(step):
        done.append((step.index, step.count))
        if step.index == 1:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        model.generate(
            golden["text_emb"],
            golden["m_lens"],
            noise=SeededNoise.from_seeds(range(4)),
            on_step=stop,
        )
    assert done == [(0, 10), (1, 10)]


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
