import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from backend.engines.torch_engine import editable
from backend.unlearning.application import apply_edit
from backend.unlearning.concept import Concept, find_concept
from backend.unlearning.errors import UnlearningError
from backend.unlearning.fit import FitInputs, fit_edit
from backend.unlearning.methods import rece, uce
from backend.unlearning.text_embeddings import TextEmbeddings, embed_concept

TEXT_DIM = 24
CONCEPT = Concept(
    "kick",
    ("kick",),
    forget_prompts=("a person kicks",),
    retain_prompts=("walk", "run"),
)


def encode(texts):
    rows = []
    for text in texts:
        rng = np.random.default_rng(sum(map(ord, text)))
        rows.append(rng.normal(size=TEXT_DIM).astype(np.float32))
    return np.stack(rows)


def test_embed_concept():
    published = embed_concept(CONCEPT, encode)
    assert np.array_equal(published.forget, encode(["kick"]))
    assert np.array_equal(published.target, encode([""]))
    assert np.array_equal(published.retain, encode(["walk", "run"]))
    wide = embed_concept(CONCEPT, encode, "prompts", "stand", ["sit"])
    assert np.array_equal(wide.forget, encode(["kick", "a person kicks"]))
    assert np.array_equal(wide.target, encode(["stand", "stand"]))
    assert wide.texts == {
        "forget": ["kick", "a person kicks"],
        "target": ["stand"],
        "retain": ["sit"],
    }


def test_embeddings_without_retain_prompts_can_be_used(networks):
    edit = uce.fit(
        editable(networks),
        CONCEPT,
        embed_concept(CONCEPT, encode, retain_prompts=[]),
        uce.UCEParameters(),
    )
    assert {patch.network for patch in edit.patches} == {"masked", "residual"}


def test_the_published_presets_are_the_authors_scripts(networks):
    keywords = {
        "published": ["kick", "punch", "hit", "beat", "boxe", "boxing", "jab", "uppercut", "hook"],
        "published-motion-x": [
            *("punch", "jab", "box", "hit", "beat", "kick", "taekwondo", "karate", "kungfu"),
            *("sword", "stab", "slash", "weapon", "gun", "shoot", "firearm"),
        ],
    }
    checkpoint = SimpleNamespace(
        models=lambda: ["momask"], model_networks=lambda model: editable(networks), encoder="tiny"
    )
    inputs = FitInputs(SimpleNamespace(name="tiny", encode=encode), ())
    for method in ("uce", "rece"):
        for preset, forget in keywords.items():
            concept = find_concept("violence")
            edit = fit_edit(checkpoint, inputs, concept, method, "momask", preset)
            texts = edit.provenance["texts"]
            assert texts["forget"] == forget
            assert texts["target"] == [""]
            assert len(texts["retain"]) == len(set(texts["retain"])) == 21
            assert all(" " not in word for word in texts["retain"])
            own = edit.parameters
            assert (own["lamb"], own["erase"], own["preserve"]) == (0.1, 0.1, 0.5)
            assert own["technique"] == "tensor"
            assert own["double_bias"] is True
    assert rece.PRESETS["published"].epochs == 1


def _outputs(network, texts):
    return network.cond_emb(torch.from_numpy(encode(texts))).detach()


def test_corrected_edit_maps_the_concept_to_the_target_and_keeps_the_rest(networks):
    embeddings = embed_concept(CONCEPT, encode)
    parameters = dataclasses.replace(
        uce.PRESETS["corrected"], technique="replace", lamb=1e-6, erase=1.0, preserve=1.0
    )
    before = {
        name: _outputs(networks[name], ["", "walk", "run"]) for name in ("masked", "residual")
    }
    with apply_edit(
        uce.fit(editable(networks), CONCEPT, embeddings, parameters), editable(networks)
    ):
        for name, outputs in before.items():
            after = _outputs(networks[name], ["kick", "walk", "run"])
            torch.testing.assert_close(after, outputs, rtol=1e-3, atol=1e-3)


