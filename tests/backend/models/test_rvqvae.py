"""RVQ-VAE against the golden vectors, and what training needs beyond them."""

import pytest
import torch
from goldens import Golden, rnd, weights

from backend.models.configs import RVQConfig
from backend.models.loading import load_strict
from backend.models.quantizer import Codebook, ResidualQuantizer
from backend.models.rvqvae import RVQVAE

TINY = RVQConfig(codes=32, code_dim=32, width=32)


@pytest.fixture(scope="module")
def golden():
    return Golden("rvq")


def build(golden, **changes):
    model = RVQVAE(RVQConfig(**{**TINY.__dict__, **changes})).eval()
    load_strict(model, weights(model, golden.seed))
    return model


@pytest.fixture(scope="module")
def model(golden):
    return build(golden)


def margins(model, latent):
    """Smallest gap between the two best squared distances, per quantiser."""
    gaps, residual = [], latent
    for layer, value in zip(model.quantizer.layers, model.quantizer.encode(latent)[1], strict=True):
        vectors = residual.transpose(1, 2).flatten(0, 1)
        best = layer.distances(vectors).topk(2, largest=False).values
        gaps.append((best[:, 1] - best[:, 0]).min())
        residual = residual - value
    return torch.stack(gaps)


@pytest.mark.parametrize("case", ["a", "b", "c", "d"])
@torch.no_grad()
def test_encode_decode_and_forward(golden, model, case):
    x = golden[f"{case}_x"]
    latent = model.latent(x)
    ids, codes = model.encode(x)
    output = model(x)
    golden.check(f"{case}_latent", latent)
    golden.check(f"{case}_code_idx", ids)
    golden.check(f"{case}_all_codes_sum", codes.sum(0))
    golden.check(f"{case}_min_margin", margins(model, latent))
    golden.check(f"{case}_dec", model.decode(ids))
    golden.check(f"{case}_fwd", output.reconstruction)
    golden.check(f"{case}_fwd_commit", output.commit_loss)
    golden.check(f"{case}_fwd_perplexity", output.perplexity)


def test_inputs_follow_their_rule(golden):
    golden.check("c_x", rnd("rvq_x_c", (1, 8, 263), golden.seed))
    golden.check("d_x", rnd("rvq_x_d", (1, 4, 263), golden.seed))


@torch.no_grad()
def test_decode_with_fewer_or_absent_codes(golden, model):
    ids = golden["a_code_idx"]
    golden.check("a_dec_q1", model.decode(ids[..., :1]))
    golden.check("a_dec_q3", model.decode(ids[..., :3]))
    golden.check("a_entry", model.quantizer.decode(golden["a_idx_neg"]))
    golden.check("a_dec_neg", model.decode(golden["a_idx_neg"]))


@pytest.mark.parametrize("last", [0, 2])
@torch.no_grad()
def test_skipped_layers(golden, model, last):
    result = model.quantizer(model.latent(golden["a_x"]), last_layer=last)
    golden.check(f"a_drop{last}_idx", result.ids)
    golden.check(f"a_drop{last}_out", result.value)
    golden.check(f"a_drop{last}_loss", result.commit_loss)
    golden.check(f"a_drop{last}_perp", result.perplexity)


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("gelu_None", {"activation": "gelu"}),
        ("relu_LN", {"norm": "LN"}),
        ("silu_None", {"activation": "silu"}),
        ("shared", {"shared_codebook": True}),
    ],
)
@torch.no_grad()
def test_variants(golden, name, changes):
    model = build(golden, **changes)
    x = rnd("rvq_x_var", (1, 16, 263), golden.seed)
    ids, _ = model.encode(x)
    found = {"latent": model.latent(x), "idx": ids, "dec": model.decode(ids)}
    names = [key for key in found if f"var_{name}_{key}" in golden.names]
    assert names
    for key in names:
        golden.check(f"var_{name}_{key}", found[key])


def test_equal_distances_take_the_lowest_id(golden):
    layer = Codebook(4, 2, 0.99).eval()
    layer.codebook.copy_(golden["tie_codebook"])
    result = layer(golden["tie_x"])
    golden.check("tie_idx", result.ids)
    golden.check("tie_out", result.value)
    golden.check("tie_perp", result.perplexity)


