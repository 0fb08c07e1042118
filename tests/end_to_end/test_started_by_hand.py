"""Backends that a person starts: one a connection file, which goes with its backend."""

import contextlib
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from zmq.utils import z85

from shared.protocol.handshake import read_connection

CHECKOUT = Path(__file__).parents[2]
WALKING_BACKEND = CHECKOUT / "tests" / "backend" / "serving" / "walking_backend.py"
ENVIRONMENT = dict(os.environ, PYTHONPATH=str(CHECKOUT))
# Far more than is needed: a busy machine must not fail a test.
PATIENCE = 60.0

Start = Callable[..., subprocess.Popen[str]]

pytestmark = pytest.mark.skipif(os.name == "nt", reason="needs POSIX signals")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where clients learn how to connect."""
    return tmp_path / "run" / "connection.json"


@pytest.fixture
def start(tmp_path: Path, file: Path) -> Iterator[Start]:
    """Starts backends as a person does; returns once each has said its first line."""
    started: list[subprocess.Popen[str]] = []

    def begin(how: str = "by-hand", connection: Path = file, *before: str) -> Any:
        command = [*before, sys.executable, str(WALKING_BACKEND), how]
        process = subprocess.Popen(
            [*command, str(tmp_path / "backend.log"), str(connection)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=ENVIRONMENT,
            # What runs the tests may be run by `nohup` itself.
            preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL),
        )
        started.append(process)
        assert process.stdout is not None
        process.stdout.readline()
        return process

    yield begin
    for process in started:
        process.kill()
        process.communicate(timeout=PATIENCE)


def _until(client: Any, kind: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if any(type(event).__name__ == kind for event in client.poll(0.05)):
            return
    raise AssertionError(f"no {kind} came")


def test_the_owner_alone_can_connect_and_end_it(
    start: Start, file: Path, addon_package: ModuleType
) -> None:
    process = start()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    client = addon_package.link.client.Client(read_connection(file))
    client.submit(1, addon_package.shared.protocol.messages.Generate("walk"))
    _until(client, "Done")
    client.shutdown()
    _until(client, "Lost")
    client.close()
    assert process.wait(PATIENCE) == 0
    assert not file.exists()


@pytest.mark.parametrize("how", ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"])
@pytest.mark.parametrize("state", ["ready", "loading", "working"])
def test_a_signal_ends_it_and_leaves_no_key_behind(
    start: Start, file: Path, addon_package: ModuleType, how: str, state: str
) -> None:
    process = start("late-by-hand" if state == "loading" else "by-hand")
    if state != "loading":
        with contextlib.closing(addon_package.link.client.Client(read_connection(file))) as client:
            client.submit(1, addon_package.shared.protocol.messages.Generate("hang"))
            _until(client, "Progress" if state == "working" else "Welcome")
            process.send_signal(getattr(signal, how))
            assert process.wait(PATIENCE) == 0
    else:
        process.send_signal(getattr(signal, how))
        assert process.wait(PATIENCE) == 0
    assert not file.exists()
    assert process.stderr is not None
    assert process.stderr.read() == ""


def test_nohup_is_respected(start: Start, file: Path) -> None:
    process = start("by-hand", file, "nohup")
    process.send_signal(signal.SIGHUP)
    time.sleep(0.5)
    assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    assert process.wait(PATIENCE) == 0


def test_a_second_one_is_refused_and_the_first_goes_on(
    start: Start, file: Path, addon_package: ModuleType
) -> None:
    start()
    key = file.read_bytes()
    second = start()
    _, errors = second.communicate(timeout=PATIENCE)
    assert second.returncode != 0
    assert "running already" in errors
    assert "--connection" in errors
    assert file.read_bytes() == key
    with contextlib.closing(addon_package.link.client.Client(read_connection(file))) as client:
        _until(client, "Welcome")


def test_two_with_files_of_their_own_live_side_by_side(
    start: Start, file: Path, addon_package: ModuleType
) -> None:
    other = file.with_name("other.json")
    first, _second = start(), start("by-hand", other)
    first.send_signal(signal.SIGTERM)
    assert first.wait(PATIENCE) == 0
    assert not file.exists()
    with contextlib.closing(addon_package.link.client.Client(read_connection(other))) as client:
        _until(client, "Welcome")


def test_what_a_killed_one_left_is_replaced(start: Start, file: Path) -> None:
    first = start()
    stale = file.read_bytes()
    first.kill()
    first.wait(PATIENCE)
    assert file.read_bytes() == stale
    start()
    assert file.read_bytes() != stale


# The same in every process that collects the tests: it is a part of their names.
KEY = z85.encode(bytes(range(32))).decode()


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"not json\n",
        b"\xff\x00garbage\n",
        b'{"client_public_key":"x","parent_pid":1}\n',
        b'{"client_public_key":"' + b"~" * 40 + b'","parent_pid":1}\n',
        b'{"client_public_key":"' + b"#" * 40 + b'","parent_pid":1}\n',
        b'{"client_public_key":"' + KEY.encode() + b'","parent_pid":0}\n',
        b'{"client_public_key":"' + KEY.encode() + b'","parent_pid":-1}\n',
        b'{"client_public_key":"' + KEY.encode() + b'","parent_pid":%d}\n' % 2**70,
        b'{"client_public_key":"' + KEY.encode() + b'","parent_pid":1e3}\n',
        b"[" * 100_000 + b"\n",
        b"x" * 3_000_000,
    ],
    ids=lambda line: line[:60].decode(errors="replace"),
)
def test_a_hand_over_that_cannot_be_used_is_said_in_a_sentence(tmp_path: Path, line: bytes) -> None:
    log = tmp_path / "backend.log"
    result = subprocess.run(
        [sys.executable, str(WALKING_BACKEND), "whole", str(log)],
        input=line,
        capture_output=True,
        env=ENVIRONMENT,
        timeout=PATIENCE,
    )
    assert result.returncode == 1
    assert b"handed over no usable key" in result.stderr
    assert b"Traceback" not in result.stderr
    assert result.stdout == b""


def test_a_parent_that_ended_before_the_backend_is_up_leaves_no_traceback(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    process = subprocess.Popen(
        [sys.executable, str(WALKING_BACKEND), "whole", str(tmp_path / "backend.log")],
        stdin=subprocess.PIPE,
        stdout=writer,
        stderr=subprocess.PIPE,
        env=ENVIRONMENT,
    )
    os.close(reader)
    os.close(writer)
    line = b'{"client_public_key":"%s","parent_pid":%d}\n' % (KEY.encode(), os.getpid())
    _, errors = process.communicate(line, timeout=PATIENCE)
    assert (process.returncode, errors) == (11, b"")
    assert "Traceback" not in (tmp_path / "backend.log").read_text()


def test_the_backend_of_a_parent_that_nobody_knows_ends_by_itself(tmp_path: Path) -> None:
    line = b'{"client_public_key":"%s","parent_pid":%d}\n' % (KEY.encode(), 2**31 - 1)
    process = subprocess.Popen(
        [sys.executable, str(WALKING_BACKEND), "whole", str(tmp_path / "backend.log")],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        env=ENVIRONMENT,
    )
    assert process.stdin is not None
    process.stdin.write(line)
    process.stdin.flush()
    assert process.wait(PATIENCE) == 11
    process.stdin.close()
