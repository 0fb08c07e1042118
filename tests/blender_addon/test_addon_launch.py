"""How the preferences reach the backend."""

import importlib
import os
import subprocess
import sys
import time
from pathlib import Path
from unittest.mock import MagicMock

import pytest

bpy = pytest.importorskip("bpy")


@pytest.fixture
def preferences(blank, monkeypatch):
    """The preferences, with this Python as the existing environment; restored afterwards."""
    chosen = blank.link.launch.preferences()
    names = ("python_path", "device", "checkpoints", "log_level")
    before = {name: getattr(chosen, name) for name in names}
    chosen.python_path = sys.executable
    monkeypatch.setattr(blank.link.launch, "BackendProcess", lambda command, *_: command)
    yield chosen
    for name, value in before.items():
        setattr(chosen, name, value)


def test_the_defaults_name_neither_device_nor_checkpoint(blank, preferences):
    command = blank.link.launch.launch()
    assert command[0] == sys.executable
    assert command[command.index("--log-level") + 1] == "info"
    assert not {"--device", "--checkpoints", "--allow-download"} & set(command)


def test_device_checkpoint_and_log_level_are_handed_over(blank, preferences, tmp_path):
    preferences.device, preferences.log_level = "cpu", "debug"
    preferences.checkpoints = str(tmp_path)
    command = blank.link.launch.launch()
    assert command[command.index("--device") + 1] == "cpu"
    assert command[command.index("--log-level") + 1] == "debug"
    assert command[command.index("--checkpoints") + 1] == str(tmp_path)
    assert "--allow-download" not in command, "online access is off"


def test_a_missing_checkpoint_folder_is_said(blank, preferences, tmp_path):
    preferences.checkpoints = str(tmp_path / "gone")
    with pytest.raises(blank.shared.errors.PlacidError, match="leave it empty"):
        blank.link.launch.launch()


@pytest.fixture
def full_backend(blank):
    """The Full Backend is asked for, and nobody has set it up."""
    chosen = blank.link.launch.preferences()
    chosen.full_backend = True
    yield
    chosen.full_backend = False


def test_the_instant_backend_needs_no_set_up(blank, monkeypatch):
    bpy.context.scene.placid.prompt = "a person walks"
    assert bpy.ops.placid.generate.poll()
    assert blank.link.launch.disabled_reason() == ""
    assert "instant backend runs in Blender's own Python" in " ".join(_drawn(blank))
    monkeypatch.setattr(blank.link.launch, "BackendProcess", lambda *arguments: arguments)
    command, search_path, _ = blank.link.launch.launch()
    assert command[:3] == [sys.executable, "-m", "backend.serving"]
    folders = search_path.split(os.pathsep)
    assert folders[0] == str(blank.link.paths.source_folder())
    for module in ("zmq", "msgspec", "numpy"):
        assert any((Path(folder) / module).is_dir() for folder in folders), module


def test_generate_is_grey_until_the_full_backend_is_set_up(blank, full_backend):
    bpy.context.scene.placid.prompt = "a person walks"
    assert not bpy.ops.placid.generate.poll()
    assert "press Set Up Full Backend" in blank.link.launch.disabled_reason()
    assert not bpy.ops.placid.start_backend.poll()


def test_macs_with_intel_processors_are_told_that_there_is_no_full_backend(blank, monkeypatch):
    monkeypatch.setattr("sys.platform", "darwin")
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    drawn = " ".join(_drawn(blank))
    assert "PyTorch has no build for Macs with Intel processors" in drawn
    assert "Set Up" not in drawn
    operator = importlib.import_module(f"{blank.__name__}.features.backend.set_up")
    reason = operator.PLACID_OT_set_up.disabled_reason(bpy.context)
    assert reason == "PyTorch has no build for Macs with Intel processors"