def test_published_edit_adds_the_bias_twice(networks):
    embeddings = embed_concept(CONCEPT, encode)
    parameters = uce.UCEParameters("replace", 1e-6, 1.0, 1.0, precision="float64")
    before = _outputs(networks["masked"], ["", "walk", "run"])
    with apply_edit(
        uce.fit(editable(networks), CONCEPT, embeddings, parameters), editable(networks)
    ):
        after = _outputs(networks["masked"], ["kick", "walk", "run"])
    bias = networks["masked"].cond_emb.bias.detach()
    torch.testing.assert_close(after, before + bias, rtol=1e-3, atol=1e-3)


def test_rece_without_rounds_is_uce(networks):
    embeddings = embed_concept(CONCEPT, encode)
    for preset in ("published", "corrected"):
        once = uce.fit(editable(networks), CONCEPT, embeddings, uce.PRESETS[preset])
        none = dataclasses.replace(rece.PRESETS[preset], epochs=0)
        rounds = rece.fit(editable(networks), CONCEPT, embeddings, none)
        for first, second in zip(once.patches, rounds.patches, strict=True):
            assert (first.values == second.values).all()


def test_original_adversary_evokes_the_forgotten_output():
    rng = np.random.default_rng(5)
    original = rng.normal(size=(TEXT_DIM, TEXT_DIM))
    edited = original + 0.3 * rng.normal(size=(TEXT_DIM, TEXT_DIM))
    concepts = rng.normal(size=(3, TEXT_DIM))
    wanted = concepts @ original.T
    found = rece.adversarial_embeddings(concepts, [edited], [original], 1e-9)
    np.testing.assert_allclose(found @ edited.T, wanted, rtol=1e-4, atol=1e-5)
    published = rece.adversarial_embeddings(concepts, [edited], [edited], 1e-9)
    np.testing.assert_allclose(published, concepts, rtol=1e-4, atol=1e-5)


def test_bamm_is_edited_in_place_of_masked(networks):
    networks["bamm"] = networks.pop("masked")
    edit = rece.fit(
        editable(networks), CONCEPT, embed_concept(CONCEPT, encode), rece.RECEParameters()
    )
    assert {patch.network for patch in edit.patches} == {"bamm", "residual"}


def test_wrong_width_names_both(networks):
    narrow = TextEmbeddings(np.ones((1, 5)), np.ones((1, 5)), np.ones((0, 5)))
    with pytest.raises(UnlearningError, match=r"5 numbers .* reads 24"):
        uce.fit(editable(networks), CONCEPT, narrow, uce.UCEParameters())


def test_ill_fitting_embeddings_are_refused():
    one = np.ones((1, 5))
    for forget, target, retain in (
        (one, np.ones((2, 5)), one),
        (one, one, np.ones((1, 6))),
        (one[:0], one[:0], one),
    ):
        with pytest.raises(UnlearningError, match="do not fit together"):
            TextEmbeddings(forget, target, retain)


@pytest.mark.parametrize(
    ("module", "changes", "message"),
    [
        (uce, {"lamb": 0.0}, "lamb must be above 0"),
        (uce, {"preserve": -1.0}, "lamb must be above 0"),
        (rece, {"epochs": -1}, "epochs must be at least 0"),
        (rece, {"regulariser": 0.0}, "regulariser above 0"),
    ],
)
def test_unusable_parameters_are_refused(networks, module, changes, message):
    parameters = dataclasses.replace(module.PRESETS["published"], **changes)
    with pytest.raises(UnlearningError, match=message):
        module.fit(editable(networks), CONCEPT, embed_concept(CONCEPT, encode), parameters)


def test_no_text_projection_is_refused(networks):
    with pytest.raises(UnlearningError, match="no text projection"):
        uce.fit(
            editable({"rvq": networks["rvq"]}),
            CONCEPT,
            embed_concept(CONCEPT, encode),
            uce.UCEParameters(),
        )
