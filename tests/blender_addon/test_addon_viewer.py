"""Open Results and Open Log, with and without a program of the system's that opens them."""

import os
import signal
import sys

import pytest

bpy = pytest.importorskip("bpy")

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the opener is xdg-open")


@pytest.fixture
def results(blank, tmp_path, monkeypatch):
    """The folder of a batch's results; no program of the system is found."""
    settings = bpy.context.scene.placid_batch
    settings.table, settings.folder = str(tmp_path / "table.csv"), str(tmp_path / "results")
    folder = tmp_path / "results"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(tmp_path))
    return folder


def _opener(folder, script: str) -> None:
    program = folder / "xdg-open"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)


def test_the_results_are_opened(results, tmp_path):
    _opener(tmp_path, f'echo "$1" > {tmp_path}/opened')
    assert bpy.ops.placid.open_batch_folder() == {"FINISHED"}
    assert (tmp_path / "opened").read_text().strip() == str(results)


def test_a_program_that_stays_open_does_not_hold_blender_up(results, tmp_path):
    # As long as a file browser is open: the test would not end if it were waited for.
    _opener(tmp_path, f"echo $$ > {tmp_path}/opened; exec /bin/sleep 1000")
    assert bpy.ops.placid.open_batch_folder() == {"FINISHED"}
    os.kill(int((tmp_path / "opened").read_text()), signal.SIGKILL)


@pytest.mark.parametrize("script", ["", "exit 3"])
def test_a_system_that_opens_nothing_is_said(blank, results, tmp_path, script):
    if script:
        _opener(tmp_path, script)
    with pytest.raises(RuntimeError, match="the system opens no folders here"):
        bpy.ops.placid.open_batch_folder()
    assert str(results) in blank.core.runtime.get().notice.message


def test_a_log_is_not_called_a_folder(blank, results):
    log = blank.link.paths.backend_log()
    log.touch()
    with pytest.raises(RuntimeError, match="the system opens no files here"):
        bpy.ops.placid.open_log(log="BACKEND")
