"""What errors advise on safety, typed to the letter, leads to the motion that was asked for."""

import re
import shlex

import numpy as np
import pytest
from command_line import run_backend
from official_files import write_release
from tiny_checkpoint import HashedWords, write_tiny_checkpoint

from backend.generation import generator as generator_module
from backend.generation import own_motions
from backend.generation.sampling import Sampling
from backend.text import encoders
from backend.text.encoding import CLIP
from backend.unlearning.defaults import defaults
from shared.motion.motion import load_motion
from shared.motion.safety import label_of
from shared.safety_choice import split_guard

_MOST = 4


class WideWords(HashedWords):
    """In CLIP's place: as wide, and called so."""

    name = CLIP
    width = 512

    def encode(self, prompts):
        narrow = super().encode(prompts)
        return np.tile(narrow, (1, self.width // narrow.shape[1]))


@pytest.fixture(params=["own", pytest.param("official", marks=pytest.mark.slow)])
def checkpoint(request, tmp_path, monkeypatch):
    words = HashedWords() if request.param == "own" else WideWords()
    for module in (generator_module, encoders):
        monkeypatch.setattr(module, "make_encoder", lambda *arguments: words)
    # What is counted is drawn in few batches and steps.
    monkeypatch.setattr(own_motions, "_BATCH", 100)
    monkeypatch.setattr(generator_module.Generator, "sampling", lambda *_: Sampling(steps=1))
    folder = tmp_path / "a checkpoint"
    return write_tiny_checkpoint(folder) if request.param == "own" else write_release(folder)


def follow(*arguments, depth=0):
    """Run a command; where it fails, what it advises and then the command again."""
    for _ in range(_MOST):
        code, output, errors = run_backend(*arguments)
        if code == 0:
            return output + errors
        assert depth < _MOST, errors
        advised = re.search(r"`backend (.+?)`", errors.replace("\n", " "))
        assert advised, errors
        follow(*shlex.split(advised[1]), depth=depth + 1)
    raise AssertionError(f"{arguments} still fails: {errors}")


def made(checkpoint, tmp_path, *options):
    """The label of a motion, and all that was said."""
    arguments = ["generate", "a person walks", "--seconds", "2", "--checkpoints", checkpoint]
    told = follow(*arguments, *options, "--out", tmp_path / "out")
    return label_of(load_motion(tmp_path / "out" / "a-person-walks-0.npz").provenance), told


def test_a_checkpoint_is_safe_from_its_first_motion_and_says_so(checkpoint, tmp_path):
    label, told = made(checkpoint, tmp_path)
    assert (label.safety, label.concepts) == ("uce", ("violence",))
    assert "momask-uce-violence was fitted to this checkpoint" in told
    kept = checkpoint / "edits" / "momask-uce-violence.safetensors"
    before = kept.read_bytes()
    # The rest of the default, by the command that was told, and never again.
    advised = re.search(r"`backend (.+?)`", told.replace("\n", " "))
    assert "is complete" in follow(*shlex.split(advised[1]))
    label, told = made(checkpoint, tmp_path)
    assert (label.safety, label.concepts) == (defaults().safety, ("violence",))
    assert "fitted" not in told
    assert kept.read_bytes() == before
    label, told = made(checkpoint, tmp_path, "--safety", "off")
    assert label.safety == "off"


def test_lcr_and_the_guard_come_by_what_errors_advise(checkpoint, tmp_path):
    follow("unlearn", "lcr", "--checkpoints", checkpoint)
    label, _ = made(checkpoint, tmp_path, "--safety", "lcr")
    assert (label.safety, label.concepts) == ("lcr", ("violence",))
    label, _ = made(checkpoint, tmp_path, "--safety", "lcr", "--token-guard")
    assert (label.safety, label.guarded) == ("lcr+token_guard", ("violence",))
    follow("unlearn", "lcr", "--concept", "hop, skip", "--checkpoints", checkpoint)
    own = ("--concept", "hop, skip", "--concept", "-violence", "--safety", "lcr")
    label, _ = made(checkpoint, tmp_path, *own)
    assert label.concepts == ("hop_skip",)
    label, _ = made(checkpoint, tmp_path, *own[:-1], "token_guard")
    assert label.guarded == ("hop_skip",)


def test_counts_name_the_codebook_that_was_used_and_are_compared(checkpoint, tmp_path):
    options = ("--checkpoints", checkpoint)
    code, _, errors = run_backend("unlearn", "agreement", *options)
    assert code == 0
    assert "unlearn statistics generated --concept violence" in errors
    follow("unlearn", "statistics", "generated", "--samples", "8", *options)
    file = checkpoint / "statistics" / "violence-generated.safetensors"
    before = file.read_bytes()
    code, _, errors = run_backend("unlearn", "statistics", "generated", *options)
    assert code == 1
    assert "say --replace" in errors
    assert file.read_bytes() == before
    found = own_motions.CodeStatistics.load(file)
    networks = generator_module.load_checkpoint(checkpoint).networks
    assert found.codebook_hash == own_motions.codebook_hash(networks)
    table = follow(
        "unlearn", "compare", "--method", "lcr", "--model", "momask", "--prompts", "1",
        "--suite", "validation", *options,
    )  # fmt: skip
    assert "| momask | lcr |" in table


def test_doctor_tells_how_safe_a_checkpoint_is(checkpoint):
    _, output, _ = run_backend("doctor", "--checkpoints", checkpoint)
    assert "safety of momask" in output
    assert "uce stands in" in output
    advised = re.search(r"`backend (unlearn default .+?)`", output.replace("\n", " "))
    follow(*shlex.split(advised[1]))
    _, output, _ = run_backend("doctor", "--checkpoints", checkpoint)
    assert f"{split_guard(defaults().safety)[0]}" in output
    assert "forgets violence by default" in output
