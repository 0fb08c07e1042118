"""The numpy networks against the torch ones: the same tensors, the same numbers."""

from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from backend.engines.numpy_engine import functional as f
from backend.engines.numpy_engine.engine import NumpyEngine
from backend.engines.torch_engine import TorchEngine, make_module
from backend.models.configs import (
    BAMMConfig,
    LengthConfig,
    MaskedConfig,
    ResidualConfig,
    RVQConfig,
)
from backend.models.reference_quirks import CORRECTED, PUBLISHED
from shared.errors import PlacidError

_SIZES = {"codes": 24, "code_dim": 12, "text_dim": 10, "width": 36, "heads": 3, "ff": 40}
MASKED = MaskedConfig(**_SIZES, layers=2)
RESIDUAL = ResidualConfig(**_SIZES, layers=2)
BAMM = BAMMConfig(**_SIZES, layers=2)
RVQ = RVQConfig(codes=24, code_dim=12, width=16)
LENGTHS = np.array([9, 4, 9, 1, 6])
WIDTH = 9


def pair(kind, config, quirks=CORRECTED):
    """A torch network with random weights and the numpy network of the same tensors."""
    torch.manual_seed(3)
    module = make_module(kind, config)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.normal_(std=0.3)
        for layer in getattr(module, "quantizer", torch.nn.Module()).children():
            for book in layer:
                book.codebook.normal_()
    state = {k: v.numpy() for k, v in module.state_dict().items() if not k.endswith("enc.pe")}
    engines = TorchEngine("cpu"), NumpyEngine()
    return tuple(engine.build(kind, config, state, quirks) for engine in engines)


def inputs(rng, copies=2):
    ids = rng.integers(0, 24, (5, WIDTH))
    text = rng.normal(size=(5 * copies, 10)).astype(np.float32)
    wanted = (rng.random((5, WIDTH)) < 0.6) & (np.arange(WIDTH) < LENGTHS[:, None])
    return ids, text, wanted


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def close(found, wanted):
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=3e-5)


@pytest.mark.parametrize("copies", [1, 2])
def test_masked(rng, copies):
    ids, text, wanted = inputs(rng, copies)
    theirs, ours = (n.logits(ids, text, LENGTHS, wanted) for n in pair("masked", MASKED))
    assert ours.shape == (copies * wanted.sum(), 24)
    close(ours, theirs)


@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize("quirks", [CORRECTED, PUBLISHED])
def test_residual(rng, shared, quirks):
    _, text, wanted = inputs(rng)
    history = rng.normal(size=(5, WIDTH, 12)).astype(np.float32)
    networks = pair("residual", replace(RESIDUAL, shared_weights=shared), quirks)
    np.testing.assert_array_equal(*(network.token_tables() for network in networks))
    for layer in (1, 3, 5):
        close(*reversed([n.logits(history, layer, text, LENGTHS, wanted) for n in networks]))


@pytest.mark.parametrize("some_known", [True, False])
def test_bamm_whole(rng, some_known):
    ids, text, _ = inputs(rng)
    known = rng.random(ids.shape) < 0.5 if some_known else None
    theirs, ours = (network.logits(ids, text, known) for network in pair("bamm", BAMM))
    assert ours.shape == (10, WIDTH + 1, 25)
    close(ours, theirs)


@pytest.mark.parametrize("number", [0, 1], ids=["torch", "numpy"])
def test_bamm_row_by_row_is_bamm_whole(rng, number):
    ids, text, _ = inputs(rng)
    network = pair("bamm", BAMM)[number]
    whole = network.logits(ids, text, None).reshape(2, 5, WIDTH + 1, 25)
    decoder, samples = network.decoder(text, 2, WIDTH + 1), np.arange(5)
    for row in range(WIDTH + 1):
        if row == 4:
            samples = np.array([0, 3, 4])
            decoder.keep(samples)
        logits = decoder.step(ids[samples, row - 1], row, None)
        close(logits.reshape(2, len(samples), 25), whole[:, samples, row])


@pytest.mark.parametrize("number", [0, 1], ids=["torch", "numpy"])
def test_known_rows_are_remembered(rng, number):
    """With the first two tokens unknown: they see the text, all known tokens and themselves."""
    ids, text, _ = inputs(rng)
    network = pair("bamm", BAMM)[number]
    known = np.ones(ids.shape, bool)
    known[:, :2] = False
    whole = network.logits(ids, text, known)
    rows = np.tile(np.array([0, *range(3, WIDTH + 1)]), (5, 1))
    decoder = network.decoder(text, 2, WIDTH + 3)
    decoder.remember(ids, rows, np.ones(rows.shape, bool))
    seen = np.ones((5, WIDTH - 1), bool)
    for row in range(3):
        own = np.full((5, 1), row > 0)
        seen = np.concatenate([seen, own], axis=1)
        visible = seen.copy()
        visible[:, WIDTH - 1 :] &= own
        logits = decoder.step(ids[:, row - 1], row, visible)
        close(logits, whole[:, row])


