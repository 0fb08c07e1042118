"""The closed-form methods on the text projection: each does what its paper's formula says."""

import numpy as np
import pytest

from backend.engines.torch_engine import editable
from backend.unlearning.application import apply_edit
from backend.unlearning.concept import Concept
from backend.unlearning.errors import UnlearningError
from backend.unlearning.methods import cure, null_space, refusal
from backend.unlearning.registry import find_method
from backend.unlearning.text_embeddings import TextEmbeddings
from backend.unlearning.text_projections import BIAS_KEY, WEIGHT_KEY
from backend.unlearning.weights import read_array

TEXT_DIM = 24
CONCEPT = Concept("kick", ("kick",))
# Methods, with what of their preset does not fit tests this small.
NAMES = ("null_space", "cure", "refusal")
SMALLER = {"null_space": {"rank": 12}}


@pytest.fixture
def embeddings():
    """Retained prompts in the first 12 directions, forgotten ones in the next 8 and a few there."""
    rng = np.random.default_rng(3)
    forget = np.zeros((9, TEXT_DIM), np.float32)
    forget[:, 12:20] = rng.normal(size=(9, 8))
    forget[:, :12] = 0.3 * rng.normal(size=12)
    retain = np.zeros((40, TEXT_DIM), np.float32)
    retain[:, :12] = rng.normal(size=(40, 12))
    target = np.repeat(retain[:1], 9, axis=0)
    return TextEmbeddings(forget, target, retain)


def _read(networks, name, prompts):
    weight = read_array(networks, name, WEIGHT_KEY).astype(np.float64)
    return prompts @ weight.T + read_array(networks, name, BIAS_KEY)


@pytest.mark.parametrize("name", NAMES)
def test_an_edit_is_its_methods_and_is_taken_back_bit_for_bit(name, networks, embeddings, snapshot):
    before = snapshot(networks)
    method = find_method(name)
    edit = method.fit(
        editable(networks),
        CONCEPT,
        embeddings,
        method.parameters("embedded", **SMALLER.get(name, {})),
    )
    assert all(method.may_change(patch) for patch in edit.patches)
    assert {patch.network for patch in edit.patches} == {"masked", "residual"}
    with apply_edit(edit, editable(networks)):
        assert any((value != before[key]).any() for key, value in snapshot(networks).items())
    assert all((value == before[key]).all() for key, value in snapshot(networks).items())


def test_the_null_space_keeps_what_is_retained_and_moves_the_rest(networks, embeddings):
    live = editable(networks)
    parameters = null_space.NullSpaceParameters(rank=12, ridge=1e-6, influential=0)
    edit = null_space.fit(live, CONCEPT, embeddings, parameters)
    kept = _read(live, "masked", embeddings.retain)
    wanted = _read(live, "masked", embeddings.target)
    away = np.linalg.norm(_read(live, "masked", embeddings.forget) - wanted, axis=1)
    with apply_edit(edit, live):
        np.testing.assert_allclose(_read(live, "masked", embeddings.retain), kept, atol=1e-4)
        left = np.linalg.norm(_read(live, "masked", embeddings.forget) - wanted, axis=1)
    assert (left < 0.5 * away).all()


def test_only_influential_prompts_narrow_the_null_space():
    """Of two retained prompts the one that lies where the forgotten ones do is kept."""
    rng = np.random.default_rng(0)
    weight = rng.normal(size=(5, 3))
    embeddings = TextEmbeddings(
        np.array([[1.0, 1.0, 0.0]]), np.zeros((1, 3)), np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 9.0]])
    )
    parameters = null_space.NullSpaceParameters(rank=1, ridge=1e-3, influential=1)
    edited = null_space.edit_weight(weight, embeddings, parameters)
    np.testing.assert_allclose(edited @ [1.0, 0.0, 0.0], weight @ [1.0, 0.0, 0.0], atol=1e-9)
    assert np.abs((edited - weight) @ [0.0, 1.0, 0.0]).max() > 0.1


