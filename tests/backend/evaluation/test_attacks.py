"""Attacks change what they say they change, and leave the model as it was."""

import importlib

import numpy as np
import pytest
from tiny_checkpoint import HashedWords, write_tiny_checkpoint

from backend.evaluation.attacks import ATTACKS, find_attack
from backend.evaluation.attacks.fine_tuning import Material, tune
from backend.evaluation.attacks.named_rows import predicted_rows
from backend.evaluation.attacks.precision import to_int8
from backend.evaluation.attacks.table import BEFORE, attack_rows, heading, line
from backend.evaluation.attacks.target import TOKENS, Target, attack_prompts
from backend.evaluation.judges import find_judge
from backend.generation.generator import Generator
from backend.unlearning.concept import builtin_concepts
from backend.unlearning.methods import lcr, uce
from backend.unlearning.text_embeddings import TextEmbeddings
from shared.errors import PlacidError

KICK = builtin_concepts()["kick"]
PROMPTS = ("a person kicks", "someone kicks a door", "a man kicks")
# What a rounding or a training step moves has to be told apart from the noise of an addition.
ABOVE = 1e-6


@pytest.fixture(scope="module")
def generator(tmp_path_factory):
    folder = write_tiny_checkpoint(tmp_path_factory.mktemp("tiny") / "checkpoint")
    module = importlib.import_module("backend.generation.generator")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "make_encoder", lambda *arguments: HashedWords())
        yield Generator(folder, "cpu", engine="torch")


@pytest.fixture(params=["momask", "bamm"])
def target(request, generator):
    """A model with a code and its text projections edited."""
    networks = generator.load().model_networks(request.param)
    encode = HashedWords().encode
    texts = TextEmbeddings(encode(["kick"]), encode(["walk"]), encode(["run", "sit"]))
    edits = (
        lcr.fit_codes(networks, "kick", [[3, 5, 7]], lcr.LCRParameters()),
        uce.fit(networks, KICK, texts, uce.PRESETS["corrected"]),
    )
    return Target(generator, request.param, edits, KICK, PROMPTS)


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_makes_motions_and_leaves_the_base_as_it_was(name, target, monkeypatch):
    for module, few in (("relearning", ((2, 1),)), ("benign_tuning", (1,))):
        path = importlib.import_module(f"backend.evaluation.attacks.{module}")
        monkeypatch.setattr(path, "_CURVE" if module == "relearning" else "_STEPS", few)
    before = _state(target)
    trials = list(find_attack(name).run(target))
    target.revert()
    assert trials
    assert len({trial.setting for trial in trials}) == len(trials)
    for trial in trials:
        assert len(trial.motions) == len(PROMPTS)
        assert all(np.isfinite(joints).all() for joints in trial.motions)
    after = _state(target)
    assert all(np.array_equal(after[place], values) for place, values in before.items())


def test_the_middle_of_a_context_is_made_anew_and_the_rest_kept(target):
    target.revert()
    ids = target.sample(target.vectors(PROMPTS))
    editable = np.zeros(TOKENS, bool)
    editable[8:18] = True
    filled = target.fill(target.vectors(["walk"] * 3), ids, editable)
    assert np.array_equal(filled[:, ~editable], ids[:, ~editable])
    assert not np.array_equal(filled[:, editable], ids[:, editable])


def test_training_moves_the_networks_that_the_edit_touches_and_no_others(target):
    before = _state(target)
    changes = tune(target, Material(target, PROMPTS), 2)
    base = "masked" if target.model == "momask" else "bamm"
    assert {network for network, _ in changes} == {"rvq", "residual", base}
    target.apply()
    live = {place: target.networks[place[0]].read(place[1]) for place in changes}
    moved = {place[0] for place in changes if np.abs(changes[place] - live[place]).max() > ABOVE}
    assert moved == {"rvq", "residual", base}
    target.revert()
    assert all(np.array_equal(_state(target)[place], values) for place, values in before.items())


def test_named_rows_come_back_where_the_table_tells_of_them():
    rng = np.random.default_rng(0)
    table = rng.normal(size=(60, 4))
    codebook = table @ rng.normal(size=(4, 6)) + 2
    rows = np.array([0, 9, 30])
    found = predicted_rows(table, codebook, rows)
    away = np.linalg.norm(codebook[rows] - codebook.mean(axis=0), axis=1)
    assert (np.linalg.norm(found - codebook[rows], axis=1) < 0.3 * away).all()


def test_eight_bits_keep_a_row_to_half_a_level():
    values = np.array([[1.0, -0.5, 0.126], [254.0, 1.0, 0.0]], np.float32)
    np.testing.assert_allclose(to_int8(values)[0], [1.0, -0.5, 0.126], atol=0.5 / 127)
    assert to_int8(values)[1, [0, 2]].tolist() == [254.0, 0.0]


def test_the_table_has_the_prompts_first_and_an_interval_for_each_judge(target):
    judges = [find_judge("checks")]
    rows = list(attack_rows(target, [find_attack("precision")], judges))
    assert [row.attack for row in rows] == [BEFORE, "precision", "precision", "precision"]
    columns = heading(judges)[0].count("|")
    assert all(line("momask", "lcr", row).count("|") == columns for row in rows)
    assert f"of {len(PROMPTS)}," in line("momask", "lcr", rows[0])


def test_prompts_of_a_concept_are_those_of_its_class_or_its_words():
    concepts = builtin_concepts()
    assert len(attack_prompts(concepts["violence"])) >= 60
    assert all("kick" in prompt for prompt in attack_prompts(KICK))
    assert len(attack_prompts(concepts["violence"], 7)) == 7
    assert attack_prompts(concepts["crawl"]) == concepts["crawl"].implicit_prompts


def test_an_unknown_attack_is_answered_with_the_nearest():
    with pytest.raises(PlacidError, match="did you mean 'relearning'"):
        find_attack("relearn")


def _state(target):
    return {
        (name, key): network.read(key)
        for name, network in target.networks.items()
        for key in list(network.keys())
    }
