"""BAMM's passes against the golden vectors, with either engine; cached against plain."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from both_engines import ENGINES, RecordedNoise
from both_engines import build as build_network
from full_logits import bamm_logits
from goldens import Golden

from backend.generation.samplers.bamm import BAMMSampler, pad_after_end
from backend.generation.samplers.columns import SamplingState, fill_columns, fill_overwriting
from backend.generation.samplers.noise import SeededNoise
from backend.generation.sampling import PUBLISHED_BAMM, Sampling
from backend.models.configs import BAMMConfig
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


@pytest.fixture(params=ENGINES)
def engine(request):
    return request.param


def build(golden, engine, quirks=CORRECTED, bias=0.0):
    def likelier_end(values):
        values[TINY.codes] += bias
        return values

    changes = {"output_process.poseFinal.bias": likelier_end}
    network = build_network(engine, "bamm", TINY, golden.seed, quirks, changes)
    return BAMMSampler(network, quirks)


def run_settings(golden, engine, name, quirks):
    """Sampler, state and lengths of a recorded run."""
    run = RUNS[name]
    bias = float(golden[run["bias"]]) if "bias" in run else 0.0
    sampler = build(golden, engine, replace(quirks, stable_ties=run.get("stable", False)), bias)
    if f"{name}_u" in golden.names:
        recorded = (golden[key].transpose(0, 1).numpy() for key in (f"{name}_u", f"{name}_u2"))
        noise, temperature = RecordedNoise(recorded), 1.0
    else:
        noise, temperature = SeededNoise(range(3)), GREEDY
    lengths = golden["m_lens"].numpy() if run.get("given") else None
    text = golden["text_emb"].numpy()
    sampling = Sampling(guidance=run["guidance"], temperature=temperature, dropped_share=0.0)
    return sampler, SamplingState(sampler.network, text, noise, sampling, None), lengths


def step_logprobs(model, text, start, result, guidance, known, classes):
    """Log probabilities of every step: columns already passed hold the result, others the start."""
    found = []
    for k in range(49):
        ids = torch.cat([result[:, :k], start[:, k:]], 1)
        logits = bamm_logits(model, ids, text, guidance, known)[:, :classes, k]
        found.append(logits.softmax(1).clamp(min=1e-20).log())
    return torch.stack(found)


def margin(logprobs):
    best = logprobs.topk(2).values
    return (best[..., 0] - best[..., 1]).min()


@pytest.mark.parametrize("name", RUNS)
@torch.no_grad()
def test_published_generation(golden, engine, name):
    if engine == "numpy" and not RUNS[name].get("stable"):
        pytest.skip("the order of ties was that of torch's sort")
    sampler, state, lengths = run_settings(golden, engine, name, PUBLISHED)
    guidance = state.sampling.guidance
    text, codes, pad = golden["text_emb"], TINY.codes, sampler.pad_id
    first = sampler.first_pass(state, lengths)
    closed, lengths_found = sampler.close(first, lengths)
    again = sampler.to_regenerate(lengths_found)
    known = (np.arange(50) <= lengths_found[:, None]) & ~again
    second = replace(state, sampling=state.sampling.guided(3.0))
    raw = fill_overwriting(second, closed, known, 49, codes)
    result = np.where(known, closed, raw)
    golden.check(f"{name}_pass1", first)
    golden.check(f"{name}_pass2_in", closed)
    golden.check(f"{name}_pred_len", lengths_found)
    golden.check(f"{name}_pass2_masked", again)
    golden.check(f"{name}_pass2_cond", np.where(known, closed, pad))
    golden.check(f"{name}_pass2_raw", raw)
    golden.check(f"{name}_out", result)
    padded, padded_lengths = pad_when_end(result)
    golden.check(f"{name}_padded", padded)
    golden.check(f"{name}_padded_len", padded_lengths)
    if engine == "numpy":
        return

    model = sampler.network.module
    first, closed, raw, known = map(torch.from_numpy, (first, closed, raw, known))
    classes = codes + (lengths is None)
    one = step_logprobs(model, text, torch.full_like(first, pad), first, guidance, None, classes)
    two = step_logprobs(model, text, closed, raw, 3.0, known, codes)
    golden.check(f"{name}_p1_logprob", one)
    golden.check(f"{name}_p2_logprob", two)
    golden.check(f"{name}_min_margin", torch.stack([margin(one), margin(two)]))
    chosen = one.gather(2, first[:, :49].T.unsqueeze(-1)).squeeze(-1).exp().T
    golden.check(f"{name}_pass1_prob", chosen)


def pad_when_end(ids):
    """Ids with -1 from the end on, and the lengths: what the residual layers take."""
    ids, lengths = pad_after_end(ids, TINY.codes)
    return np.where(np.arange(ids.shape[1]) < lengths[:, None], ids, -1), lengths


def tokens_of(run):
    sampler, state, lengths = run
    return sampler.generate(state.text, lengths, noise=state.noise, sampling=state.sampling)


@pytest.mark.parametrize("name", RUNS)
def test_published_preset_returns_the_published_tokens(golden, engine, name):
    if engine == "numpy" and not RUNS[name].get("stable"):
        pytest.skip("the order of ties was that of torch's sort")
    tokens, found = tokens_of(run_settings(golden, engine, name, PUBLISHED))
    golden.check(f"{name}_pred_len", found)
    np.testing.assert_array_equal(tokens, golden[f"{name}_padded"][:, : int(found.max())])


@pytest.mark.parametrize("name", [name for name, run in RUNS.items() if run.get("stable")])
def test_cached_generation_returns_the_published_tokens(golden, engine, name):
    """With the first half regenerated, what overwrites the known tokens is never looked at."""
    quirks = ReferenceQuirks(second_pass_guidance=3.0)
    tokens, found = tokens_of(run_settings(golden, engine, name, quirks))
    golden.check(f"{name}_pred_len", found)
    np.testing.assert_array_equal(tokens, golden[f"{name}_padded"][:, : int(found.max())])


def test_guidance_of_the_second_pass_is_a_choice(golden, engine):
    text, lengths = golden["text_emb"].numpy(), golden["m_lens"].numpy()

    def tokens(guidance, fixed):
        sampler = build(golden, engine, ReferenceQuirks(second_pass_guidance=fixed))
        sampling = PUBLISHED_BAMM.guided(guidance)
        return sampler.generate(text, lengths, noise=SeededNoise(range(3)), sampling=sampling)[0]

    assert (tokens(3.0, None) == tokens(3.0, 3.0)).all()
    assert (tokens(8.0, None) != tokens(8.0, 3.0)).any()


@pytest.mark.parametrize("given", [True, False])
def test_a_sample_is_the_same_in_any_batch(golden, engine, given):
    sampler = build(golden, engine, bias=0.3 * float(golden["greedy_end_bias_delta"]))
    text = golden["text_emb"].numpy()[[0, 1, 2, 0, 1, 2]]
    lengths = np.array([12, 30, 1, 49, 7, 20]) if given else None
    together, found = sampler.generate(text, lengths, noise=SeededNoise(range(6)))
    assert len(set(found.tolist())) > 2
    for i in range(6):
        own = None if lengths is None else lengths[i : i + 1]
        alone, length = sampler.generate(text[i : i + 1], own, noise=SeededNoise([i]))
        assert length[0] == found[i]
        np.testing.assert_array_equal(alone[0], together[i, : length[0]])


def test_published_edit(golden, engine):
    """The released edit drops the text by accident; an empty text reproduces it."""
    sampler = build(golden, engine)
    # It also writes the column of the last possible end, so there is one more behind it here.
    tokens = np.pad(
        golden["edit2_tokens"].numpy(), ((0, 0), (0, 1)), constant_values=sampler.pad_id
    )
    nothing = np.zeros_like(golden["text_emb"].numpy())
    sampling = Sampling(guidance=1.0, temperature=GREEDY, dropped_share=0.0)
    state = SamplingState(sampler.network, nothing, SeededNoise(range(3)), sampling, None)
    known = tokens != sampler.pad_id
    wanted = ~known & (np.arange(51) < 50)
    result = fill_columns(state, tokens, known, wanted, TINY.codes)
    for name in ("edit2_text", "edit2_none"):
        golden.check(name, result[:, :50])


@pytest.mark.parametrize("guidance", [1.0, 4.0])
def test_cached_edit_equals_step_by_step_passes(golden, engine, guidance):
    sampler, text = build(golden, engine), golden["text_emb"].numpy()
    tokens = golden["edit2_tokens"].numpy()
    lengths = (tokens == sampler.end_id).argmax(axis=1)
    columns = np.arange(49)
    editable = ((columns >= 4) & (columns < 9)) | ((columns >= 12) & (columns < 14))
    editable = np.tile(editable, (3, 1))
    editable[1, 20:33] = True
    editable[2] = False
    noise = SeededNoise(range(3))
    sampling = Sampling(guidance=guidance, temperature=GREEDY, dropped_share=0.0)
    result = sampler.edit(tokens[:, :49], editable, text, lengths, noise=noise, sampling=sampling)

    wanted = editable & (columns < lengths[:, None])
    ids = tokens.copy()
    ids[:, :49][wanted] = sampler.pad_id
    known = (np.arange(50) <= lengths[:, None]) & (ids != sampler.pad_id)
    state = SamplingState(sampler.network, text, noise, sampling, None)
    for k in range(49):
        logits = state.guided_logits(ids, known)[:, k, : TINY.codes]
        ids[:, k] = np.where(wanted[:, k], logits.argmax(axis=1), ids[:, k])
    for row, length in enumerate(lengths):
        np.testing.assert_array_equal(result[row, :length], ids[row, :length])
        assert (result[row, length:] == -1).all()


@pytest.mark.parametrize("quirks", [CORRECTED, PUBLISHED])
def test_a_callback_can_stop_the_generation(golden, engine, quirks):
    def stop(step):
        if step.index == 3:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        build(golden, engine, quirks).generate(
            golden["text_emb"].numpy(),
            golden["m_lens"].numpy(),
            noise=SeededNoise(range(3)),
            on_step=stop,
        )


def test_pre_norm_flavour_generates_only_as_published(golden):
    text, noise, lengths = golden["text_emb"].numpy()[:1], SeededNoise([0]), np.array([3])
    network = build_network("torch", "bamm", replace(TINY, pre_norm=True), golden.seed)
    with pytest.raises(ValueError, match="published behaviour"):
        BAMMSampler(network).generate(text, lengths, noise=noise)
    tokens, _ = BAMMSampler(network, PUBLISHED).generate(text, lengths, noise=noise)
    assert tokens.shape == (1, 3)


def test_padding(golden):
    ids, lengths = pad_after_end(golden["pad_in"].numpy(), TINY.codes)
    golden.check("pad_after_end", ids)
    golden.check("pad_after_end_len", lengths)
    for source, wanted, length in (
        ("pad_in", "pad_when_end", "pad_when_end_len"),
        ("pad2_in", "pad2_out", "pad2_len"),
    ):
        ids, lengths = pad_when_end(golden[source].numpy())
        golden.check(wanted, ids)
        golden.check(length, lengths)
