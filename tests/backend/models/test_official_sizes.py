"""The networks at the official sizes: state-dict layout and golden statistics."""

import json
from dataclasses import replace
from typing import ClassVar

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from full_logits import bamm_logits, masked_logits, residual_logits
from goldens import FOLDER, Golden, rnd, rndint, rnduni, text_embedding, weights

from backend.engines.torch_engine import TorchEngine
from backend.generation.samplers.bamm import BAMMSampler
from backend.generation.samplers.columns import SamplingState
from backend.generation.samplers.masked import MaskedSampler
from backend.generation.samplers.noise import SeededNoise
from backend.generation.samplers.residual import ResidualSampler
from backend.generation.sampling import Sampling
from backend.models.bamm import BAMM
from backend.models.configs import BAMMConfig, LengthConfig, MaskedConfig, ResidualConfig, RVQConfig
from backend.models.length import LengthEstimator
from backend.models.loading import load_strict
from backend.models.masked import MaskTransformer
from backend.models.matching import WordMatcher, WordMatcherConfig
from backend.models.reference_quirks import CORRECTED, PUBLISHED, ReferenceQuirks
from backend.models.residual import ResidualTransformer
from backend.models.rvqvae import RVQVAE

OFFICIAL = {
    "rvq": lambda: RVQVAE(RVQConfig()),
    "t2m_transformer": lambda: MaskTransformer(MaskedConfig()),
    "res_transformer": lambda: ResidualTransformer(ResidualConfig()),
    "length_estimator": lambda: LengthEstimator(LengthConfig()),
    "bamm_t2m_transformer": lambda: BAMM(BAMMConfig()),
}
EVALUATOR = ("movement_encoder", "motion_encoder", "text_encoder")
GREEDY = 1e-8


def build(name, seed):
    model = OFFICIAL[name]().eval()
    load_strict(model, weights(model, seed))
    return model


@pytest.fixture(scope="module")
def golden():
    return Golden("full_momask")


@pytest.fixture(scope="module")
def text(golden):
    return torch.stack([text_embedding(t, golden.seed) for t in golden.strings("texts")])


@pytest.fixture
def two_threads():
    """As many as the vectors were made with: sums are split, and so rounded, in the same places."""
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("name", OFFICIAL)
def test_state_dict_layout(name):
    layout = json.loads((FOLDER / "checkpoint_layout.json").read_text(encoding="utf-8"))
    wanted = layout["checkpoints"][name]["state_dict"]
    with torch.device("meta"):
        state = OFFICIAL[name]().state_dict()
    assert {key: list(value.shape) for key, value in state.items()} == {
        key: entry["shape"] for key, entry in wanted.items()
    }
    assert {str(value.dtype) for value in state.values()} == {"torch.float32"}


def test_state_dict_layout_of_the_evaluator():
    layout = json.loads((FOLDER / "checkpoint_layout.json").read_text(encoding="utf-8"))
    wanted = layout["checkpoints"]["evaluator_text_mot_match"]
    with torch.device("meta"):
        matcher = WordMatcher(WordMatcherConfig())
    for name in EVALUATOR:
        state = getattr(matcher, name).state_dict()
        shapes = {key: entry["shape"] for key, entry in wanted[name].items()}
        assert {key: list(value.shape) for key, value in state.items()} == shapes


@pytest.mark.usefixtures("two_threads")
@torch.no_grad()
def test_rvqvae(golden):
    model = build("rvq", golden.seed)
    x = rnd("full_x", (2, 196, 263), golden.seed)
    latent = model.latent(x)
    golden.check_statistics("rvq_latent_stats", latent)
    golden.check("rvq_latent_slice", latent[:, :8, :10])
    golden.check("rvq_idx", model.encode(x)[0])
    gaps, residual, largest = [], latent, 0.0
    for layer, value in zip(model.quantizer.layers, model.encode(x)[1], strict=True):
        best = layer.distances(residual.transpose(1, 2).flatten(0, 1)).topk(2, largest=False)
        gaps.append((best.values[:, 1] - best.values[:, 0]).min())
        largest = max(largest, float(best.values.max()))
        residual = residual - value
    last_place = torch.finfo(torch.float32).eps * largest
    golden.check("rvq_margin", torch.stack(gaps), rounding=4 * last_place)
    ids = rndint("full_idx", (2, 49, 6), 0, 512, golden.seed)
    ids[1, 40:] = -1
    decoded = model.decode(ids)
    golden.check_statistics("rvq_dec_stats", decoded)
    golden.check("rvq_dec_slice", decoded[:, ::28, :16])


@torch.no_grad()
def test_masked_transformer(golden, text):
    model = build("t2m_transformer", golden.seed)
    lengths = golden["m_lens"]
    valid = torch.arange(49) < lengths.unsqueeze(1)
    ids = rndint("full_ids", (3, 49), 0, 513, golden.seed).masked_fill(~valid, model.pad_id)
    logits = model(ids, text, lengths)
    golden.check_statistics("mask_logits_stats", logits.transpose(1, 2)[valid])
    golden.check("mask_logits_slice", logits[:, :16, :6])
    classifier_free_guidance = masked_logits(model, ids, text, lengths, 4)
    golden.check("mask_logits4_slice", classifier_free_guidance[:, :16, :6])
    inputs = []
    network = TorchEngine("cpu").wrap("masked", model, CORRECTED)
    result = MaskedSampler(network).generate(
        text.numpy(),
        lengths.numpy(),
        noise=SeededNoise(range(3)),
        sampling=Sampling(temperature=GREEDY),
        on_step=lambda step: inputs.append(torch.from_numpy(step.ids)),
    )
    golden.check("mask_greedy10", result)
    best = torch.stack([masked_logits(model, i, text, lengths, 4) for i in inputs])
    best = best.transpose(2, 3)[:, valid].topk(2).values
    golden.check("mask_greedy10_margin", (best[..., 0] - best[..., 1]).min())


