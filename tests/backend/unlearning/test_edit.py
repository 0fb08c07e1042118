import os

import numpy as np
import pytest
import torch

from backend.engines.torch_engine import editable
from backend.unlearning.application import apply_edit, apply_edits
from backend.unlearning.edit import Edit, build_edit
from backend.unlearning.errors import UnlearningError
from backend.unlearning.weights import array_hash
from shared.errors import PlacidError

KEY = "quantizer.layers.0.codebook"


def _row_edit(networks, rows, value, concept="kick"):
    values = np.full((len(rows), 8), value, np.float32)
    change = ("rvq", KEY, np.array(rows), values)
    return build_edit("lcr", concept, {"k": len(rows)}, editable(networks), [change])


def _weight_edit(networks, shift, concept="kick"):
    weight = networks["masked"].cond_emb.weight.detach().numpy() + shift
    change = ("masked", "cond_emb.weight", None, weight)
    return build_edit("uce", concept, {}, editable(networks), [change])


def _same(before, after):
    return all(torch.equal(before[key], after[key]) for key in before)


def test_apply_changes_what_it_says_and_reverts_bit_for_bit(networks, snapshot):
    before = snapshot(networks)
    edit = _row_edit(networks, [3, 5], 7.0)
    applied = apply_edit(edit, editable(networks))
    after = snapshot(networks)
    codebook = after[f"rvq:{KEY}"]
    assert (codebook[[3, 5]] == 7.0).all()
    kept = [row for row in range(len(codebook)) if row not in (3, 5)]
    assert torch.equal(codebook[kept], before[f"rvq:{KEY}"][kept])
    applied.revert()
    applied.revert()
    assert _same(before, snapshot(networks))


def test_context_manager_reverts_after_an_exception(networks, snapshot):
    before = snapshot(networks)
    with pytest.raises(RuntimeError), apply_edit(_weight_edit(networks, 1.0), editable(networks)):
        raise RuntimeError
    assert _same(before, snapshot(networks))


@pytest.mark.parametrize("strength", [0.0, 0.25, 1.0, 2.0])
def test_strength_interpolates(networks, strength):
    base = networks["masked"].cond_emb.weight.detach().clone()
    with apply_edit(_weight_edit(networks, 2.0), editable(networks), strength):
        moved = networks["masked"].cond_emb.weight.detach()
        torch.testing.assert_close(moved, base + 2.0 * strength)


@pytest.mark.parametrize("strength", [-0.1, 2.1, float("nan")])
def test_strength_out_of_range_is_refused(networks, strength):
    with pytest.raises(UnlearningError, match="from 0 to 2"):
        apply_edit(_row_edit(networks, [1], 0.0), editable(networks), strength)


def test_composition_follows_the_stated_order(networks, snapshot):
    before = snapshot(networks)
    weight = before["masked:cond_emb.weight"]
    first, second = _row_edit(networks, [1, 2], 1.0), _row_edit(networks, [2, 3], 2.0)
    add_one, add_two = _weight_edit(networks, 1.0), _weight_edit(networks, 2.0, "punch")
    edits = [(first, 1.0), (second, 1.0), (add_one, 1.0), (add_two, 0.5)]
    applied = apply_edits(edits, editable(networks))
    codebook = snapshot(networks)[f"rvq:{KEY}"]
    assert codebook[[1, 2, 3], 0].tolist() == [1.0, 2.0, 2.0]
    torch.testing.assert_close(networks["masked"].cond_emb.weight.detach(), weight + 2.0)
    applied.revert()
    with apply_edits([(second, 1.0), (first, 1.0)], editable(networks)):
        assert snapshot(networks)[f"rvq:{KEY}"][[1, 2, 3], 0].tolist() == [1.0, 1.0, 2.0]
    assert _same(before, snapshot(networks))


def test_wrong_base_is_refused_with_both_hashes_and_nothing_changes(networks, snapshot):
    edit, other = _row_edit(networks, [1], 0.0), _weight_edit(networks, 1.0)
    with torch.no_grad():
        networks["rvq"].quantizer.layers[0].codebook[9, 0] += 1e-3
    before = snapshot(networks)
    with pytest.raises(UnlearningError) as refused:
        apply_edits([(other, 1.0), (edit, 1.0)], editable(networks))
    found = array_hash({KEY: before[f"rvq:{KEY}"].numpy()})
    assert edit.base["rvq"]["float32"] in str(refused.value)
    assert found in str(refused.value)
    assert _same(before, snapshot(networks))


