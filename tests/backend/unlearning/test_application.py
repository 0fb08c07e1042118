"""What is applied is checked against the weights in memory, whole or not at all."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from backend.engines.torch_engine import editable
from backend.unlearning.application import apply_edit, apply_edits
from backend.unlearning.edit import Edit, build_edit
from backend.unlearning.errors import UnlearningError
from backend.unlearning.weights import ArrayNetwork

KEY = "quantizer.layers.0.codebook"
WEIGHT = "cond_emb.weight"


@pytest.fixture
def arrays():
    """A model of plain arrays."""
    draw = np.random.default_rng(0)
    return {
        "rvq": {KEY: draw.normal(size=(32, 8)).astype(np.float32)},
        "masked": {WEIGHT: draw.normal(size=(10, 24)).astype(np.float32)},
        "residual": {WEIGHT: draw.normal(size=(10, 24)).astype(np.float32)},
    }


@pytest.fixture
def model(arrays):
    return {name: ArrayNetwork(own) for name, own in arrays.items()}


def _copy(arrays):
    return {(n, key): values.copy() for n, own in arrays.items() for key, values in own.items()}


def _is_as_before(arrays, before):
    return all(
        before[place].tobytes() == values.tobytes() for place, values in _copy(arrays).items()
    )


def _rows(model, rows=(3, 5), value=7.0, concept="kick"):
    change = ("rvq", KEY, np.array(rows), np.full((len(rows), 8), value, np.float32))
    return build_edit("lcr", concept, {}, model, [change])


def _both_weights(model, shift=1.0, concept="kick"):
    changes = [(n, WEIGHT, None, model[n].read(WEIGHT) + shift) for n in ("masked", "residual")]
    return build_edit("uce", concept, {}, model, changes)


def _with_patch(edit, index, **changes):
    patches = list(edit.patches)
    patches[index] = replace(patches[index], **changes)
    return replace(edit, patches=tuple(patches))


FORGED = {
    "no patches": (lambda edit, base: replace(edit, patches=(), base={}), "has no patches"),
    "no base": (lambda edit, base: replace(edit, base={}), "does not say which base"),
    "a base of one precision": (
        lambda edit, base: replace(edit, base={n: {"float32": "0"} for n in edit.base}),
        "does not say which base",
    ),
    "a base of a network that no patch touches": (
        lambda edit, base: replace(edit, base=edit.base | {"rvq": edit.base["masked"]}),
        "does not say which base",
    ),
    "another base": (
        lambda edit, base: replace(
            edit, base={n: dict.fromkeys(own, "0" * 32) for n, own in edit.base.items()}
        ),
        "made for another base",
    ),
    "values of the base": (
        lambda edit, base: _with_patch(
            _with_patch(edit, 0, values=base["masked", WEIGHT], relative_change=0.0),
            1,
            values=base["residual", WEIGHT],
            relative_change=0.0,
        ),
        "changes nothing",
    ),
    "values a hair from the base": (
        lambda edit, base: _with_patch(
            _with_patch(edit, 0, values=base["masked", WEIGHT] * np.float32(1.0001)),
            1,
            values=base["residual", WEIGHT] * np.float32(1.0001),
        ),
        "changes nothing",
    ),
    "a change that it only claims": (
        lambda edit, base: _with_patch(edit, 0, values=base["masked", WEIGHT]),
        "says that it changes masked",
    ),
    "a second patch that undoes the first": (
        lambda edit, base: replace(
            edit,
            patches=(*edit.patches, replace(edit.patches[0], values=base["masked", WEIGHT])),
        ),
        "changes masked:cond_emb.weight twice",
    ),
    "a misshapen second patch": (
        lambda edit, base: _with_patch(edit, 1, values=edit.patches[1].values[:7, :5]),
        "do not fit",
    ),
    "an unknown tensor in its second patch": (
        lambda edit, base: _with_patch(edit, 1, key="no.such.tensor"),
        "no tensor 'no.such.tensor'",
    ),
    "a value that is no number": (
        lambda edit, base: _with_patch(edit, 1, values=edit.patches[1].values * np.nan),
        "damaged at residual",
    ),
    "rows beyond the tensor": (
        lambda edit, base: _with_patch(
            edit, 1, rows=np.arange(1, 11), values=edit.patches[1].values
        ),
        "do not fit",
    ),
}


@pytest.mark.parametrize("forgery", FORGED)
@pytest.mark.parametrize("strength", [0.0, 1.0])
def test_an_edit_that_is_not_what_it_says_is_refused_whole(arrays, model, forgery, strength):
    before = _copy(arrays)
    change, message = FORGED[forgery]
    edit = change(_both_weights(model), before)
    with pytest.raises(UnlearningError, match=message):
        apply_edits([(_rows(model), 1.0), (edit, strength)], model)
    assert _is_as_before(arrays, before)


class _Failing(ArrayNetwork):
    """A network of which one write fails, or does not do what was asked."""

    def __init__(self, arrays, failure):
        super().__init__(arrays)
        self.failure = failure

    def write(self, key, values):
        failure, self.failure = self.failure, None
        if failure == "raises":
            raise MemoryError
        super().write(key, values * 2 if failure == "writes something else" else values)


@pytest.mark.parametrize(
    ("failure", "error"),
    [("raises", MemoryError), ("writes something else", UnlearningError)],
)
def test_a_write_that_fails_half_way_is_rolled_back(arrays, model, failure, error):
    before = _copy(arrays)
    edits = [(_rows(model), 1.0), (_both_weights(model), 1.0)]
    model["residual"] = _Failing(arrays["residual"], failure)
    with pytest.raises(error):
        apply_edits(edits, model)
    assert _is_as_before(arrays, before)


def test_every_kind_of_edit_leaves_plain_arrays_as_they_were(arrays, model):
    before = _copy(arrays)
    arrays["masked"][WEIGHT][0, 0] = before["masked", WEIGHT][0, 0] = -0.0
    for strength in (0.0, 0.3, 1.0, 2.0):
        edits = [(_rows(model), strength), (_both_weights(model), strength)]
        with apply_edits(edits, model):
            assert _is_as_before(arrays, before) is (strength == 0.0)
        assert _is_as_before(arrays, before)


def test_plain_arrays_and_torch_get_the_same_values(networks, snapshot):
    state = snapshot(networks)
    plain = {
        name: ArrayNetwork(
            {k.partition(":")[2]: v.numpy() for k, v in state.items() if k.startswith(f"{name}:")}
        )
        for name in networks
    }
    live = editable(networks)
    for strength in (0.25, 1.0, 1.7):
        edits = [
            (_rows(live), strength),
            (_both_weights(live), strength),
            (_both_weights(live, 0.5, "punch"), strength),
        ]
        with apply_edits(edits, plain), apply_edits(edits, live):
            for name, key in (("rvq", KEY), ("masked", WEIGHT), ("residual", WEIGHT)):
                assert plain[name].read(key).tobytes() == live[name].read(key).tobytes()


def test_half_precision_is_restored_bit_for_bit(arrays):
    halves = {
        name: {key: values.astype(np.float16) for key, values in own.items()}
        for name, own in arrays.items()
    }
    edit = _both_weights({name: ArrayNetwork(own) for name, own in arrays.items()})
    model, before = {name: ArrayNetwork(own) for name, own in halves.items()}, _copy(halves)
    with apply_edit(edit, model, 0.7) as applied:
        assert applied.effects[0].share == pytest.approx(0.7, abs=1e-3)
    assert _is_as_before(halves, before)
    # A base that is not the half-precision copy of the right one stays foreign.
    halves["masked"][WEIGHT][0, 0] += 1
    with pytest.raises(UnlearningError, match="another base"):
        apply_edit(edit, model)


def test_the_effect_is_measured_on_the_weights(model):
    edit = _rows(model, range(10))
    for strength in (0.0, 1e-9, 0.01, 0.5, 1.0, 2.0):
        with apply_edit(edit, model, strength) as applied:
            (effect,) = applied.effects
        assert effect.share == pytest.approx(strength, abs=1e-6)
        (network,) = effect.networks
        assert network.rows == (10 if strength > 1e-3 else 0)
        assert network.relative_change == pytest.approx(
            strength * edit.patches[0].relative_change, rel=1e-4, abs=1e-6
        )


def test_an_edit_of_which_few_rows_move_says_how_few(arrays, model):
    values = np.array(arrays["rvq"][KEY][:10])
    values[4] += 1
    edit = build_edit("lcr", "kick", {}, model, [("rvq", KEY, np.arange(10), values)])
    with apply_edit(edit, model) as applied:
        assert applied.effects[0].networks[0].rows == 1


def test_edits_that_undo_one_another_are_refused(arrays, model):
    before = _copy(arrays)
    there, back = _both_weights(model, 1.0), _both_weights(model, -1.0, "punch")
    with pytest.raises(UnlearningError, match=r"uce/kick is undone by .*uce/punch"):
        apply_edits([(there, 1.0), (back, 1.0)], model)
    assert _is_as_before(arrays, before)
    rows = _rows(model, (3, 5), concept="kick")
    hairs = before["rvq", KEY][[3, 5]] * np.float32(1.01)
    undone = build_edit("lcr", "punch", {}, model, [("rvq", KEY, np.array([3, 5]), hairs)])
    with pytest.raises(UnlearningError, match="lcr/kick is undone"):
        apply_edits([(rows, 1.0), (undone, 1.0)], model)
    with apply_edits([(undone, 1.0), (rows, 1.0)], model) as applied:
        assert applied.effects[1].share == pytest.approx(1.0)
    assert _is_as_before(arrays, before)


def test_the_hash_is_of_what_an_edit_changes(model, tmp_path):
    edit = _both_weights(model)
    edit.save(tmp_path / "edit.safetensors")
    assert Edit.load(tmp_path / "edit.safetensors").hash == edit.hash
    others = [
        _both_weights(model, 1.5),
        _both_weights(model, 1.0, "punch"),
        replace(edit, method="rece"),
        replace(edit, patches=edit.patches[:1]),
    ]
    assert len({edit.hash, *(other.hash for other in others)}) == 5
    assert replace(edit, provenance={"note": 1}).hash == edit.hash


def test_a_network_that_packed_its_weight_sees_the_edit():
    from backend.models.products import PrepackedWeight

    network = torch.nn.Module()
    network.cond_emb = torch.nn.Linear(4, 3)
    packed = PrepackedWeight()
    first = packed.of(network.cond_emb.weight)
    change = ("masked", WEIGHT, None, np.ones((3, 4), np.float32))
    edit = build_edit("uce", "kick", {}, editable({"masked": network}), [change])
    with apply_edit(edit, editable({"masked": network})):
        assert packed.of(network.cond_emb.weight) is not first