@torch.no_grad()
def test_residual_transformer(golden, text):
    model = build("res_transformer", golden.seed)
    lengths = golden["m_lens"]
    valid = torch.arange(49) < lengths.unsqueeze(1)
    history = rnd("full_hist", (3, 49, 512), golden.seed)
    for layer in (1, 5):
        logits = model(history, torch.full((3,), layer), text, lengths)
        golden.check_statistics(f"res_logits_q{layer}_stats", logits.transpose(1, 2)[valid])
        golden.check(f"res_logits_q{layer}_slice", logits[:, :16, :6])
    network = TorchEngine("cpu").wrap("residual", model, CORRECTED)
    result = ResidualSampler(network).generate(
        golden["mask_greedy10"].numpy(),
        text.numpy(),
        lengths.numpy(),
        noise=SeededNoise(range(3)),
        sampling=Sampling(guidance=5.0, temperature=GREEDY),
    )
    golden.check("res_greedy", result)
    result = torch.from_numpy(result)
    ids = torch.where(result < 0, model.pad_id, result)
    gaps, largest = [], 0.0
    for layer in range(1, 6):
        q = torch.full((3,), layer)
        history = model.training_history(ids, q)
        logits = residual_logits(model, history, q, text, lengths, 5).transpose(1, 2)[valid]
        best = logits.topk(2).values
        gaps.append((best[:, 0] - best[:, 1]).min())
        largest = max(largest, float(best.abs().max()))
    last_place = torch.finfo(torch.float32).eps * largest
    golden.check("res_greedy_margin", torch.stack(gaps).min(), rounding=4 * last_place)


@torch.no_grad()
def test_decoded_motion_and_length(golden, text):
    motion = build("rvq", golden.seed).decode(golden["res_greedy"])
    golden.check_statistics("e2e_motion_stats", motion)
    golden.check("e2e_slice", motion[:, ::28, :16])
    golden.check("len_logits", build("length_estimator", golden.seed)(text))


@torch.no_grad()
def test_evaluator(golden):
    matcher = WordMatcher(WordMatcherConfig()).eval()
    load_strict(matcher, weights(matcher, golden.seed))
    motion = rnd("full_motion", (3, 196, 263), golden.seed)
    golden.check_statistics("ev_movement_stats", matcher.movement_encoder(motion[..., :-4]))
    golden.check("ev_motion", matcher.embed_motions(motion, torch.tensor([196, 120, 44])))
    words = rnd("full_we", (3, 22, 300), golden.seed)
    classes = F.one_hot(rndint("full_pos", (3, 22), 0, 15, golden.seed), 15).float()
    golden.check("ev_text", matcher.embed_texts(words, classes, torch.tensor([22, 9, 5])))


@torch.no_grad()
def test_bamm(text):
    golden = Golden("full_bamm")
    assert golden.strings("texts") == Golden("full_momask").strings("texts")
    model = build("bamm_t2m_transformer", golden.seed)
    ids = rndint("full_ids", (3, 50), 0, 512, golden.seed)
    known = rnduni("full_sel", (3, 50), golden.seed) < 0.4
    for name, which in (("causal", None), ("bidir", known)):
        logits = model(ids, text, which)
        golden.check_statistics(f"bamm_{name}_stats", logits)
        golden.check(f"bamm_{name}_slice", logits[:, ::40, ::10])
        guided = bamm_logits(model, ids, text, 4, which)
        golden.check(f"bamm_{name}_cs4_slice", guided[:, ::40, ::10])


class MarginState(SamplingState):
    """Notes how clearly the best class of every step wins."""

    margins: ClassVar[list[float]] = []

    def sample(self, logits, uniforms):
        best = torch.from_numpy(logits).log_softmax(1).topk(2).values
        self.margins.append((best[:, 0] - best[:, 1]).min().item())
        return super().sample(logits, uniforms)


def test_bamm_generation(text):
    golden = Golden("full_bamm")
    model, text = build("bamm_t2m_transformer", golden.seed), text.numpy()
    network = TorchEngine("cpu").wrap("bamm", model, CORRECTED)
    lengths, noise = golden["m_lens"].numpy(), SeededNoise(range(3))

    published = BAMMSampler(network, replace(PUBLISHED, stable_ties=True))
    sampling = Sampling(temperature=GREEDY, dropped_share=0.0)
    state = MarginState(network, text, noise, sampling, None)
    first = published.first_pass(state, lengths)
    closed, _ = published.close(first, lengths)
    again = published.to_regenerate(lengths)
    second = replace(state, sampling=sampling.guided(3.0))
    result = published.second_pass(second, closed, again, lengths)
    golden.check("bamm_greedy_given", result)
    golden.check("bamm_greedy_given_margin", np.float32(min(state.margins)))

    cached = BAMMSampler(network, ReferenceQuirks(second_pass_guidance=3.0))
    tokens, _ = cached.generate(text, lengths, noise=noise, sampling=sampling)
    valid = np.arange(49) < lengths[:, None]
    np.testing.assert_array_equal(tokens[valid], result[:, :49][valid])
