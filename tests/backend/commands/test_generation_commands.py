"""`backend generate`, `edit` and `timeline` on small random networks: files and sentences."""

import sys

import pytest
from tiny_checkpoint import HashedWords, write_tiny_checkpoint

from backend import cli
from backend.generation import generator
from shared.motion.motion import load_motion


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    folder = write_tiny_checkpoint(tmp_path / "checkpoint")
    monkeypatch.setattr(generator, "make_encoder", lambda *arguments: HashedWords())

    def call(*arguments):
        options = ("--checkpoints", str(folder), "--safety", "off", "-o", str(tmp_path))
        monkeypatch.setattr(sys, "argv", ["backend", *arguments, *options])
        with pytest.raises(SystemExit) as end:
            cli.main()
        return end.value.code, capsys.readouterr().err

    return call


def test_prompts_of_a_file_a_timeline_and_an_edit_become_files(run, tmp_path):
    prompts = tmp_path / "prompts.txt"
    prompts.write_text("a person walks\n\na person bows\n")
    assert run("generate", "--prompts", str(prompts), "--seconds", "2")[0] == 0
    assert len(load_motion(tmp_path / "a-person-bows-0.npz")) == 40
    assert run("timeline", "walks:2", "waves: 1.5", "--seed", "3")[0] == 0
    assert len(load_motion(tmp_path / "walks-then-waves-3.npz")) == 72
    source = tmp_path / "a-person-walks-0.npz"
    assert run("edit", str(source), "--frames", "20:", "--prompt", "jumps")[0] == 0
    edited, original = load_motion(tmp_path / "jumps-a-person-walks-0-0.npz"), load_motion(source)
    assert (edited.joints[:20] == original.joints[:20]).all()
    code, text = run("edit", str(source), "--frames", "30:41", "--prompt", "jumps")
    assert code == 1
    assert "30:41 reaches beyond the motion, which has 40 frames" in text


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        (("generate",), "name either a prompt or"),
        (("generate", ""), "the prompt is empty"),
        (("timeline", "walks"), "'walks' is no prompt with its seconds"),
        (("edit", "none.npz", "--frames", "a", "--prompt", "x"), "none.npz does not exist"),
    ],
)
def test_bad_input_ends_in_a_sentence(run, arguments, names):
    code, text = run(*arguments)
    assert code == 1
    assert names in text
