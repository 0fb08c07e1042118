"""What can go wrong with the backend: one sentence with a remedy, no take lost, and on it goes."""

import errno
import importlib
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from unittest.mock import MagicMock

import pytest

bpy = pytest.importorskip("bpy")

CHECKOUT = Path(__file__).parents[2]
WALKING_BACKEND = CHECKOUT / "tests" / "backend" / "serving" / "walking_backend.py"
MODULE = "bl_ext.user_default.placid"
PATIENCE = 60.0


@pytest.fixture
def one_take(fresh_backend):
    """The extension after a first take, with a backend that may be broken."""
    settings = bpy.context.scene.placid
    settings.prompt, settings.seconds = "a person walks", 2.0
    assert bpy.ops.placid.generate() == {"FINISHED"}
    _run(fresh_backend)
    assert len(settings.takes) == 1
    return fresh_backend


def _run(placid) -> None:
    """What the timer does while Blender's window is open."""
    current = placid.core.runtime.get()
    deadline = time.monotonic() + PATIENCE
    while current.job is not None:
        assert time.monotonic() < deadline, current.job
        current.tick(0.02)


def _begin(placid, prompt: str) -> None:
    """Ask for motion and wait until the backend has begun."""
    bpy.context.scene.placid.prompt = prompt
    assert bpy.ops.placid.generate() == {"FINISHED"}
    current = placid.core.runtime.get()
    deadline = time.monotonic() + PATIENCE
    while current.job is not None and current.job.stage == "starting":
        assert time.monotonic() < deadline
        current.tick(0.02)


def _check(placid, code: str, remedy: str) -> None:
    """One sentence, the take still there, and the panel ready for the next generation."""
    notice = placid.core.runtime.get().notice
    assert notice is not None
    assert notice.code == code
    assert remedy in notice.message
    assert "\n" not in notice.message
    assert "Traceback" not in notice.message
    takes = bpy.context.scene.placid.takes
    assert [take.name for take in takes] == ["a person walks"]
    assert placid.core.takes.unpack_motion(takes[0].motion).seconds == pytest.approx(2.0)
    assert bpy.ops.placid.generate.poll()
    assert bpy.ops.placid.accept_take.poll()


def _works_again(placid) -> None:
    bpy.context.scene.placid.prompt = "a person walks"
    assert bpy.ops.placid.generate() == {"FINISHED"}
    assert placid.core.runtime.get().notice is None
    _run(placid)
    assert len(bpy.context.scene.placid.takes) == 2


def _use(placid, folder: Path, *command: str) -> None:
    """Let the next backend be this program."""
    current = placid.core.runtime.get()
    current.stop_backend()
    process = placid.link.backend_process.BackendProcess
    launch = lambda: process([sys.executable, *command], CHECKOUT, folder / "other.log")  # noqa: E731
    current.session = placid.link.session.Session(launch)


def test_killed(one_take):
    _begin(one_take, "slow walk")
    os.kill(one_take.core.runtime.get().session._process.pid, signal.SIGKILL)
    _run(one_take)
    _check(one_take, "backend_lost", "generate again")
    _works_again(one_take)


def _state_line(placid) -> str:
    """What the panel says of the backend."""
    layout = MagicMock()
    panel = importlib.import_module(f"{placid.__name__}.ui.backend_status")
    panel.draw_backend(layout, placid.core.runtime.get())
    return layout.row().label.call_args.kwargs["text"]


def test_a_backend_that_ended_is_not_said_to_be_unstarted(fresh_backend):
    assert _state_line(fresh_backend) == "Backend: not started yet"
    bpy.ops.placid.start_backend()
    assert _state_line(fresh_backend) == "Backend: starting"
    os.kill(fresh_backend.core.runtime.get().session._process.pid, signal.SIGKILL)
    while fresh_backend.core.runtime.get().notice is None:
        fresh_backend.core.runtime.get().tick(0.02)
    assert _state_line(fresh_backend) == "Backend: not running"


def test_hung(one_take, monkeypatch):
    monkeypatch.setattr(one_take.link.client, "HEARTBEAT_SECONDS", 0.1)
    _begin(one_take, "slow walk")
    pid = one_take.core.runtime.get().session._process.pid
    os.kill(pid, signal.SIGSTOP)
    _run(one_take)
    _check(one_take, "backend_hung", "generate again")
    assert _ended(pid)
    _works_again(one_take)


def test_out_of_memory(one_take):
    _begin(one_take, "memory")
    _run(one_take)
    _check(one_take, "resource_exhausted", "fewer takes")
    _works_again(one_take)


