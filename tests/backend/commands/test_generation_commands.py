"""`backend generate`, `edit` and `timeline` on small random networks: files and sentences."""

import os
import re
import subprocess
import sys
from dataclasses import replace

import pytest
from tiny_checkpoint import HashedWords, write_tiny_checkpoint

from backend import cli
from backend.commands.path_file import read_path
from backend.datasets.actions import Action
from backend.generation import generator
from backend.text.known_actions import KNOWN_FILE, Calibration
from backend.training.knowledge import gather
from shared.motion.motion import load_motion
from shared.names import file_name


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    folder = write_tiny_checkpoint(tmp_path / "checkpoint")
    monkeypatch.setattr(generator, "make_encoder", lambda *arguments: HashedWords())

    def call(*arguments):
        options = ("--checkpoints", str(folder), "--safety", "off", "-o", str(tmp_path))
        monkeypatch.setattr(sys, "argv", ["backend", *arguments, *options])
        with pytest.raises(SystemExit) as end:
            cli.main()
        told = capsys.readouterr()
        return end.value.code, told.out + told.err

    return call


def test_prompts_of_a_file_a_timeline_and_an_edit_become_files(run, tmp_path):
    prompts = tmp_path / "prompts.txt"
    prompts.write_text("a person walks\n\na person bows\n")
    assert run("generate", "--prompts", str(prompts), "--seconds", "2")[0] == 0
    assert len(load_motion(tmp_path / "a-person-bows-0.npz")) == 40
    assert run("timeline", "walks:2", "waves: 1.5", "--seed", "3")[0] == 0
    assert len(load_motion(tmp_path / f"{file_name('walks, then waves')}-3.npz")) == 72
    source = tmp_path / "a-person-walks-0.npz"
    assert run("edit", str(source), "--frames", "20:", "--prompt", "jumps")[0] == 0
    edited, original = load_motion(tmp_path / "jumps-a-person-walks-0-0.npz"), load_motion(source)
    assert (edited.joints[:20] == original.joints[:20]).all()
    code, text = run("edit", str(source), "--frames", "30:41", "--prompt", "jumps")
    assert code == 1
    assert "30:41 reaches beyond the motion, which has 40 frames" in text


def test_prompts_that_are_alike_for_sixty_letters_become_two_files(run, tmp_path):
    shared = "a person walks forward slowly and then turns around to look at "
    prompts = tmp_path / "prompts.txt"
    texts = [shared + "the door", shared + "the window", "он машет", "она машет", "он, машет"]
    prompts.write_text("\n".join(texts), encoding="utf-8")
    assert run("generate", "--prompts", str(prompts), "--seconds", "2")[0] == 0
    made = {load_motion(path).prompt for path in tmp_path.glob("*.npz")}
    assert made == set(texts)


def test_a_prompt_that_the_model_does_not_know_is_told_once_and_made(run, tmp_path):
    encoder = HashedWords()
    known = gather([Action("walk_forward")], encoder.name, encoder.encode)
    calibration = Calibration(-1.0, 0.0, 0.0)
    replace(known, calibration=calibration).save(tmp_path / "checkpoint" / KNOWN_FILE)
    code, text = run("generate", "a golfer putts", "--seconds", "2", "--takes", "2")
    assert code == 0
    assert text.count("'a golfer putts': Placid does not know ") == 1
    assert len(list(tmp_path.glob("a-golfer-putts-*.npz"))) == 2


def test_the_audit_is_in_the_file(run, tmp_path):
    assert run("generate", "a person bows", "--seconds", "2")[0] == 0
    audit = load_motion(tmp_path / "a-person-bows-0.npz").audit
    assert audit is not None
    assert audit.answer in ("none", "found")


