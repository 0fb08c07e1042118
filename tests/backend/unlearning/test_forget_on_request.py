"""Forgetting on the embedded checkpoint: from the command line, and a typed concept on request."""

import time

import numpy as np
import pytest
from typer.testing import CliRunner

from backend.cli import app
from backend.generation.generator import Generator
from backend.training.code_statistics import count_generated
from backend.unlearning.concept import find_concept
from backend.unlearning.edit import Edit
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


def test_a_fit_on_request_takes_less_than_two_seconds(generator):
    generator.encoder.encode(["the library is imported by now"])
    for method in ("uce", "rece"):
        began = time.process_time()
        generator.edits.find("momask", method, [f"wiggle {method}, squirm"])
        assert time.process_time() - began < 2.0


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
    counted = count_generated(generator, find_concept("kick"), "momask", 4)
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


def test_lcr_from_generated_counts_joined_with_uce(own_folder, generator):
    counted = count_generated(generator, find_concept("kick"), "momask", 4)
    counted.save(own_folder / "statistics" / "kick-generated.safetensors")
    words = ("--concept", "kick", "--preset", "data-free", "--set", "k=4")
    done = _run("unlearn", "lcr+uce", *words)
    assert done.exit_code == 0, done.output
    edit = Edit.load(own_folder / "edits" / "momask-lcr+uce-kick.safetensors")
    assert {patch.network for patch in edit.patches} == {"rvq", "masked", "residual"}
    parts = edit.provenance["parts"]
    assert 4 <= len(parts[0]["provenance"]["removed_codes"][0]) <= 8


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("lrc",), "did you mean 'lcr'"),
        (("uce", "--concept", "kikc"), "did you mean 'kick'"),
        (("uce", "--model", "momak"), "did you mean 'momask'"),
        (("uce", "--preset", "embeded"), "did you mean 'embedded'"),
        (("uce", "--set", "lam=1"), "did you mean 'lamb'"),
        (("lcr", "--concept", "throw, toss"), "statistics motions --concept 'throw, toss,'"),
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
