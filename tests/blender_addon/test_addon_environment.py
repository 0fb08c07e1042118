"""The set-up of the backend's environment: complete, failed, cancelled, interrupted."""

import sys
import time
from pathlib import Path

import pytest

pytest.importorskip("bpy")


@pytest.fixture
def places(tmp_path: Path) -> tuple[Path, Path, Path]:
    """Folder, requirements and log of an environment."""
    requirements = tmp_path / "requirements.txt"
    requirements.write_text("# nothing\n")
    return tmp_path / "environment", requirements, tmp_path / "setup.log"


@pytest.fixture
def steps(placid, monkeypatch):
    """Lets the set-up run these lines of Python instead of venv and pip."""

    def use(*lines: str) -> None:
        plan = [
            placid.environment._Step(f"Step {index}", [sys.executable, "-c", line])
            for index, line in enumerate(lines)
        ]
        monkeypatch.setattr(placid.environment.Setup, "_plan", lambda self: plan)

    return use


def _wait(setup) -> None:
    deadline = time.monotonic() + 120
    while not setup.poll():
        assert time.monotonic() < deadline, setup.detail
        time.sleep(0.02)


def test_it_is_complete_after_the_last_step_only(placid, places, steps):
    folder, requirements, _ = places
    steps(f"import os; os.mkdir({str(folder)!r})", "print('Collecting torch')")
    setup = placid.environment.Setup(*places)
    assert not placid.environment.is_complete(folder, requirements)
    _wait(setup)
    assert placid.environment.is_complete(folder, requirements)
    assert setup.fraction == 1.0


def test_other_requirements_make_it_incomplete(placid, places, steps):
    folder, requirements, _ = places
    steps(f"import os; os.mkdir({str(folder)!r})")
    _wait(placid.environment.Setup(*places))
    requirements.write_text("torch==99\n")
    assert not placid.environment.is_complete(folder, requirements)


def test_a_failure_names_the_step_and_the_tools_last_words(placid, places, steps):
    steps("print('no matching distribution'); raise SystemExit(1)")
    setup = placid.environment.Setup(*places)
    with pytest.raises(placid.shared.errors.PlacidError) as caught:
        _wait(setup)
    assert caught.value.code == "setup_failed"
    assert "step 0" in caught.value.message
    assert "no matching distribution" in caught.value.message
    assert not placid.environment.is_complete(*places[:2])


def test_after_a_cancel_the_next_run_starts_from_nothing(placid, places, steps):
    folder, _, _ = places
    rubbish = folder / "half"
    steps(
        f"import pathlib, time; p = pathlib.Path({str(rubbish)!r}); p.parent.mkdir(); "
        "p.touch(); time.sleep(60)"
    )
    setup = placid.environment.Setup(*places)
    deadline = time.monotonic() + 60
    while not rubbish.exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    setup.cancel()
    assert not placid.environment.is_complete(*places[:2])
    steps(f"import os; os.mkdir({str(folder)!r})")
    _wait(placid.environment.Setup(*places))
    assert not rubbish.exists()


def test_a_missing_list_of_libraries_is_said(placid, tmp_path):
    with pytest.raises(placid.shared.errors.PlacidError, match="install the extension again"):
        placid.environment.Setup(tmp_path / "e", tmp_path / "none.txt", tmp_path / "log")


@pytest.mark.slow
def test_a_real_environment_runs_python(placid, places):
    import subprocess

    _wait(placid.environment.Setup(*places))
    python = placid.environment.environment_python(places[0])
    answer = subprocess.run([python, "-m", "pip", "--version"], capture_output=True, text=True)
    assert str(places[0]) in answer.stdout


def test_the_button_is_grey_without_online_access(blank):
    import bpy

    assert not bpy.app.online_access
    assert not bpy.ops.placid.set_up.poll()
    assert not bpy.ops.placid.cancel_set_up.poll()