def test_missing(one_take, tmp_path):
    one_take.core.runtime.get().stop_backend()
    gone = str(tmp_path / "gone" / "python")
    one_take.link.launch.preferences().python_path = gone
    assert not bpy.ops.placid.generate.poll()
    assert gone in one_take.link.launch.disabled_reason()
    assert "correct it in Placid's preferences" in one_take.link.launch.disabled_reason()
    one_take.link.launch.preferences().python_path = sys.executable
    _works_again(one_take)


def test_another_version(one_take, tmp_path):
    line = '{"version": 99, "port": 1, "server_public_key": "x"}'
    _use(one_take, tmp_path, "-c", f"print('{line}', flush=True); input(); input()")
    _begin(one_take, "a person walks")
    _run(one_take)
    _check(one_take, "version_mismatch", "set it up again")


def test_a_stolen_port(one_take, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as thief:
        thief.settimeout(PATIENCE)
        version = one_take.shared.protocol.messages.PROTOCOL_VERSION
        line = '{"version": %d, "port": %d, "server_public_key": "%s"}'
        line %= (version, thief.getsockname()[1], "1" * 40)
        _use(one_take, tmp_path, "-c", f"print('{line}', flush=True); input(); input()")
        bpy.ops.placid.generate()
        current = one_take.core.runtime.get()
        while current.session._client is None:
            current.tick(0.02)
        visitor, _ = thief.accept()
        visitor.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        visitor.close()
        _run(one_take)
    _check(one_take, "backend_refused", "restart the backend")


def test_a_full_disk(one_take, tmp_path, monkeypatch):
    def full(*_arguments, **_options):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    one_take.core.runtime.get().stop_backend()
    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", full)
        with pytest.raises(RuntimeError, match="free some space"):
            bpy.ops.placid.generate()
    _check(one_take, "not_writable", "free some space")
    _works_again(one_take)


def test_what_keeps_ending_is_not_started_for_ever(one_take, tmp_path):
    _use(one_take, tmp_path, "-c", "raise SystemExit('no such library')")
    for _ in range(3):
        bpy.ops.placid.generate()
        _run(one_take)
        _check(one_take, "backend_lost", "no such library")
    with pytest.raises(RuntimeError, match="press Restart Backend"):
        bpy.ops.placid.generate()
    _check(one_take, "backend_unavailable", "read its log")


def test_the_idle_backend_frees_its_memory_and_comes_back(one_take):
    current = one_take.core.runtime.get()
    preferences = one_take.link.launch.preferences()
    current.tick()
    assert current.session.state == "ready", "it has only just worked"
    pid = current.session._process.pid
    current._busy_at -= preferences.idle_minutes * 60
    current.tick()
    assert current.session.state == "resting"
    assert _state_line(one_take) == "Backend: at rest, its memory is free"
    assert not bpy.ops.placid.unload.poll()
    assert _ended(pid), "most of its memory is its libraries: only its end frees that"
    _works_again(one_take)
    assert current.session.state == "ready"


PARENT = f"""
import sys, time
import bpy
bpy.ops.preferences.addon_enable(module={MODULE!r})
from {MODULE}.core import runtime
from {MODULE}.link import backend_process, session
from pathlib import Path
log = Path(sys.argv[1])
command = [sys.executable, {str(WALKING_BACKEND)!r}, "whole", str(log)]
launch = lambda: backend_process.BackendProcess(command, Path({str(CHECKOUT)!r}), log)
runtime.get().session = session.Session(launch)
runtime.get().session.start()
while runtime.get().session.state != "ready":
    runtime.get().tick(0.05)
print(runtime.get().session._process.pid, flush=True)
if sys.argv[2] == "wait":
    time.sleep(60)
"""


@pytest.mark.parametrize("how", ["wait", "end"])
def test_no_backend_outlives_blender(placid, tmp_path, how):
    """Blender killed with SIGKILL, and Blender ended without having stopped the backend."""
    command = [sys.executable, "-c", PARENT, str(tmp_path / "backend.log"), how]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        for line in parent.stdout:
            if line.strip().isdigit():
                backend = int(line)
                break
        if how == "wait":
            parent.kill()
    assert _ended(backend)


def _ended(pid: int) -> bool:
    """Whether a process ends soon."""
    deadline = time.monotonic() + PATIENCE
    while _lives(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not _lives(pid)


def _lives(pid: int) -> bool:
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True)
    return bool(state.stdout.strip()) and not state.stdout.strip().startswith("Z")
