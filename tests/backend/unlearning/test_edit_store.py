"""The store of edits: files, fits on request, and the one set that is applied."""

import dataclasses
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from backend.engines.torch_engine import editable
from backend.unlearning.composition import compose
from backend.unlearning.edit import Edit, build_edit
from backend.unlearning.edit_name import EditName
from backend.unlearning.edit_store import EDITS, EditStore
from backend.unlearning.manifest import MANIFEST, read_manifest, write_manifest
from backend.unlearning.registry import METHODS
from shared.errors import PlacidError

CODEBOOK = "quantizer.layers.0.codebook"


@pytest.fixture
def networks():
    torch.manual_seed(0)
    masked = nn.Module()
    masked.cond_emb = nn.Linear(4, 3)
    layer = nn.Module()
    layer.register_buffer("codebook", torch.randn(5, 2))
    rvq = nn.Module()
    rvq.quantizer = nn.Module()
    rvq.quantizer.layers = nn.ModuleList([layer])
    return {"masked": masked, "rvq": rvq}


def _edit(networks, method, concept, value, **provenance):
    if method == "lcr":
        change = ("rvq", CODEBOOK, np.array([1]), np.full((1, 2), value, np.float32))
    else:
        change = ("masked", "cond_emb.weight", None, np.full((3, 4), value, np.float32))
    parameters = dataclasses.asdict(METHODS[method].parameters())
    return build_edit(method, concept, parameters, editable(networks), [change], provenance)


def _save(edit, folder, model="momask", method=None, concept=None):
    path = folder / EditName(model, method or edit.method, concept or edit.concept).file
    edit.save(path)
    return path


class _Fitter:
    """Counts its fits, and looks at the weights that it is given to fit against."""

    def __init__(self, networks):
        self.networks = networks
        self.asked = []
        self.weights = []

    def __call__(self, model, method, concept):
        self.asked.append((model, method, concept))
        self.weights.append(self.networks["masked"].cond_emb.weight.detach().clone())
        return _edit(self.networks, method, concept, 3.0)


@pytest.fixture
def folder(networks, tmp_path):
    for method, concept in (("lcr", "violence"), ("uce", "violence"), ("uce", "kick")):
        _save(_edit(networks, method, concept, 1.0), tmp_path)
    return tmp_path


def test_what_is_there_without_fits(folder):
    store = EditStore([folder])
    assert [choice.name for choice in store.methods()] == ["lcr", "lcr+uce", "uce", "off"]
    assert [choice.name for choice in store.concepts()] == ["violence", "kick"]
    assert store.typed_methods() == ()
    assert store.default_method("momask") == "lcr"
    assert store.find("momask", "off", ["violence"]) == []
    with pytest.raises(PlacidError, match=r"no lcr edit of momask for 'kick' \(there is: uce"):
        store.find("momask", "lcr", ["kick"])


def test_joined_methods_give_their_edits_in_order(folder):
    store = EditStore([folder])
    found = store.find("momask", "lcr+uce", ["violence"])
    assert [edit.method for edit in found] == ["lcr", "uce"]
    found = store.find("momask", "uce", ["kick", "violence"])
    assert [edit.concept for edit in found] == ["kick", "violence"]


def test_a_typed_concept_is_fitted_once_against_the_untouched_base(folder, networks):
    fitter = _Fitter(networks)
    store, weights = EditStore([folder], fitter), editable(networks)
    base = networks["masked"].cond_emb.weight.detach().clone()
    store.activate(weights, store.find("momask", "uce", ["violence"]), 1.0)
    assert not torch.equal(networks["masked"].cond_emb.weight, base)
    first = store.find("momask", "uce", ["crawl, creep"])
    assert store.find("momask", "uce", ["crawl, creep"]) == first
    assert fitter.asked == [("momask", "uce", "crawl, creep")]
    assert torch.equal(fitter.weights[0], base)
    store.activate(weights, first, 2.0)
    torch.testing.assert_close(networks["masked"].cond_emb.weight, base + 2 * (3.0 - base))
    store.activate(weights, [], 1.0)
    assert torch.equal(networks["masked"].cond_emb.weight, base)


def test_what_a_fit_makes_possible(folder, networks):
    store = EditStore([folder], _Fitter(networks))
    assert store.typed_methods() == ("rece", "uce")
    assert {"kick", "zombie", "crawl"} <= {choice.name for choice in store.concepts()}
    assert "rece" in {choice.name for choice in store.methods()}
    with pytest.raises(PlacidError, match=r"did you mean 'kick'") as refused:
        store.find("momask", "rece", ["kikc"])
    assert refused.value.code == "unknown_concept"
    with pytest.raises(PlacidError, match="no finetune edit"):
        store.find("momask", "finetune", ["kick"])


