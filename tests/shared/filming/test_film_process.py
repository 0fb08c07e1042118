"""The process that films is never waited for."""

import sys
import threading
import time
from pathlib import Path

import pytest

from shared.errors import PlacidError
from shared.filming import process as film_process
from shared.filming.orders import Drawn, Filmed, Ready, encode_answer
from shared.filming.process import RenderProcess

PATIENCE = 60.0


def _failure(process: RenderProcess) -> PlacidError:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            process.poll(0.02)
        except PlacidError as error:
            return error
    raise AssertionError("it goes on for ever")


def test_one_that_says_no_more_and_does_not_end_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(film_process, "_EXIT_SECONDS", 0.3)
    script = "import os, time; os.close(1); time.sleep(600)"
    process = RenderProcess([sys.executable, "-c", script], tmp_path / "log")
    assert _failure(process).code == "no_blender"
    ended = threading.Event()
    process.stop(ended.set)
    assert ended.wait(PATIENCE)


def test_the_exit_code_of_one_that_ended_is_told(tmp_path: Path) -> None:
    process = RenderProcess([sys.executable, "-c", "raise SystemExit(7)"], tmp_path / "log")
    assert "exit code 7" in _failure(process).message
    process.stop()


def test_the_last_words_of_one_that_ended_are_told(tmp_path: Path) -> None:
    script = "raise SystemExit('no module named bpy')"
    process = RenderProcess([sys.executable, "-c", script], tmp_path / "log")
    assert "no module named bpy" in _failure(process).message
    process.stop()


def test_progress_is_noted_and_what_lies_behind_it_is_not_kept_waiting(tmp_path: Path) -> None:
    lines = [Ready("5.2"), *(Drawn(share / 100) for share in range(1, 100)), Filmed("well")]
    text = b"".join(encode_answer(line) for line in lines)
    script = f"import os, time; os.write(1, {text!r}); time.sleep(60)"
    process = RenderProcess([sys.executable, "-c", script], tmp_path / "log")
    deadline = time.monotonic() + PATIENCE
    while (answer := process.poll(0.05)) is None:
        assert time.monotonic() < deadline
    assert answer == Filmed("well")
    assert process.fraction == 0.99
    process.stop()