@pytest.mark.parametrize("precision", [torch.float16, torch.bfloat16])
def test_half_precision_copy_of_the_base_is_accepted(networks, snapshot, precision):
    edit = _row_edit(networks, [4], 0.5)
    networks["rvq"].to(precision)
    before = snapshot(networks)
    with apply_edit(edit, editable(networks)):
        assert (networks["rvq"].quantizer.layers[0].codebook[4] == 0.5).all()
    assert _same(before, snapshot(networks))


def test_missing_network_or_tensor_is_refused(networks):
    edit = _weight_edit(networks, 1.0)
    with pytest.raises(UnlearningError, match="'masked' but this model has"):
        apply_edit(edit, editable({"bamm": networks["masked"], "rvq": networks["rvq"]}))
    with pytest.raises(UnlearningError, match="no tensor"):
        apply_edit(edit, editable({"masked": networks["rvq"]}))


def test_other_size_is_refused(networks):
    edit = _row_edit(networks, [31], 0.0)
    networks["rvq"].quantizer.layers[0].codebook = torch.zeros(16, 8)
    with pytest.raises(UnlearningError, match="do not fit"):
        apply_edit(edit, editable(networks))


def test_save_and_load(networks, tmp_path):
    edit = build_edit(
        "lcr",
        "kick",
        {"k": 2, "alpha": 0.5},
        editable(networks),
        [("rvq", KEY, np.array([3, 5]), np.random.default_rng(0).random((2, 8)))],
        {"removed_codes": [[3, 5]]},
    )
    path = tmp_path / "kick.safetensors"
    edit.save(path)
    loaded = Edit.load(path)
    assert (loaded.method, loaded.concept, loaded.parameters) == ("lcr", "kick", edit.parameters)
    assert (loaded.base, loaded.provenance) == (edit.base, edit.provenance)
    assert np.array_equal(loaded.patches[0].values, edit.patches[0].values)
    assert loaded.hash == edit.hash
    assert loaded.inspect() == edit.inspect()
    assert loaded.inspect()[0]["rows"] == [3, 5]
    assert os.listdir(tmp_path) == ["kick.safetensors"]


def test_relative_change(networks):
    weight = networks["masked"].cond_emb.weight.detach().numpy()
    change = ("masked", "cond_emb.weight", None, weight * 1.5)
    edit = build_edit("uce", "kick", {}, editable(networks), [change])
    assert edit.inspect()[0]["relative_change"] == pytest.approx(0.5)


def test_values_that_are_not_numbers_are_refused(networks):
    with pytest.raises(UnlearningError, match="not numbers"):
        _row_edit(networks, [1], float("nan"))


@pytest.mark.parametrize("content", [b"", b"\0" * 40, b"not an edit at all, but long enough"])
def test_damaged_file_is_refused(tmp_path, content):
    path = tmp_path / "bad.safetensors"
    path.write_bytes(content)
    with pytest.raises(UnlearningError, match="damaged"):
        Edit.load(path)


def test_truncated_foreign_and_absent_files_are_refused(networks, tmp_path):
    import safetensors.torch

    path = tmp_path / "edit.safetensors"
    _row_edit(networks, [1], 0.0).save(path)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(UnlearningError, match="damaged"):
        Edit.load(path)
    safetensors.torch.save_file({"a": torch.zeros(2)}, path)
    with pytest.raises(UnlearningError, match="holds no edit"):
        Edit.load(path)
    with pytest.raises(UnlearningError, match="does not exist"):
        Edit.load(tmp_path / "absent.safetensors")


def test_repeated_rows_in_a_file_are_refused(networks, tmp_path):
    edit = _row_edit(networks, [1, 1], 0.0)
    edit.save(tmp_path / "edit.safetensors")
    with pytest.raises(UnlearningError, match="damaged at rvq"):
        Edit.load(tmp_path / "edit.safetensors")


def test_failed_write_leaves_nothing(networks, tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    with pytest.raises(PlacidError, match="cannot be written"):
        _row_edit(networks, [1], 0.0).save(blocked / "edit.safetensors")
    (tmp_path / "folder").mkdir()
    with pytest.raises(PlacidError, match="cannot be written"):
        _row_edit(networks, [1], 0.0).save(tmp_path / "folder")
    assert sorted(os.listdir(tmp_path)) == ["file", "folder"]


def test_hash_depends_on_values_names_and_shape_only():
    values = np.arange(6, dtype=np.float32).reshape(2, 3)
    reference = array_hash({"a": values, "b": values + 1})
    assert array_hash({"b": values + 1, "a": values.copy()}) == reference
    assert array_hash({"a": values, "b": values + 2}) != reference
    assert array_hash({"a": values, "c": values + 1}) != reference
    assert array_hash({"a": values.reshape(3, 2), "b": values + 1}) != reference
