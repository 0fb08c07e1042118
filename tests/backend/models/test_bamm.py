"""BAMM against the golden vectors; the cached generation against the plain one."""

from dataclasses import replace

import pytest
import torch
from goldens import Golden, text_embedding, weights

from backend.models.bamm import BAMM, BAMMConfig, pad_after_end, pad_when_end, visibility
from backend.models.columns import SamplingState, fill_columns, fill_overwriting
from backend.models.loading import load_strict
from backend.models.noise import RecordedNoise, SeededNoise
from backend.models.reference_quirks import CORRECTED, PUBLISHED, ReferenceQuirks

TINY = BAMMConfig(codes=32, code_dim=32, width=48, heads=3, ff=64, layers=2)
GREEDY = 1e-8
RUNS = {
    "greedy": {"guidance": 4},
    "greedy_end": {"guidance": 4, "bias": "greedy_end_bias_delta"},
    "gumbel_end_stable": {"guidance": 2, "bias": "greedy_end_bias_delta", "stable": True},
    "gumbel_end": {"guidance": 2, "bias": "greedy_end_bias_delta"},
    "end_first": {"guidance": 4, "bias": "end_first_bias_delta"},
    "given_len": {"guidance": 4, "given": True},
    "given_len_stable": {"guidance": 4, "given": True, "stable": True},
    "given_len_gumbel": {"guidance": 3, "given": True},
}


@pytest.fixture(scope="module")
def golden():
    return Golden("bamm")


def build(golden, quirks=CORRECTED, bias=None):
    model = BAMM(TINY, quirks).eval()
    load_strict(model, weights(model, golden.seed))
    if bias is not None:
        model.output_process.poseFinal.bias.data[model.end_id] += golden[bias]
    return model


def run_settings(golden, name, quirks):
    """Model, noise, temperature, lengths and guidance of a recorded run."""
    run = RUNS[name]
    model = build(golden, replace(quirks, stable_ties=run.get("stable", False)), run.get("bias"))
    if f"{name}_u" in golden.names:
        noise = RecordedNoise(golden[key].transpose(0, 1) for key in (f"{name}_u", f"{name}_u2"))
        temperature = 1.0
    else:
        noise, temperature = SeededNoise.from_seeds(range(3)), GREEDY
    lengths = golden["m_lens"] if run.get("given") else None
    drawing = SamplingState(model, golden["text_emb"], noise, temperature, 0.0, None)
    return model, drawing, lengths, run["guidance"]


def step_logprobs(model, text, start, result, guidance, known, classes):
    """Log probabilities of every step: columns already passed hold the result, others the start."""
    found = []
    for k in range(49):
        ids = torch.cat([result[:, :k], start[:, k:]], 1)
        logits = model.guided_logits(ids, text, guidance, known)[:, :classes, k]
        found.append(logits.softmax(1).clamp(min=1e-20).log())
    return torch.stack(found)


def margin(logprobs):
    best = logprobs.topk(2).values
    return (best[..., 0] - best[..., 1]).min()


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
    golden.check(f"fwd_{kind}_cs4", model.guided_logits(ids, text, 4, known))


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


def test_pre_norm_flavour_generates_only_as_published(golden):
    config, text = replace(TINY, pre_norm=True), golden["text_emb"][:1]
    noise = SeededNoise.from_seeds([0])
    lengths = torch.tensor([3])
    with pytest.raises(ValueError, match="published behaviour"):
        BAMM(config).eval().generate(text, lengths, noise=noise)
    tokens, _ = BAMM(config, PUBLISHED).eval().generate(text, lengths, noise=noise)
    assert tokens.shape == (1, 3)


@pytest.mark.parametrize("name", RUNS)
@torch.no_grad()
def test_published_generation(golden, name):
    model, drawing, lengths, guidance = run_settings(golden, name, PUBLISHED)
    text, codes = golden["text_emb"], model.config.codes
    first = model.first_pass(drawing, lengths, guidance)
    closed, lengths_found = model.close(first, lengths)
    again = model.to_regenerate(lengths_found)
    known = (torch.arange(50) <= lengths_found.unsqueeze(1)) & ~again
    raw = fill_overwriting(drawing, closed, known, 49, 3.0, codes)
    result = torch.where(known, closed, raw)
    golden.check(f"{name}_pass1", first)
    golden.check(f"{name}_pass2_in", closed)
    golden.check(f"{name}_pred_len", lengths_found)
    golden.check(f"{name}_pass2_masked", again)
    golden.check(f"{name}_pass2_cond", closed.masked_fill(~known, model.pad_id))
    golden.check(f"{name}_pass2_raw", raw)
    golden.check(f"{name}_out", result)
    padded, padded_lengths = pad_when_end(result, model.end_id)
    golden.check(f"{name}_padded", padded)
    golden.check(f"{name}_padded_len", padded_lengths)

    pads = torch.full_like(first, model.pad_id)
    classes = codes + (lengths is None)
    one = step_logprobs(model, text, pads, first, guidance, None, classes)
    two = step_logprobs(model, text, closed, raw, 3.0, known, codes)
    golden.check(f"{name}_p1_logprob", one)
    golden.check(f"{name}_p2_logprob", two)
    golden.check(f"{name}_min_margin", torch.stack([margin(one), margin(two)]))
    chosen = one.gather(2, first[:, :49].T.unsqueeze(-1)).squeeze(-1).exp().T
    golden.check(f"{name}_pass1_prob", chosen)


