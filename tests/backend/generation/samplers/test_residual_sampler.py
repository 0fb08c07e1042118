"""The residual layers' tokens against the golden vectors, with either engine."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from both_engines import ENGINES, RecordedNoise, build
from full_logits import residual_logits
from goldens import Golden

from backend.generation.samplers.noise import SeededNoise
from backend.generation.samplers.residual import ResidualSampler
from backend.generation.sampling import Sampling
from backend.models.configs import ResidualConfig
from backend.models.reference_quirks import PUBLISHED

TINY = ResidualConfig(codes=32, code_dim=32, width=48, heads=2, ff=64, layers=3)
KINDS = {"sw": True, "nsw": False}


@pytest.fixture(scope="module")
def golden():
    return Golden("momask_res")


@pytest.fixture(params=ENGINES)
def engine(request):
    return request.param


def network_of(golden, engine, kind):
    config = replace(TINY, shared_weights=KINDS[kind])
    return build(engine, "residual", config, golden.seed, PUBLISHED)


def check_run(golden, engine, kind, name, sampling, layers=None):
    """The result, and the logits of each layer computed again from the layers before it."""
    text, lengths, base = golden["text_emb"], golden["m_lens"], golden["base_ids"]
    if f"{name}_u" in golden.names:
        noise = RecordedNoise(golden[f"{name}_u"].numpy())
    else:
        noise = SeededNoise(range(4))
    result = ResidualSampler(network_of(golden, engine, kind)).generate(
        base.numpy(), text.numpy(), lengths.numpy(), noise=noise, sampling=sampling, layers=layers
    )
    golden.check(name, result)
    model = network_of(golden, "torch", kind).module
    ids = torch.from_numpy(np.where(result < 0, model.pad_id, result))
    valid = torch.arange(12) < lengths.unsqueeze(1)
    logits, tables, history = [], model.token_tables(), 0
    for layer in range(1, result.shape[-1]):
        history = history + tables[layer - 1][ids[..., layer - 1]]
        q = torch.full((4,), layer)
        logits.append(residual_logits(model, history, q, text, lengths, sampling.guidance))
    logits = torch.stack(logits)
    golden.check(f"{name}_logits", logits)
    best = logits.transpose(2, 3)[:, valid].topk(2).values
    golden.check(f"{name}_min_margin", (best[..., 0] - best[..., 1]).min())


@pytest.mark.parametrize("kind", KINDS)
@torch.no_grad()
def test_generate(golden, engine, kind):
    for name, temperature in (("greedy", 1e-8), ("gumbel", 1.0)):
        sampling = Sampling(guidance=5.0, temperature=temperature)
        check_run(golden, engine, kind, f"{kind}_{name}", sampling)


@torch.no_grad()
def test_generate_fewer_layers(golden, engine):
    sampling = Sampling(guidance=2.0, temperature=1e-8)
    check_run(golden, engine, "sw", "sw_greedy_2layers", sampling, layers=2)


def test_a_sample_is_the_same_in_any_batch(golden, engine):
    sampler = ResidualSampler(network_of(golden, engine, "sw"))
    text, lengths, base = (golden[key].numpy() for key in ("text_emb", "m_lens", "base_ids"))
    together = sampler.generate(base, text, lengths, noise=SeededNoise(range(4)))
    for i, length in enumerate(lengths):
        alone = sampler.generate(
            base[i : i + 1, :length],
            text[i : i + 1],
            lengths[i : i + 1],
            noise=SeededNoise([i]),
        )
        np.testing.assert_array_equal(alone[0], together[i, :length])
