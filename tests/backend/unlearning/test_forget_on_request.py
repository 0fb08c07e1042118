"""Forgetting on the embedded checkpoint: from the command line, and a typed concept on request."""

import numpy as np
import pytest
from typer.testing import CliRunner

from backend.checkpoints.loading import EMBEDDED
from backend.cli import app
from backend.generation.generator import Generator
from backend.generation.own_motions import count_generated, finish
from backend.training.tokens import TokenSet
from backend.unlearning.concept import find_concept
from backend.unlearning.edit import Edit
from backend.unlearning.edit_store import EDITS, EditStore, edit_folders
from backend.unlearning.statistics import CodeStatistics, codebook_hash
from shared.errors import PlacidError
from shared.protocol.messages import Generate
from shared.protocol.validation import validate

REQUEST = Generate("a person crawls forward", 1.2, seed=3, safety="uce", concepts=("crawl, creep",))


@pytest.fixture(autouse=True)
def own_folder(monkeypatch, tmp_path):
    """The user's data folder, where edits and statistics go."""
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    return tmp_path / "placid"


@pytest.fixture(scope="module", params=["torch", "numpy"])
def generator(request):
    return Generator(device="cpu", engine=request.param)


def _joints(generator, request):
    return next(generator.generate(request)).joints


def test_a_typed_concept_is_forgotten_and_comes_back(generator):
    rvq_and_text = generator.load().networks
    masked = rvq_and_text["masked"]
    base = masked.read("cond_emb.weight")
    off = Generate(REQUEST.prompt, 1.2, seed=3, safety="off")
    before = _joints(generator, off)
    forgotten = _joints(generator, REQUEST)
    assert not np.array_equal(masked.read("cond_emb.weight"), base)
    assert not np.array_equal(before, forgotten)
    assert np.array_equal(_joints(generator, off), before)
    assert np.array_equal(masked.read("cond_emb.weight"), base)


def test_capabilities_say_which_methods_take_typed_concepts(generator):
    offered = generator.capabilities()
    assert offered.typed_concepts == ("rece", "uce")
    validate(REQUEST, offered)
    typed = Generate("walk", 2.0, safety="lcr", concepts=("crawl, creep",))
    with pytest.raises(PlacidError, match="choose rece or uce"):
        validate(typed, offered)
    with pytest.raises(PlacidError, match="there is no concept 'crawls'"):
        validate(Generate("walk", 2.0, safety="uce", concepts=("crawls",)), offered)
    validate(Generate("walk", 2.0, safety="uce", concepts=("wiggle",)), offered)
    with pytest.raises(PlacidError, match="501 characters"):
        validate(Generate("walk", 2.0, safety="uce", concepts=("," * 501,)), offered)


def test_codes_of_generated_motions(generator):
    counted = finish(count_generated(generator, find_concept("kick"), "momask", 4))
    assert (counted.forget_samples, counted.retain_samples) == (2, 2)
    assert not counted.count_padding
    assert 0 < int(counted.forget.sum()) <= 2 * 20 * 6
    assert int(counted.forget.max()) <= 2


def _run(*words):
    return CliRunner().invoke(app, list(words))


def test_unlearn_on_the_command_line(own_folder, tmp_path):
    dry = _run("unlearn", "uce", "--concept", "crawl, creep", "--dry-run")
    assert dry.exit_code == 0, dry.output
    assert "masked:cond_emb.weight" in dry.output
    assert not own_folder.exists()
    done = _run("unlearn", "uce", "--concept", "crawl, creep", "--model", "momask")
    assert done.exit_code == 0, done.output
    path = own_folder / "edits" / "momask-uce-crawl_creep.safetensors"
    assert str(path) in done.output.replace("\n", "")
    edit = Edit.load(path)
    assert "a person crawls" in edit.provenance["texts"]["forget"]
    shown = _run("edits", "show", "momask-uce-crawl_creep")
    assert "uce of 'crawl_creep'" in shown.output
    assert "it fits the checkpoint" in shown.output
    assert "crawl_creep" in _run("edits", "list").output


