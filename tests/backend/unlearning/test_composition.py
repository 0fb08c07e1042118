import numpy as np
import pytest
import torch

from backend.engines.torch_engine import editable
from backend.unlearning.application import apply_edit, apply_edits
from backend.unlearning.composition import compose
from backend.unlearning.edit import Edit, build_edit
from backend.unlearning.errors import UnlearningError

CODEBOOK = "quantizer.layers.0.codebook"
WEIGHT = "cond_emb.weight"


def _rows(networks, rows, value, concept="kick"):
    change = ("rvq", CODEBOOK, np.array(rows), np.full((len(rows), 8), value, np.float32))
    return build_edit("lcr", concept, {"k": len(rows)}, editable(networks), [change])


def _weight(networks, shift, concept="kick"):
    weight = networks["masked"].cond_emb.weight.detach().numpy() + shift
    return build_edit("uce", concept, {}, editable(networks), [("masked", WEIGHT, None, weight)])


def test_a_composed_edit_does_what_its_parts_do(networks, snapshot, tmp_path):
    before = snapshot(networks)
    parts = [
        (_rows(networks, [1, 2], 1.0), 1.0),
        (_rows(networks, [2, 3], 2.0, "punch"), 0.5),
        (_weight(networks, 1.0), 1.0),
        (_weight(networks, 2.0, "punch"), 0.5),
    ]
    with apply_edits(parts, editable(networks)):
        wanted = snapshot(networks)
    edit = compose(parts, editable(networks))
    assert all(torch.equal(before[key], value) for key, value in snapshot(networks).items())
    assert (edit.method, edit.concept) == ("lcr+uce", "kick+punch")
    assert [patch.rows is None for patch in edit.patches] == [False, True]
    assert edit.patches[0].rows.tolist() == [1, 2, 3]
    edit.save(tmp_path / "both.safetensors")
    with apply_edit(Edit.load(tmp_path / "both.safetensors"), editable(networks)):
        after = snapshot(networks)
    assert all(torch.equal(wanted[key], value) for key, value in after.items())
    assert any(not torch.equal(before[key], value) for key, value in after.items())


def test_no_edits_and_a_foreign_base_are_refused(networks):
    with pytest.raises(UnlearningError, match="nothing to compose"):
        compose([], editable(networks))
    edit = _weight(networks, 1.0)
    with torch.no_grad():
        networks["masked"].cond_emb.weight += 1
    with pytest.raises(UnlearningError, match="another base"):
        compose([(edit, 1.0)], editable(networks))


def test_edits_of_trained_networks_keep_half_precision(networks, tmp_path):
    weight = networks["masked"].cond_emb.weight.detach() + 0.1
    change = ("masked", WEIGHT, None, weight.numpy())
    edit = build_edit("finetune", "kick", {}, editable(networks), [change], precision=np.float16)
    path = tmp_path / "half.safetensors"
    edit.save(path)
    loaded = Edit.load(path)
    assert loaded.patches[0].values.dtype == np.float16
    with apply_edit(loaded, editable(networks)):
        found = networks["masked"].cond_emb.weight.detach()
        assert torch.equal(found, weight.half().float())
        assert found.dtype == torch.float32
    assert compose([(loaded, 1.0)], editable(networks)).patches[0].values.dtype == np.float16