def test_other_names_of_a_concept_find_its_file(folder):
    store = EditStore([folder])
    assert store.find("momask", "uce", ["kick,"]) == store.find("momask", "uce", ["kick"])


def test_the_default_is_a_method_that_is_meant_to_be_one_or_a_refusal(folder, networks, tmp_path):
    store = EditStore([folder], _Fitter(networks))
    assert store.default_method("momask") == "lcr"
    # LCR needs counts, and has no edit of this model.
    assert store.default_method("momask", ["violence", "crawl, creep"]) == "uce"
    assert store.default_method("bamm") == "uce"
    assert EditStore([], _Fitter(networks)).default_method("momask") == "uce"
    # Never the first of the alphabet, and never nothing.
    own = tmp_path / "own"
    _save(_edit(networks, "finetune", "violence", 1.0), own)
    _save(_edit(networks, "retrain", "violence", 1.0), own)
    for folders in ([], [own]):
        with pytest.raises(PlacidError, match="choose safety 'off' yourself") as refused:
            EditStore(folders).default_method("momask")
        assert refused.value.code == "no_safe_edit"
    _save(_edit(networks, "rece", "violence", 1.0), own)
    assert EditStore([own]).default_method("momask") == "rece"


def test_an_earlier_folders_edit_comes_first_and_the_other_is_told(folder, networks, tmp_path):
    own = tmp_path / "own"
    store = EditStore([folder, own])
    path = _save(_edit(networks, "uce", "kick", 7.0), own)
    (found,) = store.find("momask", "uce", ["kick"])
    assert (found.patches[0].values == 1.0).all()
    assert store.unused() == {path: folder / path.name}
    other = _save(_edit(networks, "uce", "kick_more", 7.0), own)
    (found,) = store.find("momask", "uce", ["kick_more"])
    assert (found.patches[0].values == 7.0).all()
    assert other in store.files().values()


def test_a_newer_file_counts(folder, networks):
    store = EditStore([folder])
    (first,) = store.find("momask", "uce", ["kick"])
    path = _save(_edit(networks, "uce", "kick", 7.0), folder)
    (second,) = store.find("momask", "uce", ["kick"])
    assert (first.patches[0].values[0, 0], second.patches[0].values[0, 0]) == (1.0, 7.0)
    path.write_bytes(b"damaged")
    with pytest.raises(PlacidError, match="damaged") as refused:
        store.find("momask", "uce", ["kick"])
    assert refused.value.code == "damaged_edit"


def test_an_edit_of_other_weights_is_refused(folder, networks):
    store = EditStore([folder])
    with torch.no_grad():
        networks["masked"].cond_emb.weight += 1
    with pytest.raises(PlacidError, match="another base") as refused:
        store.activate(editable(networks), store.find("momask", "uce", ["kick"]), 1.0)
    assert refused.value.code == "foreign_edit"
    assert store.effects == ()


def test_an_edit_under_a_joined_name_is_the_one_that_is_used(folder, networks):
    store = EditStore([folder])
    parts = store.find("momask", "lcr+uce", ["violence"])
    whole = compose([(edit, 0.5) for edit in parts], editable(networks))
    _save(whole, folder)
    (found,) = store.find("momask", "lcr+uce", ["violence"])
    assert (found.method, found.hash) == ("lcr+uce", whole.hash)
    # The order of the parts belongs to the name, and a concept without such a file has its parts.
    assert len(store.find("momask", "uce+lcr", ["violence"])) == 2


def _relabelled(edit, **changes):
    return dataclasses.replace(edit, **changes)


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        (("momask", "lcr", "violence"), {"method": "uce"}, "says inside that it is uce"),
        (("momask", "lcr", "violence"), {"concept": "flower"}, "says inside .* of 'flower'"),
        (("momask", "uce", "violence"), {"method": "uce"}, "changes rvq:.*which uce never does"),
        (("momask", "lrc", "violence"), {"method": "lrc"}, "of no method"),
        (("momask", "lcr", "violence"), {"parameters": {}}, "does not have the parameters of lcr"),
        (("momask", "lcr+uce", "violence"), {"method": "lcr+uce"}, "what it is made of"),
        (("momask", "lcr+lcr", "violence"), {"method": "lcr+lcr"}, "of no method"),
    ],
)
def test_another_edit_under_this_name_is_refused(networks, tmp_path, name, change, message):
    edit = _relabelled(_edit(networks, "lcr", "violence", 1.0), **change)
    edit.save(tmp_path / EditName(*name).file)
    with pytest.raises(PlacidError, match=message) as refused:
        EditStore([tmp_path]).find(*name[:2], [name[2]])
    assert refused.value.code == "damaged_edit"


def test_an_edit_of_the_other_models_networks_is_refused(networks, tmp_path):
    path = _save(_edit(networks, "uce", "violence", 1.0), tmp_path)
    path.rename(tmp_path / "bamm-uce-violence.safetensors")
    with pytest.raises(PlacidError, match="changes masked, which bamm does not have"):
        EditStore([tmp_path]).find("bamm", "uce", ["violence"])