def test_the_null_projection_has_the_rank_that_is_left():
    rows = np.random.default_rng(1).normal(size=(30, 7))
    projection = null_space.null_projection(rows, 3)
    np.testing.assert_allclose(projection @ projection, projection, atol=1e-12)
    assert round(np.trace(projection)) == 4


def test_spectral_weights_grow_with_the_expansion():
    rows = np.diag([3.0, 1.0, 0.0])
    shares = [np.diag(cure.spectral_projection(rows, a)) for a in (1.0, 10.0)]
    np.testing.assert_allclose(shares[0], [0.9, 0.1, 0.0], atol=1e-12)
    np.testing.assert_allclose(shares[1], [9 / 9.1, 1 / 1.9, 0.0], atol=1e-12)


def test_cure_takes_away_what_retained_prompts_do_not_share(networks, embeddings):
    live = editable(networks)
    own = np.zeros(TEXT_DIM)
    own[12:20] = 1.0
    shared = np.zeros(TEXT_DIM)
    shared[:12] = 1.0
    edit = cure.fit(live, CONCEPT, embeddings, cure.CUREParameters(expansion=1e6))
    before = read_array(live, "masked", WEIGHT_KEY)
    with apply_edit(edit, live):
        after = read_array(live, "masked", WEIGHT_KEY)
    assert np.linalg.norm(after @ own) < 0.05 * np.linalg.norm(before @ own)
    np.testing.assert_allclose(after @ shared, before @ shared, atol=1e-3)


def test_cure_about_the_mean_leaves_the_mean_retained_prompt(networks, embeddings):
    live = editable(networks)
    middle = embeddings.retain.mean(axis=0, keepdims=True)
    before = _read(live, "masked", middle)
    with apply_edit(cure.fit(live, CONCEPT, embeddings, cure.CUREParameters(20.0, True)), live):
        np.testing.assert_allclose(_read(live, "masked", middle), before, atol=1e-5)


@pytest.mark.parametrize("reading", ["share", "contrast"])
def test_refusal_moves_the_mean_forgotten_prompt_to_the_target(reading, networks, embeddings):
    live = editable(networks)
    parameters = refusal.RefusalParameters(reading, gain=1.0, ridge=1e-3)
    forget = embeddings.forget.mean(axis=0, keepdims=True)
    middle = embeddings.retain.mean(axis=0, keepdims=True)
    target = _read(live, "masked", embeddings.target[:1])
    kept = _read(live, "masked", middle)
    with apply_edit(refusal.fit(live, CONCEPT, embeddings, parameters), live):
        reached = _read(live, "masked", forget)
        held = _read(live, "masked", middle)
    if reading == "contrast":
        np.testing.assert_allclose(reached, target, atol=1e-4)
        np.testing.assert_allclose(held, kept, atol=1e-4)
    else:
        assert np.linalg.norm(reached - target) < np.linalg.norm(held - target)


@pytest.mark.parametrize(
    ("module", "parameters", "message"),
    [
        (null_space, null_space.NullSpaceParameters(rank=TEXT_DIM), "rank must be 0 to 23"),
        (null_space, null_space.NullSpaceParameters(ridge=0.0), "ridge above 0"),
        (cure, cure.CUREParameters(0.5), "at least 1, not 0.5"),
        (refusal, refusal.RefusalParameters(gain=0.0), "gain and ridge must be above 0"),
    ],
)
def test_unusable_parameters_are_refused(module, parameters, message, networks, embeddings):
    with pytest.raises(UnlearningError, match=message):
        module.fit(editable(networks), CONCEPT, embeddings, parameters)


@pytest.mark.parametrize("name", NAMES)
def test_what_is_to_be_kept_has_to_be_said(name, networks, embeddings):
    method = find_method(name)
    none = TextEmbeddings(embeddings.forget, embeddings.target, embeddings.retain[:0])
    with pytest.raises(UnlearningError, match="at least one of retain_prompts"):
        method.fit(editable(networks), CONCEPT, none, method.parameters("embedded"))
