"""The set-up of the backend's environment: complete, failed, cancelled, interrupted."""

import hashlib
import os
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

from shared.environments import environment_python

pytest.importorskip("bpy")

CHECKOUT = Path(__file__).parents[2]


@pytest.fixture
def places(tmp_path: Path) -> tuple[Path, Path, Path]:
    """Folder, requirements and log of an environment."""
    requirements = tmp_path / "requirements.txt"
    for name in ("", "-torch", "-torch-cpu", "-torch-cuda", "-cuda"):
        requirements.with_name(f"requirements{name}.txt").write_text("# nothing\n")
    return tmp_path / "environment", requirements, tmp_path / "setup.log"


@pytest.fixture
def steps(placid, monkeypatch):
    """Lets the set-up run these lines of Python instead of venv and pip."""

    def use(*lines: str) -> None:
        plan = [
            placid.link.environment._Step(f"Step {index}", [sys.executable, "-c", line])
            for index, line in enumerate(lines)
        ]
        monkeypatch.setattr(placid.link.environment.Setup, "_plan", lambda self: plan)

    return use


def _make(folder: Path, file: str = "python") -> str:
    """Python that makes a folder with a file where the set-up makes the environment."""
    unfinished = str(folder.with_name("environment-unfinished"))
    return f"import pathlib as p; f = p.Path({unfinished!r}); f.mkdir(); (f / {file!r}).touch()"


def _wait(setup) -> None:
    deadline = time.monotonic() + 120
    while not setup.poll():
        assert time.monotonic() < deadline, setup.detail
        time.sleep(0.02)


def test_it_is_complete_after_the_last_step_only(placid, places, steps):
    folder, requirements, _ = places
    steps(_make(folder), "print('Collecting torch')")
    setup = placid.link.environment.Setup(*places)
    assert not placid.link.made_environment.is_complete(folder, requirements)
    _wait(setup)
    assert placid.link.made_environment.is_complete(folder, requirements)
    assert setup.fraction == 1.0


def test_other_requirements_make_it_incomplete(placid, places, steps):
    folder, requirements, _ = places
    steps(_make(folder))
    _wait(placid.link.environment.Setup(*places))
    requirements.write_text("torch==99\n")
    assert not placid.link.made_environment.is_complete(folder, requirements)


def test_a_failure_names_the_step_and_the_tools_last_words(placid, places, steps):
    steps("print('no matching distribution'); raise SystemExit(1)")
    setup = placid.link.environment.Setup(*places)
    with pytest.raises(placid.shared.errors.PlacidError) as caught:
        _wait(setup)
    assert caught.value.code == "setup_failed"
    assert "step 0" in caught.value.message
    assert "no matching distribution" in caught.value.message
    assert not placid.link.made_environment.is_complete(*places[:2])


def test_a_system_python_without_venv_is_told_which_package_to_install(placid, places, steps):
    steps("print('ensurepip is not available.\\nFailing command: x'); raise SystemExit(1)")
    setup = placid.link.environment.Setup(*places)
    with pytest.raises(placid.shared.errors.PlacidError, match="package python3-venv"):
        _wait(setup)


def test_after_a_cancel_the_next_run_starts_from_nothing(placid, places, steps):
    folder, _, _ = places
    rubbish = folder.with_name("environment-unfinished") / "half"
    steps(f"{_make(folder, 'half')}; import time; time.sleep(60)")
    setup = placid.link.environment.Setup(*places)
    deadline = time.monotonic() + 60
    while not rubbish.exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    setup.cancel()
    assert not placid.link.made_environment.is_complete(*places[:2])
    steps(_make(folder))
    _wait(placid.link.environment.Setup(*places))
    assert {path.name for path in folder.iterdir()} == {"complete", "python"}
    assert not rubbish.parent.exists()


def test_a_failed_update_leaves_the_earlier_environment_usable(placid, places, steps):
    folder, requirements, _ = places
    steps(_make(folder))
    _wait(placid.link.environment.Setup(*places))
    steps(_make(folder), "raise SystemExit('no space left on device')")
    setup = placid.link.environment.Setup(*places)
    with pytest.raises(placid.shared.errors.PlacidError, match="no space left"):
        _wait(setup)
    assert placid.link.made_environment.is_complete(folder, requirements)
    assert setup.recent[-1] == "no space left on device"


