"""The store of edits: files, fits on request, and the one set that is applied."""

import pytest
import torch
from torch import nn

from backend.unlearning.edit import build_edit
from backend.unlearning.edit_store import EditStore, edit_file
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


def _edit(networks, method, concept, value):
    if method == "lcr":
        change = ("rvq", CODEBOOK, torch.tensor([1]), torch.full((1, 2), value))
    else:
        change = ("masked", "cond_emb.weight", None, torch.full((3, 4), value))
    return build_edit(method, concept, {}, networks, [change])


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
        edit = _edit(networks, method, concept, 1.0)
        edit.save(tmp_path / edit_file("momask", method, concept))
    return tmp_path


def test_what_is_there_without_fits(folder):
    store = EditStore([folder])
    assert [choice.name for choice in store.methods()] == ["lcr", "lcr+uce", "uce", "off"]
    assert [choice.name for choice in store.concepts()] == ["violence", "kick"]
    assert store.typed_methods() == ()
    assert store.default_method() == "lcr"
    assert store.find("momask", "off", ["violence"]) == []
    with pytest.raises(PlacidError, match=r"no lcr edit of momask for 'kick' \(there is: uce"):
        store.find("momask", "lcr", ["kick"])
    assert EditStore([folder / "nothing"]).default_method() == "off"


def test_joined_methods_give_their_edits_in_order(folder):
    store = EditStore([folder])
    found = store.find("momask", "lcr+uce", ["violence"])
    assert [edit.method for edit in found] == ["lcr", "uce"]
    found = store.find("momask", "uce", ["kick", "violence"])
    assert [edit.concept for edit in found] == ["kick", "violence"]


def test_a_typed_concept_is_fitted_once_against_the_untouched_base(folder, networks):
    fitter = _Fitter(networks)
    store = EditStore([folder], fitter)
    base = networks["masked"].cond_emb.weight.detach().clone()
    store.activate(networks, store.find("momask", "uce", ["violence"]), 1.0)
    assert not torch.equal(networks["masked"].cond_emb.weight, base)
    first = store.find("momask", "uce", ["crawl, creep"])
    assert store.find("momask", "uce", ["crawl, creep"]) == first
    assert fitter.asked == [("momask", "uce", "crawl, creep")]
    assert torch.equal(fitter.weights[0], base)
    store.activate(networks, first, 2.0)
    torch.testing.assert_close(networks["masked"].cond_emb.weight, base + 2 * (3.0 - base))
    store.activate(networks, [], 1.0)
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


def test_a_default_that_needs_counts_gives_way_for_a_typed_concept(folder, networks, monkeypatch):
    monkeypatch.setattr("backend.unlearning.edit_store.DEFAULT_METHOD", "lcr")
    store = EditStore([folder], _Fitter(networks))
    assert store.default_method(["violence"]) == "lcr"
    assert store.default_method(["crawl, creep"]) == "uce"


def test_a_later_folder_and_a_newer_file_count(folder, networks, tmp_path):
    own = tmp_path / "own"
    store = EditStore([folder, own])
    (shipped,) = store.find("momask", "uce", ["kick"])
    assert (shipped.patches[0].values == 1.0).all()
    path = own / edit_file("momask", "uce", "kick")
    _edit(networks, "uce", "kick", 7.0).save(path)
    (found,) = store.find("momask", "uce", ["kick"])
    assert (found.patches[0].values == 7.0).all()
    path.write_bytes(b"damaged")
    with pytest.raises(PlacidError, match="damaged") as refused:
        store.find("momask", "uce", ["kick"])
    assert refused.value.code == "damaged_edit"


def test_an_edit_of_other_weights_is_refused(folder, networks):
    store = EditStore([folder])
    with torch.no_grad():
        networks["masked"].cond_emb.weight += 1
    with pytest.raises(PlacidError, match="another base") as refused:
        store.activate(networks, store.find("momask", "uce", ["kick"]), 1.0)
    assert refused.value.code == "foreign_edit"