def test_what_is_written_is_what_is_fitted_on_request(own_folder, generator):
    (fitted,) = generator.edits.find("momask", "uce", ["crawl, creep"])
    done = _run("unlearn", "uce", "--concept", "crawl, creep")
    assert done.exit_code == 0, done.output
    written = Edit.load(own_folder / "edits" / "momask-uce-crawl_creep.safetensors")
    # Sums may be taken in another order in another run, so the last bits are free.
    for one, other in zip(written.patches, fitted.patches, strict=True):
        assert (one.network, one.key) == (other.network, other.key)
        np.testing.assert_allclose(one.values, other.values, atol=1e-4)
    assert written.parameters == fitted.parameters
    assert written.provenance["presets"] == fitted.provenance["presets"] == ["embedded"]
    assert written.provenance["keywords"] == ["crawl", "creep"]
    # The file is found for these keywords, and for no others of that name.
    store = EditStore(edit_folders(EMBEDDED))
    assert store.find("momask", "uce", ["crawl, creep"])[0].hash == written.hash
    with pytest.raises(PlacidError, match="no uce edit of momask for 'crawl creep,'"):
        store.find("momask", "uce", ["crawl creep,"])


def test_fitting_again_never_overwrites_silently(own_folder):
    words = ("unlearn", "uce", "--concept", "crawl, creep")
    path = own_folder / "edits" / "momask-uce-crawl_creep.safetensors"
    assert _run(*words).exit_code == 0
    before = path.read_bytes()
    again = _run(*words, "--set", "lamb=1")
    assert again.exit_code != 0
    assert "say --replace" in str(again.exception)
    assert path.read_bytes() == before
    assert _run(*words, "--set", "lamb=1", "--as", "crawl_less").exit_code == 0
    other = Edit.load(path.with_name("momask-uce-crawl_less.safetensors"))
    assert (other.concept, other.parameters["lamb"]) == ("crawl_less", 1.0)
    assert _run(*words, "--set", "lamb=1", "--replace").exit_code == 0
    assert Edit.load(path).parameters["lamb"] == 1.0
    assert path.read_bytes() != before


@pytest.mark.parametrize("more", [(), ("--replace",)])
def test_an_edit_that_ships_is_never_replaced(own_folder, more):
    refused = _run("unlearn", "uce", "--concept", "violence", *more)
    assert "momask-uce-violence.safetensors has that name and always comes first" in str(
        refused.exception
    )
    assert not own_folder.exists()


def test_names_of_edits_stay_in_their_folder(own_folder):
    for name in ("../../x", "a/b", "a\\b", "x.y", "Kick", ""):
        refused = _run("unlearn", "uce", "--concept", "crawl, creep", "--as", name)
        assert "cannot be part of a file's name" in str(refused.exception)
    assert not own_folder.exists()


def test_an_edit_of_the_user_in_a_shipped_ones_place_is_told(own_folder):
    path = own_folder / "edits" / "momask-lcr-violence.safetensors"
    path.parent.mkdir(parents=True)
    path.write_bytes((EDITS / path.name).read_bytes())
    listed = _run("edits", "list").output.replace("\n", "")
    assert f"{path} is not used" in listed


def test_lcr_from_generated_counts_joined_with_uce(own_folder, generator):
    counted = finish(count_generated(generator, find_concept("kick"), "momask", 4))
    counted.save(own_folder / "statistics" / "kick-generated.safetensors")
    words = ("--concept", "kick", "--preset", "data-free", "--set", "k=4")
    done = _run("unlearn", "lcr+uce", *words)
    assert done.exit_code == 0, done.output
    edit = Edit.load(own_folder / "edits" / "momask-lcr+uce-kick.safetensors")
    assert {patch.network for patch in edit.patches} == {"rvq", "masked", "residual"}
    parts = edit.provenance["parts"]
    assert 4 <= len(parts[0]["provenance"]["removed_codes"][0]) <= 8
    assert [part["parameters"]["k"] for part in edit.parameters["parts"][:1]] == [4]
    # The file of that name is the one that is used, and results name it.
    generator.edits.revert()
    store = EditStore(edit_folders(EMBEDDED))
    (found,) = store.find("momask", "lcr+uce", ["kick"])
    assert found.hash == edit.hash
    (effect,) = store.activate(generator.load().networks, [found], 1.0)
    assert effect.share == pytest.approx(1.0)
    store.revert()