@pytest.mark.parametrize("name", RUNS)
@torch.no_grad()
def test_published_preset_returns_the_published_tokens(golden, name):
    model, drawing, lengths, guidance = run_settings(golden, name, PUBLISHED)
    tokens, found = model.generate(
        drawing.text,
        lengths,
        noise=drawing.noise,
        guidance=guidance,
        temperature=drawing.temperature,
    )
    golden.check(f"{name}_pred_len", found)
    width = int(found.max())
    assert torch.equal(tokens, golden[f"{name}_padded"][:, :width])


@pytest.mark.parametrize("name", [name for name, run in RUNS.items() if run.get("stable")])
@torch.no_grad()
def test_cached_generation_returns_the_published_tokens(golden, name):
    """With the first half regenerated, what overwrites the known tokens is never looked at."""
    quirks = ReferenceQuirks(second_pass_guidance=3.0)
    model, drawing, lengths, guidance = run_settings(golden, name, quirks)
    tokens, found = model.generate(
        drawing.text,
        lengths,
        noise=drawing.noise,
        guidance=guidance,
        temperature=drawing.temperature,
    )
    golden.check(f"{name}_pred_len", found)
    assert torch.equal(tokens, golden[f"{name}_padded"][:, : int(found.max())])


@torch.no_grad()
def test_guidance_of_the_second_pass_is_a_choice(golden):
    text = golden["text_emb"]

    def tokens(guidance, fixed):
        model = build(golden, ReferenceQuirks(second_pass_guidance=fixed))
        noise = SeededNoise.from_seeds(range(3))
        return model.generate(text, golden["m_lens"], noise=noise, guidance=guidance)[0]

    assert torch.equal(tokens(3.0, None), tokens(3.0, 3.0))
    assert not torch.equal(tokens(8.0, None), tokens(8.0, 3.0))


@pytest.mark.parametrize("given", [True, False])
def test_a_sample_is_the_same_in_any_batch(golden, given):
    model = build(golden, bias="greedy_end_bias_delta")
    model.output_process.poseFinal.bias.data[model.end_id] -= 0.7 * golden["greedy_end_bias_delta"]
    text = golden["text_emb"][[0, 1, 2, 0, 1, 2]]
    lengths = torch.tensor([12, 30, 1, 49, 7, 20]) if given else None
    together, found = model.generate(text, lengths, noise=SeededNoise.from_seeds(range(6)))
    assert len(set(found.tolist())) > 2
    for i in range(6):
        alone, length = model.generate(
            text[i : i + 1],
            None if lengths is None else lengths[i : i + 1],
            noise=SeededNoise.from_seeds([i]),
        )
        assert length.item() == found[i].item()
        assert torch.equal(alone[0], together[i, : int(length)])


@torch.no_grad()
def test_published_edit(golden):
    """The released edit drops the text by accident; an empty text reproduces it."""
    model = build(golden)
    # It also writes the column of the last possible end, so there is one more behind it here.
    tokens = torch.nn.functional.pad(golden["edit2_tokens"], (0, 1), value=model.pad_id)
    nothing = torch.zeros_like(golden["text_emb"])
    drawing = SamplingState(model, nothing, SeededNoise.from_seeds(range(3)), GREEDY, 0.0, None)
    known = tokens != model.pad_id
    wanted = ~known & (torch.arange(51) < 50)
    result = fill_columns(drawing, tokens, known, wanted, 1.0, model.config.codes)
    for name in ("edit2_text", "edit2_none"):
        golden.check(name, result[:, :50])


@pytest.mark.parametrize("guidance", [1.0, 4.0])
@torch.no_grad()
def test_cached_edit_equals_step_by_step_passes(golden, guidance):
    model, text = build(golden), golden["text_emb"]
    tokens = golden["edit2_tokens"]
    lengths = (tokens == model.end_id).int().argmax(1)
    columns = torch.arange(49)
    editable = ((columns >= 4) & (columns < 9)) | ((columns >= 12) & (columns < 14))
    editable = editable.expand(3, 49).clone()
    editable[1, 20:33] = True
    editable[2] = False
    noise = SeededNoise.from_seeds(range(3))
    result = model.edit(
        tokens[:, :49], editable, text, lengths, noise=noise, guidance=guidance, temperature=GREEDY
    )

    wanted = editable & (columns < lengths.unsqueeze(1))
    ids = tokens.clone()
    ids[:, :49][wanted] = model.pad_id
    known = (torch.arange(50) <= lengths.unsqueeze(1)) & (ids != model.pad_id)
    for k in range(49):
        logits = model.guided_logits(ids, text, guidance, known)[:, : model.config.codes, k]
        ids[:, k] = torch.where(wanted[:, k], logits.argmax(1), ids[:, k])
    for row, length in enumerate(lengths.tolist()):
        assert torch.equal(result[row, :length], ids[row, :length])
        assert (result[row, length:] == -1).all()


def test_a_callback_can_stop_the_generation(golden):
    def stop(step):
        if step.index == 3:
            raise InterruptedError

    for quirks in (CORRECTED, PUBLISHED):
        with pytest.raises(InterruptedError):
            build(golden, quirks).generate(
                golden["text_emb"],
                golden["m_lens"],
                noise=SeededNoise.from_seeds(range(3)),
                on_step=stop,
            )


def test_padding(golden):
    end = TINY.codes
    ids, lengths = pad_after_end(golden["pad_in"], end)
    golden.check("pad_after_end", ids)
    golden.check("pad_after_end_len", lengths)
    ids, lengths = pad_when_end(golden["pad_in"], end)
    golden.check("pad_when_end", ids)
    golden.check("pad_when_end_len", lengths)
    ids, lengths = pad_when_end(golden["pad2_in"], end)
    golden.check("pad2_out", ids)
    golden.check("pad2_len", lengths)


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