def _drawn(blank) -> list[str]:
    """Every text in the set-up's box of the preferences."""
    box = MagicMock()
    module = importlib.import_module(f"{blank.__name__}.features.backend.preferences")
    module._draw_setup(box, blank.link.launch.preferences())
    return [call.kwargs["text"] for call in box.mock_calls if call.kwargs.get("text")]


def test_the_preferences_point_to_the_button_below_not_to_themselves(blank, full_backend):
    with pytest.raises(blank.shared.errors.PlacidError) as raised:
        blank.link.launch.launch()
    blank.core.runtime.get().notice = raised.value
    drawn = _drawn(blank)
    told = " ".join(drawn)
    assert "The Full Backend is not set up yet; press Set Up Full Backend below" in told
    assert not [text for text in drawn if "preferences" in text]
    blank.core.runtime.get().notice = blank.shared.errors.PlacidError(
        "no_python", "there is no Python"
    )
    assert "There is no Python." in _drawn(blank)


def test_a_failed_set_up_is_forgotten_once_a_working_environment_is_chosen(blank, preferences):
    current, error = blank.core.runtime.get(), blank.shared.errors.PlacidError
    current.notice = error("setup_failed", "installing libraries failed")
    preferences.python_path = "/nowhere/python"
    assert current.notice is not None, "nothing is better yet"
    preferences.python_path = sys.executable
    assert current.notice is None
    assert "failed" not in " ".join(_drawn(blank))
    current.notice = error("unknown_rig", "the rig is not recognised")
    preferences.python_path = sys.executable
    assert current.notice is not None, "it has nothing to do with the environment"


def test_a_python_that_is_gone_is_corrected_below(blank, preferences, tmp_path):
    preferences.python_path = str(tmp_path / "gone")
    assert "correct it below" in " ".join(_drawn(blank))
    assert "correct it in Placid's preferences" in blank.link.launch.disabled_reason()


def test_the_backend_understands_what_it_is_started_with(blank, preferences, tmp_path):
    """The options are the backend's own; see `python -m backend.serving --help`."""
    preferences.device, preferences.checkpoints = "cpu", str(tmp_path)
    command = blank.link.launch.launch()
    variables = {**os.environ, "PYTHONPATH": blank.link.launch.search_path()}
    said = subprocess.run(
        [*command[:3], "--help"], env=variables, capture_output=True, text=True, check=True
    ).stdout
    for option in (word for word in command if word.startswith("--")):
        assert option in said
    assert "--allow-download" in said


def _drawn_when_known(blank, python) -> str:
    """What the preferences say of a chosen Python, once it has answered."""
    libraries = importlib.import_module(f"{blank.__name__}.link.libraries")
    blank.link.launch.preferences().python_path = str(python)
    deadline = time.monotonic() + 60.0
    assert "Looking for the backend's libraries" in _drawn(blank)
    while libraries.problem_of(Path(python)) is None:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return " ".join(_drawn(blank))


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("exit 0", "is no Python"),
        ("exit 3", "is no Python"),
        ("echo garbage", "is no Python"),
        ("head -c 3000000 /dev/zero", "is no Python"),
        ("echo missing: torch", "lacks torch"),
        ("echo missing:", "runs in the chosen environment"),
    ],
)
@pytest.mark.skipif(sys.platform == "win32", reason="needs a shell's script")
def test_a_chosen_environment_is_ticked_only_when_it_has_the_libraries(
    blank, preferences, tmp_path, script, said
):
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\n{script}\n")
    python.chmod(0o755)
    drawn = _drawn_when_known(blank, python)
    assert said in drawn
    assert ("cannot run the Full Backend" in drawn) == ("Ready" not in drawn)


def test_a_file_that_cannot_be_run_is_said(blank, preferences, tmp_path):
    python = tmp_path / "python"
    python.write_text("nothing")
    assert "cannot be run" in _drawn_when_known(blank, python)


def test_a_real_python_without_the_libraries_tells_which(blank, preferences):
    """Blender's own has what the zip carries, and not what the full backend needs."""
    assert "lacks torch, " in _drawn_when_known(blank, sys.executable)