def test_counts_of_another_concept_or_other_keywords_are_refused(own_folder, generator):
    counted = finish(count_generated(generator, find_concept("hop, skip"), "momask", 4))
    path = own_folder / "statistics" / "hop_skip-generated.safetensors"
    counted.save(path)
    words = ("--preset", "data-free", "--set", "k=4", "--dry-run")
    assert _run("unlearn", "lcr", "--concept", "hop, skip", *words).exit_code == 0
    for concept in ("hop skip,", "kick"):
        named = ("--statistics", str(path))
        refused = _run("unlearn", "lcr", "--concept", concept, *words, *named)
        assert "counts 'hop_skip' (hop, skip), not" in str(refused.exception)


def _foreign_run(folder, codebook):
    """Tokens that another RVQ-VAE made."""
    ids = np.random.default_rng(0).integers(0, 512, (8, 49, 6)).astype(np.int16)
    texts = ["a person walks", "a person kicks"]
    tokens = TokenSet(
        ids,
        np.full(8, 40),
        np.array([[0], [1]] * 4),
        np.zeros((2, 384), np.float16),
        texts,
        [["walk"], ["kick"]] * 4,
        np.ones(8, bool),
        codebook,
    )
    for split in ("train", "val"):
        tokens.save(folder, split)
    return folder


@pytest.mark.parametrize("codebook", ["", "0" * 32])
def test_counts_and_trainings_of_another_models_tokens_are_refused(own_folder, tmp_path, codebook):
    run = str(_foreign_run(tmp_path / "run", codebook))
    counted = _run("unlearn", "statistics", "motions", "--run", run, "--concept", "walk,")
    trained = _run("unlearn", "finetune", "--concept", "kick", "--run", run)
    for refused in (counted, trained):
        assert refused.exit_code != 0
        assert "were made with codebooks" in str(refused.exception)
    assert not own_folder.exists()


def test_counts_of_the_models_own_tokens_are_taken_and_never_overwritten(
    own_folder, tmp_path, generator
):
    own = codebook_hash({"rvq": generator.load().networks["rvq"]})
    run = str(_foreign_run(tmp_path / "run", own))
    words = ("unlearn", "statistics", "motions", "--run", run, "--concept")
    assert _run(*words, "walk,").exit_code == 0
    path = own_folder / "statistics" / "walk-motions.safetensors"
    assert CodeStatistics.load(path).codebook_hash == own
    assert "say --replace" in str(_run(*words, "walk,").exception)
    # Counts that ship are not replaced either.
    assert "always comes first" in str(_run(*words, "kick").exception)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("lrc",), "did you mean 'lcr'"),
        (("uce", "--concept", "kikc"), "did you mean 'kick'"),
        (("uce", "--model", "momak"), "did you mean 'momask'"),
        (("uce", "--preset", "embeded"), "did you mean 'embedded'"),
        (("uce", "--set", "lam=1"), "did you mean 'lamb'"),
        (("lcr", "--concept", "throw, toss"), "statistics generated --concept 'throw, toss,'"),
        (("finetune",), "--run"),
        (("uce+uce",), "names a method twice"),
        (("statistics", "padded"), "--prepared"),
        (("statistics", "paded"), "did you mean 'padded'"),
    ],
)
def test_what_cannot_be_fitted_is_said_in_a_sentence(words, message):
    result = _run("unlearn", *words)
    assert result.exit_code != 0
    assert message in f"{result.output}{result.exception}"