def test_codebook_learns_by_moving_averages(golden):
    layer = Codebook(8, 4, 0.99).train()
    layer.initialise(golden["ema_x"].transpose(1, 2).flatten(0, 1))
    golden.check("ema_init_codebook", layer.codebook)
    result = layer(golden["ema_x2"], uniforms=golden["ema_gumbel_u"])
    golden.check("ema_idx", result.ids)
    golden.check("ema_out", result.value)
    golden.check("ema_loss", result.commit_loss)
    golden.check("ema_perp", result.perplexity)
    golden.check("ema_codebook", layer.codebook)
    golden.check("ema_code_sum", layer.code_sum)
    golden.check("ema_code_count", layer.code_count)


def test_uses_are_counted_code_by_code():
    layer = Codebook(7, 2, 0.99)
    ids = torch.tensor([3, 0, 3, 5, 3, 0, 5, 3])
    uses = layer.uses(ids)
    assert uses.dtype == torch.float32
    assert uses.tolist() == torch.bincount(ids, minlength=7).tolist() == [2, 0, 0, 4, 0, 2, 0]
    assert layer.uses(ids[:0]).tolist() == [0] * 7


def test_rare_codes_stay_when_fewer_vectors_are_asked_for():
    def trained(fewest: float) -> torch.Tensor:
        torch.manual_seed(0)
        layer = Codebook(2, 2, 0.9).train()
        layer.fewest = fewest
        layer.initialise(torch.tensor([[0.0, 0.0], [9.0, 9.0]]))
        # Far code: one vector of four, so a count that falls towards one from above.
        x = torch.tensor([[0.0, 0.1], [0.1, 0.0], [0.0, 0.0], [9.0, 9.0]])
        for step in range(30):
            vectors = x if step % 4 == 0 else x[[0, 1, 2, 0]]
            layer.update(vectors, layer.assign(vectors))
        return layer.codebook[1]

    assert torch.allclose(trained(0.125), torch.tensor([9.0, 9.0]), atol=0.1)
    assert trained(1.0).norm() < 1


def test_few_vectors_are_tiled(golden):
    layer = Codebook(8, 4, 0.99)
    layer.initialise(golden["tile_x"].transpose(1, 2).flatten(0, 1), golden["tile_noise"])
    golden.check("tile_codebook", layer.codebook)


def test_training_resumes_exactly_where_it_stopped():
    torch.manual_seed(0)
    x, y = torch.randn(4, 32, 8), torch.randn(4, 32, 8)
    first = ResidualQuantizer(3, 16, 32, 0.99, shared=False, dropout=0.0).train()
    first(x)
    second = ResidualQuantizer(3, 16, 32, 0.99, shared=False, dropout=0.0).train()
    second.load_state_dict(first.state_dict())
    second.load_training_state(first.training_state())
    results = []
    for quantizer in (first, second):
        torch.manual_seed(1)
        results.append(quantizer(y))
        assert set(quantizer.state_dict()) == {f"layers.{i}.codebook" for i in range(3)}
    assert torch.equal(results[0].value, results[1].value)
    for a, b in zip(first.layers, second.layers, strict=True):
        assert torch.equal(a.codebook, b.codebook)


def test_a_loaded_codebook_survives_when_marked():
    quantizer = ResidualQuantizer(1, 4, 2, 0.99, shared=False, dropout=0.0).train()
    codebook = 100.0 * torch.eye(4, 2)
    quantizer.layers[0].codebook.copy_(codebook)
    quantizer.mark_initialised()
    quantizer(codebook.T.repeat(2, 1, 1))
    torch.testing.assert_close(quantizer.layers[0].codebook[:2], codebook[:2])


def test_gradient_reaches_encoder_and_decoder():
    torch.manual_seed(0)
    model = RVQVAE(TINY).train()
    output = model(torch.randn(4, 16, 263))
    (output.reconstruction.square().mean() + output.commit_loss).backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())


def test_loading_lists_every_mismatch():
    model = RVQVAE(TINY)
    state = dict(model.state_dict())
    del state["encoder.model.0.bias"]
    state["stranger"] = torch.zeros(3)
    state["decoder.model.0.bias"] = torch.zeros(7)
    with pytest.raises(ValueError, match="do not fit RVQVAE") as error:
        load_strict(model, state)
    for part in ("missing encoder.model.0.bias (32,)", "unexpected stranger (3,)", "(7,)"):
        assert part in str(error.value)


@pytest.mark.parametrize("changes", [{"norm": "XX"}, {"activation": "tanh"}])
def test_unknown_parts_are_refused(changes):
    with pytest.raises(ValueError, match="choose"):
        RVQVAE(RVQConfig(**{**TINY.__dict__, **changes}))