def test_length(rng):
    text = rng.normal(size=(4, 10)).astype(np.float32)
    config = LengthConfig(text_dim=10)
    close(*reversed([network.logits(text) for network in pair("length", config)]))


@pytest.mark.parametrize(
    "changes",
    [{}, {"activation": "gelu"}, {"activation": "silu"}, {"norm": "LN"}, {"down": 1, "depth": 1}],
)
def test_autoencoder(rng, changes):
    config = replace(RVQ, **changes)
    networks = pair("rvq", config)
    features = rng.normal(size=(2, 24, 263)).astype(np.float32)
    vectors = rng.normal(size=(2, 6, 12)).astype(np.float32)
    theirs, ours = (network.encode(features) for network in networks)
    assert ours.shape == (2, 24 // 2**config.down, 12)
    np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-4 * np.abs(theirs).max())
    theirs, ours = (network.decode(vectors) for network in networks)
    assert ours.shape == (2, 6 * 2**config.down, 263)
    np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-4 * np.abs(theirs).max())


def test_what_only_torch_has_is_refused():
    with pytest.raises(ValueError, match="Full Backend"):
        pair("rvq", replace(RVQ, norm="BN"))
    with pytest.raises(PlacidError, match="Full Backend"):
        pair("bamm", replace(BAMM, pre_norm=True))


@pytest.mark.parametrize("number", [0, 1], ids=["torch", "numpy"])
def test_a_written_tensor_counts_at_once_and_can_be_taken_back(rng, number):
    ids, text, wanted = inputs(rng)
    network = pair("masked", MASKED)[number]
    before = network.logits(ids, text, LENGTHS, wanted)
    weight = network.read("cond_emb.weight")
    network.write("cond_emb.weight", weight * 1.5)
    assert np.abs(network.logits(ids, text, LENGTHS, wanted) - before).max() > 0.01
    network.write("cond_emb.weight", weight)
    np.testing.assert_array_equal(network.logits(ids, text, LENGTHS, wanted), before)
    weight[:] = 7
    assert not (network.read("cond_emb.weight") == 7).any()
    for way in (network.read, lambda key: network.write(key, weight)):
        with pytest.raises(KeyError):
            way("cond_emb.other")


@pytest.mark.parametrize("number", [0, 1], ids=["torch", "numpy"])
def test_a_shared_codebook_is_one(number):
    network = pair("rvq", replace(RVQ, shared_codebook=True))[number]
    network.write("quantizer.layers.2.codebook", np.ones((24, 12), np.float32))
    assert (network.read("quantizer.layers.5.codebook") == 1).all()


def test_weights_of_another_size_are_refused_with_all_that_is_wrong():
    state = {"cond_emb.weight": np.zeros((3, 3), np.float32), "more": np.zeros(2, np.float32)}
    with pytest.raises(ValueError, match=r"missing cond_emb\.bias") as caught:
        NumpyEngine().build("masked", MASKED, state, CORRECTED)
    assert "unexpected more (2,)" in str(caught.value)
    assert "cond_emb.weight has shape (3, 3), wanted (36, 10)" in str(caught.value)


def test_functions_are_those_of_torch(rng):
    x = (4 * rng.normal(size=(64, 50))).astype(np.float32)
    weight, bias = (rng.normal(size=50).astype(np.float32) for _ in range(2))
    tensors = [torch.from_numpy(array) for array in (x, weight, bias)]
    exact = F.gelu(tensors[0].double()).numpy()
    np.testing.assert_allclose(f.gelu(x), exact, atol=2e-6)
    wanted = F.layer_norm(tensors[0], (50,), tensors[1], tensors[2]).numpy()
    np.testing.assert_allclose(f.layer_norm(x, weight, bias), wanted, atol=2e-6)
    np.testing.assert_allclose(f.silu(x), F.silu(tensors[0]).numpy(), atol=1e-6)


def test_both_products_give_the_same(rng, monkeypatch):
    ids, text, wanted = inputs(rng)
    network = pair("masked", MASKED)[1]
    found = []
    for product, is_fast in ((f.by_matmul, True), (f.by_einsum, False)):
        monkeypatch.setattr(f, "many_rows", product)
        monkeypatch.setattr(f, "few_rows", product)
        monkeypatch.setattr(f, "MATMUL_IS_FAST", is_fast)
        found.append(network.logits(ids, text, LENGTHS, wanted))
    close(*found)
