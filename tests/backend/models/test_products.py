"""Packed products give what plain ones give, and follow every change of the weights."""

import copy

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from backend.models import products
from backend.models.loading import ready
from backend.models.products import Linear, PrepackedWeight, product

needs_onednn = pytest.mark.skipif(
    not torch.backends.mkldnn.is_available(), reason="this PyTorch has no oneDNN"
)


@pytest.fixture
def layer() -> Linear:
    torch.manual_seed(0)
    return ready(Linear(48, 32))


@pytest.mark.parametrize("shape", [(48,), (1, 48), (7, 48), (2, 50, 48), (3, 400, 48)])
def test_any_number_of_rows(layer: Linear, shape: tuple[int, ...]) -> None:
    x, rows = torch.randn(shape), torch.randn(*shape[:-1], 32)
    plain = F.linear(x, layer.weight, layer.bias)
    torch.testing.assert_close(layer(x), plain, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(layer.gelu(x), F.gelu(plain), atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(layer.added_to(rows, x), rows + plain, atol=1e-5, rtol=1e-5)


@needs_onednn
def test_the_operators_are_there_where_packing_is_tested() -> None:
    products._has_operators.cache_clear()
    assert products._has_operators()


def test_without_the_private_operators_products_are_plain(
    layer: Linear, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(products, "_OPERATORS", ("_an_operator_of_the_past",))
    products._has_operators.cache_clear()
    monkeypatch.setattr(PrepackedWeight, "of", lambda *_: pytest.fail("nothing can be packed"))
    try:
        x, rows = torch.randn(7, 48), torch.randn(7, 32)
        plain = F.linear(x, layer.weight, layer.bias)
        assert torch.equal(layer(x), plain)
        assert torch.equal(layer.gelu(x), F.gelu(plain))
        assert torch.equal(layer.added_to(rows, x), rows + plain)
    finally:
        products._has_operators.cache_clear()


@needs_onednn
def test_the_packed_matrix_is_made_once(layer: Linear) -> None:
    assert layer.packed is not None
    assert layer.packed.of(layer.weight) is layer.packed.of(layer.weight)


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_changed_weights_are_packed_anew(layer: Linear, mode: type[torch.no_grad]) -> None:
    x = torch.randn(5, 48)
    before = layer(x)
    original = layer.weight.detach().clone()
    with mode():
        layer.weight[3] = 2.0
    torch.testing.assert_close(layer(x), F.linear(x, layer.weight, layer.bias))
    assert not torch.equal(layer(x), before)
    with mode():
        layer.weight.copy_(original)
    assert torch.equal(layer(x), before)
    with torch.no_grad():
        layer.load_state_dict(nn.Linear(48, 32).state_dict())
    torch.testing.assert_close(layer(x), F.linear(x, layer.weight, layer.bias))


def test_gradients_flow_through_plain_products(layer: Linear) -> None:
    x = torch.randn(5, 48, requires_grad=True)
    layer.gelu(x).sum().backward()
    assert x.grad is not None
    assert x.grad.abs().sum() > 0
    layer.requires_grad_(True)
    layer(torch.randn(5, 48)).sum().backward()
    assert layer.weight.grad is not None


def test_other_precisions_are_not_packed(layer: Linear) -> None:
    x = torch.randn(5, 48)
    assert layer.double()(x.double()).dtype == torch.float64
    layer.float()
    with torch.autocast("cpu", torch.bfloat16):
        assert layer(x).dtype == torch.bfloat16


def test_a_copy_packs_its_own_weights(layer: Linear) -> None:
    x = torch.randn(5, 48)
    layer(x)
    other = copy.deepcopy(layer)
    with torch.no_grad():
        other.weight.zero_()
    torch.testing.assert_close(other(x), other.bias.expand(5, 32))
    assert not torch.equal(layer(x), other(x))


def test_a_product_without_a_bias() -> None:
    x, weight = torch.randn(5, 48), torch.randn(32, 48)
    torch.testing.assert_close(product(x, weight, None, PrepackedWeight()), x @ weight.T)