def test_uce_under_the_name_of_rece_is_refused_by_its_parameters(networks, tmp_path):
    _save(_relabelled(_edit(networks, "uce", "violence", 1.0), method="rece"), tmp_path)
    with pytest.raises(PlacidError, match="adversary, epochs, regulariser"):
        EditStore([tmp_path]).find("momask", "rece", ["violence"])


def test_a_reference_under_the_name_of_fine_tuning_is_refused(networks, tmp_path):
    _save(_relabelled(_edit(networks, "retrain", "violence", 1.0), method="finetune"), tmp_path)
    with pytest.raises(PlacidError, match="was fitted by another method"):
        EditStore([tmp_path]).find("momask", "finetune", ["violence"])


def test_a_folder_with_a_manifest_holds_what_that_lists(folder, networks):
    entries = write_manifest(folder)
    store = EditStore([folder])
    (edit,) = store.find("momask", "uce", ["kick"])
    assert entries["momask-uce-kick.safetensors"].edit == edit.hash
    _save(_edit(networks, "uce", "kick", 7.0), folder)
    with pytest.raises(PlacidError, match="is not the file listed in manifest") as refused:
        EditStore([folder]).find("momask", "uce", ["kick"])
    assert refused.value.code == "damaged_edit"
    _save(_edit(networks, "uce", "guns", 7.0), folder)
    with pytest.raises(PlacidError, match="is not listed in manifest"):
        EditStore([folder]).find("momask", "uce", ["guns"])
    for damage in (b"", b"{}", b"[" * 10_000, b'{"version": 2, "edits": {}}'):
        (folder / MANIFEST).write_bytes(damage)
        with pytest.raises(PlacidError, match="install Placid again"):
            EditStore([folder]).find("momask", "uce", ["violence"])


def test_the_shipped_manifest_lists_the_shipped_edits(tmp_path):
    listed = read_manifest(EDITS)
    assert listed is not None
    for path in EDITS.glob("*.safetensors"):
        (tmp_path / path.name).symlink_to(path)
    assert write_manifest(tmp_path) == listed


@pytest.mark.parametrize("path", sorted(EDITS.glob("*.safetensors")), ids=lambda path: path.stem)
def test_every_shipped_edit_is_what_its_name_says(path: Path):
    name = EditName.parse(path.name)
    (edit,) = EditStore().find(name.model, name.method, [name.concept])
    assert edit.hash == Edit.load(path).hash


def test_a_typed_concept_never_gets_the_file_of_other_keywords(folder, networks):
    fitter = _Fitter(networks)
    store = EditStore([folder], fitter)
    _save(_edit(networks, "uce", "crawl_creep", 1.0, keywords=["crawl", "creep"]), folder)
    _save(_edit(networks, "uce", "spin_turn", 1.0), folder)  # of keywords that nobody noted
    _save(_edit(networks, "uce", "jump", 1.0, keywords=["walk"]), folder)
    store.find("momask", "uce", ["crawl, creep"])
    assert fitter.asked == []
    for text in ("crawl creep,", "spin, turn", "jump"):
        store.find("momask", "uce", [text])
        assert fitter.asked.pop() == ("momask", "uce", text)


def test_a_search_can_be_stopped_between_two_fits(folder, networks):
    fitter = _Fitter(networks)

    def go_on():
        if fitter.asked:
            raise PlacidError("cancelled", "enough")

    with pytest.raises(PlacidError, match="enough"):
        EditStore([folder], fitter).find("momask", "uce", ["crawl,", "creep,", "slide,"], go_on)
    assert len(fitter.asked) == 1


def test_folders_are_read_once_until_something_changes(networks, tmp_path, monkeypatch):
    _save(_edit(networks, "uce", "kick", 1.0), tmp_path)
    os.utime(tmp_path, (1e9, 1e9))
    looks = []
    glob = Path.glob
    monkeypatch.setattr(
        Path, "glob", lambda self, pattern: looks.append(self) or glob(self, pattern)
    )
    store = EditStore([tmp_path, tmp_path / "none"])
    for _ in range(3):
        assert [name.concept for name in store.files()] == ["kick"]
        store.default_method("momask", ["kick"])
    assert len(looks) == 2
    path = _save(_edit(networks, "uce", "punch", 1.0), tmp_path)
    assert {name.concept for name in store.files()} == {"kick", "punch"}
    # A folder that changed just now is looked into again: file systems tell times coarsely.
    path.unlink()
    assert [name.concept for name in store.files()] == ["kick"]
    (tmp_path / "none").mkdir()
    _save(_edit(networks, "uce", "crawl", 1.0), tmp_path / "none")
    assert {name.concept for name in store.files()} == {"kick", "crawl"}
