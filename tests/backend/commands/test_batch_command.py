"""`backend batch` as a real process that is killed in the middle and started again."""

import json
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from unittest import mock

import pytest
from command_line import run_backend
from walking_backend import WalkingGenerator

from backend.generation import generator
from shared.batch.journal import JOURNAL
from shared.motion.motion import load_motion

PROGRAM = Path(__file__).parents[1] / "filming" / "batch_program.py"
CHECKOUT = Path(__file__).parents[3]


def _table(folder: Path, prompts: int) -> Path:
    lines = [f'"a person walks, kind {number}",1,1,{number}' for number in range(prompts)]
    path = folder / "table.csv"
    path.write_text("\n".join(["prompt,seconds,takes,seed", *lines]) + "\n")
    return path


def _start(table: Path, *options: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(PROGRAM), "batch", str(table), *options],
        cwd=CHECKOUT,
        env={"PYTHONPATH": str(CHECKOUT), "PATH": ""},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _run(table: Path, *options: str) -> tuple[int, str, str]:
    with mock.patch.object(generator, "Generator", return_value=WalkingGenerator()):
        return run_backend("batch", table, *options)


def _entries(folder: Path) -> list[str]:
    """Keys of the whole lines of the journal."""
    try:
        lines = (folder / JOURNAL).read_text().split("\n")[:-1]
    except FileNotFoundError:
        return []
    return [json.loads(line)["key"] for line in lines]


def _kill_when(process: subprocess.Popen[str], folder: Path, enough: int) -> None:
    while len(_entries(folder)) < enough:
        assert process.poll() is None, process.communicate()
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL


def _survives_kills(folder: Path, prompts: int, kill_at: list[int]) -> None:
    table, out = _table(folder, prompts), folder / "out"
    written: dict[Path, int] = {}
    for enough in kill_at:
        process = _start(table, "--out", str(out))
        _kill_when(process, out, enough)
        done = [out / f"{key.removeprefix('motion ')}.npz" for key in _entries(out)]
        written |= {path: path.stat().st_mtime_ns for path in done if path not in written}
    assert kill_at[-1] <= len(written) < prompts, "killed in the middle"
    code, output, errors = _run(table, "--out", str(out))
    assert code == 0, errors
    assert f"{len(written)} of {prompts} results are there already" in output
    keys = Counter(_entries(out))
    assert set(keys.values()) == {1}
    assert len(keys) == prompts
    motions = sorted(out.glob("*.npz"))
    assert len(motions) == prompts
    assert {load_motion(path).seed for path in motions} == set(range(prompts))
    assert {path.stem for path in out.glob("*.bvh")} == {path.stem for path in motions}
    for path, when in written.items():
        assert path.stat().st_mtime_ns == when, "what was done was not made again"
    assert not list(out.rglob("*.partial"))


def test_a_killed_batch_goes_on_and_makes_each_prompt_once(tmp_path: Path) -> None:
    _survives_kills(tmp_path, prompts=40, kill_at=[9, 23])


@pytest.mark.slow
def test_two_hundred_prompts_survive_kills(tmp_path: Path) -> None:
    _survives_kills(tmp_path, prompts=200, kill_at=[30, 97, 150])


def test_a_bad_table_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    table = tmp_path / "table.csv"
    table.write_text("prompt,seconds\na person walks,2\na person walks,99\n")
    code, _, errors = _run(table, "--out", str(tmp_path / "out"))
    assert code == 1
    assert "row 2, column seconds, value '99.0'" in errors
    assert "Traceback" not in errors
    assert not (tmp_path / "out").exists()


def test_a_row_that_fails_does_not_stop_the_others(tmp_path: Path) -> None:
    table = tmp_path / "table.csv"
    table.write_text("prompt,seconds\nrefused,1\na person walks,1\n")
    code, output, errors = _run(table, "--out", str(tmp_path / "out"))
    assert code == 1
    assert "row 1 failed: no floor" in output + errors
    assert "1 of 2 results" in errors
    assert (tmp_path / "out" / "a-person-walks-0.npz").is_file()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([], "--out or --render"),
        (["--render", "films", "--size", "641x360"], "--size 641x360 is not a picture"),
        (["--render", "films", "--engine", "opengl"], "is not a picture"),
        (["--render", "films", "--blender", "/nowhere/blender"], "does not exist"),
    ],
)
def test_options_that_cannot_be_are_sentences(
    tmp_path: Path, options: list[str], said: str
) -> None:
    code, _, errors = _run(_table(tmp_path, 1), *options)
    assert code == 1
    assert said in errors
    assert "Traceback" not in errors


def test_without_any_blender_the_sentence_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from backend.filming import blender
    from shared.errors import PlacidError

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(blender, "_SOURCE", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(PlacidError, match="there is no Blender"):
        blender.find_blender(None)
    (tmp_path / "blender").write_text("#!/bin/sh\n")
    (tmp_path / "blender").chmod(0o755)
    assert blender.find_blender(None) == tmp_path / "blender"
    with pytest.raises(PlacidError, match="checkout"):
        blender.addon_folders()