def test_lists_of_prompts_that_are_none_end_in_a_sentence(run, tmp_path):
    listed = tmp_path / "prompts.txt"
    for content, said in (
        (b"\xff\xfe\xff", "is not UTF-8 text"),
        (b"a person\0walks", "is not UTF-8 text"),
        (b"\n \n", "holds no prompt"),
        (b"a" * 9_000_000, "larger than 8 MB"),
    ):
        listed.write_bytes(content)
        code, text = run("generate", "--prompts", str(listed))
        assert code == 1
        assert said in text
        assert text.count("\n") == 1
    code, text = run("generate", "--prompts", str(tmp_path))
    assert code == 1
    assert "is a folder" in text


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        (("generate",), "name either a prompt or"),
        (("generate", ""), "the prompt is empty"),
        (("generate", "a person w\udce4lks"), "bytes that are no characters"),
        (("generate", "a\x1b[2J"), "control characters"),
        (("generate", "a", "--seed", "9" * 400), "seed is far too large"),
        (("timeline", "walks"), "'walks' is no prompt with its seconds"),
        (("edit", "none.npz", "--frames", "a", "--prompt", "x"), "none.npz does not exist"),
    ],
)
def test_bad_input_ends_in_a_sentence(run, arguments, names):
    code, text = run(*arguments)
    assert code == 1
    assert names in text


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((), "forgets violence"),
        (("--concept", "flower,"), "forgets violence and flower"),
        (
            ("--concept", "kick"),
            "forgets kick; other violence (guns, martial_arts, punch, weapons) is free",
        ),
        (("--concept", "flower,", "--concept", "-violence"), "forgets flower; violence is free"),
        (("--strength", "0"), "safety off, violence is free"),
        (("--safety", "off"), "safety off, violence is free"),
    ],
)
def test_the_line_of_a_result_says_what_is_forgotten_and_what_is_free(
    tmp_path, monkeypatch, capsys, words, told
):
    folder = write_tiny_checkpoint(tmp_path / "checkpoint")
    monkeypatch.setattr(generator, "make_encoder", lambda *arguments: HashedWords())
    options = ("--checkpoints", str(folder), "--seconds", "2", "-o", str(tmp_path))
    monkeypatch.setattr(sys, "argv", ["backend", "generate", "a person walks", *options, *words])
    with pytest.raises(SystemExit) as end:
        cli.main()
    assert end.value.code == 0
    lines = capsys.readouterr().out.splitlines()
    [line] = [line for line in lines if "strikes found" in line]
    assert told in line
    assert lines[0] == told


@pytest.mark.skipif(os.name == "nt", reason="Windows has one encoding of arguments")
def test_a_prompt_in_a_locale_without_utf8_is_the_one_that_was_typed(tmp_path):
    code = (
        "import sys; from backend.commands.generation_options import as_typed; "
        "sys.stdout.buffer.write(as_typed(sys.argv[1]).encode('utf-8', 'surrogateescape'))"
    )
    variables = {
        **os.environ,
        "LC_ALL": "C",
        "PYTHONUTF8": "0",
        "PYTHONCOERCECLOCALE": "0",
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    for typed in ("a person wälks, 走".encode(), b"a person w\xe4lks"):
        command = [sys.executable, "-c", code, typed]
        said = subprocess.run(command, env=variables, capture_output=True, check=True, timeout=60)
        assert said.stdout == typed


def test_sampling_options_reach_the_request_and_the_old_name_is_told(run, tmp_path):
    code, text = run("generate", "a person bows", "--seconds", "2", "--top-k", "0.5")
    assert code == 1
    assert "--top-k is a share, not a count: write --dropped-share 0.5" in text
    assert not list(tmp_path.glob("*.npz"))
    joints = []
    for share in ("0", "0.99"):
        assert run("generate", "a person bows", "--seconds", "2", "--dropped-share", share)[0] == 0
        joints.append(load_motion(tmp_path / "a-person-bows-0.npz").joints)
    assert (joints[0] != joints[1]).any()


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("0,0\n0;x\n", r"line 2 of .* is '0;x'; write x and z in metres"),
        ("# a point\n0, 0\n", "the path has 1 points; give it 2 to 4000"),
        ("0,0\n0,2,3\n0,4,2\n", "a waypoint has the time 2 s; the times have to rise"),
    ],
)
def test_a_file_that_is_no_path_is_refused_with_its_line(run, tmp_path, text, names):
    way = tmp_path / "way.txt"
    way.write_text(text)
    code, told = run("generate", "a person walks", "--path", str(way))
    assert code == 1
    assert re.search(names, " ".join(told.split()))


def test_points_times_and_target_of_a_path_file_are_read(tmp_path):
    way = tmp_path / "way.txt"
    way.write_text("# from the door\n0, 0\n0.5, 2, 4.5\n\n1,3\n")
    path = read_path(way, "2,-5")
    assert path.points == ((0.0, 0.0), (0.5, 2.0), (1.0, 3.0))
    assert path.times == (None, 4.5, None)
    assert path.face == (2.0, -5.0)
