"""MoMask's unmasking against the golden vectors, with either engine."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from both_engines import ENGINES, RecordedNoise, build
from full_logits import masked_logits
from goldens import Golden

from backend.generation.samplers.masked import MaskedSampler
from backend.generation.samplers.noise import SeededNoise
from backend.generation.sampling import Sampling
from backend.models.configs import MaskedConfig
from backend.models.reference_quirks import CORRECTED, PUBLISHED

GREEDY = {"temperature": 1e-8, "guidance": 4.0}
TINY = MaskedConfig(codes=32, code_dim=32, width=48, heads=3, ff=64, layers=2)
RUNS = {
    "greedy6": {"steps": 6, **GREEDY},
    "greedy10": {"steps": 10, **GREEDY},
    "greedy1": {"steps": 1, **GREEDY},
    "gumbel6": {"steps": 6},
    "categ6": {"steps": 6, "temperature": 0.7, "dropped_share": 0.5},
}


@pytest.fixture(scope="module")
def golden():
    return Golden("momask_mask")


@pytest.fixture(scope="module")
def model(golden):
    """The torch module, whose forward pass gives the logits of every token."""
    return build("torch", "masked", TINY, golden.seed).module


@pytest.fixture(params=ENGINES)
def sampler(golden, request):
    return make(golden, request.param)


def make(golden, engine, quirks=CORRECTED):
    return MaskedSampler(build(engine, "masked", TINY, golden.seed, quirks), quirks)


class Recorder:
    """Keeps the ids that went into every step."""

    def __init__(self):
        self.ids = []

    def __call__(self, step):
        self.ids.append(torch.from_numpy(step.ids))


def noise_for(golden, name, batch):
    if f"{name}_u" in golden.names:
        return RecordedNoise(golden[f"{name}_u"].numpy())
    return SeededNoise(range(batch))


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


@pytest.mark.parametrize("name", RUNS)
@torch.no_grad()
def test_generate(golden, model, sampler, name):
    text, recorder = golden["text_emb"], Recorder()
    settings = {"guidance": 4.0, **RUNS[name]}
    result = sampler.generate(
        text.numpy(),
        golden["m_lens"].numpy(),
        noise=noise_for(golden, name, 4),
        sampling=Sampling(**settings),
        on_step=recorder,
    )
    check_run(golden, model, name, text, settings["guidance"], result, recorder)
    if f"{name}_min_rank_gap" in golden.names:
        gap = rank_gap(model, golden, text, settings["guidance"], recorder.ids)
        golden.check(f"{name}_min_rank_gap", gap)


@torch.no_grad()
def test_generate_without_text(golden, model, sampler):
    text, recorder = torch.zeros_like(golden["text_emb"]), Recorder()
    result = sampler.generate(
        text.numpy(),
        golden["m_lens"].numpy(),
        noise=SeededNoise(range(4)),
        sampling=Sampling(5, 1.0, 1e-8),
        on_step=recorder,
    )
    check_run(golden, model, "greedy_uncond", text, 1.0, result, recorder)
    gap = rank_gap(model, golden, text, 1.0, recorder.ids)
    golden.check("greedy_uncond_min_rank_gap", gap)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", ["edit", "editfree"])
@torch.no_grad()
def test_edit(golden, model, name, engine):
    text, recorder = golden["text_emb"], Recorder()
    result = make(golden, engine, PUBLISHED).edit(
        golden["edit_tokens"].numpy(),
        golden["edit_mask"].numpy() if name == "edit" else None,
        text.numpy(),
        golden["m_lens"].numpy(),
        noise=SeededNoise(range(4)),
        sampling=Sampling(steps=5, **GREEDY),
        on_step=recorder,
    )
    check_run(golden, model, name, text, 4.0, result, recorder)


def test_edit_keeps_what_it_may_not_change(golden, sampler):
    tokens, lengths = golden["edit_tokens"].numpy(), golden["m_lens"].numpy()
    editable = np.zeros(tokens.shape, bool)
    editable[0, 4:7] = True
    result = sampler.edit(
        tokens, editable, golden["text_emb"].numpy(), lengths, noise=SeededNoise(range(4))
    )
    kept = (np.arange(12) < lengths[:, None]) & ~editable
    np.testing.assert_array_equal(result[kept], tokens[kept])
    assert (result[0, 4:7] != tokens[0, 4:7]).any()


def test_a_sample_is_the_same_in_any_batch(golden, sampler):
    text, lengths = golden["text_emb"].numpy(), golden["m_lens"].numpy()
    together = sampler.generate(text, lengths, noise=SeededNoise(range(4)))
    for i, length in enumerate(lengths):
        alone = sampler.generate(text[i : i + 1], lengths[i : i + 1], noise=SeededNoise([i]))
        np.testing.assert_array_equal(alone[0], together[i, :length])


def test_a_callback_can_stop_the_generation(golden, sampler):
    done = []

    def stop(step):
        done.append((step.index, step.count))
        if step.index == 1:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        sampler.generate(
            golden["text_emb"].numpy(),
            golden["m_lens"].numpy(),
            noise=SeededNoise(range(4)),
            on_step=stop,
        )
    assert done == [(0, 10), (1, 10)]