def test_only_files_with_known_hashes_are_installed(placid, places, tmp_path):
    setup = placid.link.environment.Setup(*places, "cuda")
    commands = [list(step.command) for step in setup._steps[1:]]
    setup.cancel()
    for command in commands:
        assert {"--require-hashes", "--no-deps", "--only-binary=:all:"} <= set(command)
        assert not [option for option in command if "index" in option]
    lists = [Path(command[command.index("-r") + 1]) for command in commands]
    assert lists == placid.shared.libraries.library_lists(places[1], "cuda")


def test_another_file_than_the_one_in_the_list_is_refused(placid, tmp_path):
    """The whole set-up, with pip, for a library of one file whose content was changed."""
    wheel = tmp_path / "demo-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("demo.py", "print('installed')")
        archive.writestr(
            "demo-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: demo\nVersion: 1.0\n"
        )
        archive.writestr(
            "demo-1.0.dist-info/WHEEL",
            "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        )
        archive.writestr("demo-1.0.dist-info/RECORD", "")
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    places = tmp_path / "environment", tmp_path / "requirements.txt", tmp_path / "setup.log"
    for path in placid.shared.libraries.library_lists(places[1], "cpu"):
        path.write_text("# nothing\n")
    for wanted in (digest, digest[::-1]):
        places[1].write_text(
            f"--no-index\n--find-links {tmp_path.as_uri()}\ndemo==1.0 --hash=sha256:{wanted}\n"
        )
        setup = placid.link.environment.Setup(*places, "cpu")
        if wanted == digest:
            _wait(setup)
            assert placid.link.made_environment.is_complete(*places[:2])
        else:
            with pytest.raises(placid.shared.errors.PlacidError, match="installing libraries"):
                _wait(setup)
            assert "DO NOT MATCH THE HASHES" in places[2].read_text()


def test_downloads_are_kept_for_the_next_try_beside_the_environment(placid, places):
    setup = placid.link.environment.Setup(*places)
    command = list(setup._steps[1].command)
    setup.cancel()
    cache = command[command.index("--cache-dir") + 1]
    assert Path(cache).parent == places[0].parent


def test_a_missing_list_of_libraries_is_said(placid, tmp_path):
    with pytest.raises(placid.shared.errors.PlacidError, match="install the extension again"):
        placid.link.environment.Setup(tmp_path / "e", tmp_path / "none.txt", tmp_path / "log")


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
def test_the_running_tool_ends_when_blender_is_killed(places, tmp_path):
    """Otherwise it would go on writing into the environment that the next set-up makes."""
    said = tmp_path / "tool"
    tool = f"import os, pathlib, time; pathlib.Path({str(said)!r}).write_text(str(os.getpid()))"
    script = (
        "import sys, time, types\n"
        "package = types.ModuleType('placid')\n"
        f"package.__path__ = [{str(CHECKOUT / 'blender_addon')!r}, {str(CHECKOUT)!r}]\n"
        "sys.modules['placid'] = package\n"
        "from pathlib import Path\n"
        "from placid.link import environment\n"
        f"command = [sys.executable, '-c', {tool + '; time.sleep(60)'!r}]\n"
        "environment.Setup._plan = lambda self: [environment._Step('Tool', command)]\n"
        f"setup = environment.Setup(*map(Path, {[str(place) for place in places]!r}))\n"
        "time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", script]) as blender:
        deadline = time.monotonic() + 60
        while not (said.exists() and said.read_text()):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        blender.send_signal(signal.SIGKILL)
    while _runs(int(said.read_text())):
        assert time.monotonic() < deadline, "the tool was left behind"
        time.sleep(0.05)


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{pid}/stat")
    # A process that has ended may wait for somebody to ask how.
    return not status.exists() or status.read_text().rpartition(")")[2].split()[0] != "Z"


@pytest.mark.slow
def test_a_real_environment_runs_python(placid, places):
    _wait(placid.link.environment.Setup(*places))
    python = environment_python(places[0])
    answer = subprocess.run([python, "-m", "pip", "--version"], capture_output=True, text=True)
    assert str(places[0]) in answer.stdout


def test_the_button_is_grey_without_online_access(blank):
    import bpy

    assert not bpy.app.online_access
    assert not bpy.ops.placid.set_up.poll()
    assert not bpy.ops.placid.cancel_set_up.poll()
