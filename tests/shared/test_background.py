"""Processes end and folders go without anybody waiting."""

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from shared import background

# Far more than is needed: a busy machine must not fail a test.
PATIENCE = 60.0


def _until(condition) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def _tree(folder: Path, files: int = 50) -> Path:
    for number in range(files):
        part = folder / f"part-{number % 5}"
        part.mkdir(parents=True, exist_ok=True)
        (part / f"file-{number}").touch()
    return folder


@pytest.mark.skipif(os.name == "nt", reason="needs fork")
def test_a_pipe_that_a_grandchild_keeps_open_holds_nobody_up() -> None:
    script = (
        "import os, sys, time\n"
        "if os.fork() == 0: time.sleep(600)\n"
        "print(os.getpid(), flush=True); time.sleep(600)"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, start_new_session=True
    )
    assert process.stdout is not None
    process.stdout.readline()
    # Somebody reads on, as the add-on does, and so has the pipe's lock.
    threading.Thread(target=process.stdout.readline, daemon=True).start()
    ended = threading.Event()
    background.kill(process, ended.set)
    assert ended.wait(PATIENCE), "what follows comes with the process's end, not the pipe's"
    os.killpg(process.pid, 9)


def test_a_process_that_ended_by_itself_is_collected() -> None:
    process = subprocess.Popen([sys.executable, "-c", ""], stdin=subprocess.PIPE)
    process.wait(PATIENCE)
    background.kill(process).join(PATIENCE)
    assert process.stdin is not None
    assert process.stdin.closed


def test_a_failure_in_the_background_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    background.run(lambda: 1 / 0, "division").join(PATIENCE)
    assert "division failed" in caplog.text


def test_a_folder_makes_room_at_once_and_goes(tmp_path: Path) -> None:
    folder = _tree(tmp_path / "environment")
    background.remove(folder)
    assert not folder.exists()
    folder.mkdir()
    _until(lambda: list(tmp_path.iterdir()) == [folder])


def test_what_is_not_there_is_removed_already(tmp_path: Path) -> None:
    background.remove(tmp_path / "nothing")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_takes_a_place_and_the_old_one_goes(tmp_path: Path) -> None:
    place, new = _tree(tmp_path / "place"), tmp_path / "new"
    new.mkdir()
    (new / "mark").touch()
    background.replace(new, place)
    assert [path.name for path in place.iterdir()] == ["mark"]
    _until(lambda: list(tmp_path.iterdir()) == [place])


def test_a_place_that_cannot_be_taken_keeps_what_it_has(tmp_path: Path) -> None:
    place = _tree(tmp_path / "place")
    with pytest.raises(FileNotFoundError):
        background.replace(tmp_path / "nothing", place)
    assert len(list(place.rglob("file-*"))) == 50
    assert list(tmp_path.iterdir()) == [place]


def test_what_an_earlier_program_left_aside_is_removed(tmp_path: Path) -> None:
    _tree(tmp_path / "environment-0badcafe.aside")
    background.remove(tmp_path / "environment")
    _until(lambda: not list(tmp_path.iterdir()))
