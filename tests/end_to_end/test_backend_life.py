"""Birth, failures and death of backend processes, as the add-on and a person see them."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec
import numpy as np
import pytest
import zmq

from shared.protocol.handshake import Announcement, Connection, ExitCode, KeyPair
from shared.protocol.messages import PROTOCOL_VERSION

CHECKOUT = Path(__file__).parent.parent.parent
WALKING_BACKEND = CHECKOUT / "tests" / "backend" / "serving" / "walking_backend.py"
# Far more than is needed: a busy machine must not fail a test.
PATIENCE = 60.0

Launch = Callable[..., Any]

pytestmark = pytest.mark.skipif(os.name == "nt", reason="needs POSIX signals")


@pytest.fixture
def log_path(tmp_path: Path) -> Path:
    return tmp_path / "backend.log"


@pytest.fixture
def make_session(addon_package: ModuleType) -> Iterator[Callable[[Callable[[], Any]], Any]]:
    sessions = []

    def make(launch: Callable[[], Any]) -> Any:
        sessions.append(addon_package.link.session.Session(launch))
        return sessions[-1]

    yield make
    for session in sessions:
        session.stop()


@pytest.fixture
def processes(launch_walking: Launch, log_path: Path) -> Callable[[], Any]:
    """Launches walking backends and remembers them, the newest last."""

    def launch() -> Any:
        launch.started.append(launch_walking(log_path))  # type: ignore[attr-defined]
        return launch.started[-1]  # type: ignore[attr-defined]

    launch.started = []  # type: ignore[attr-defined]
    return launch


def until(poller: Any, kind: str) -> Any:
    """The first event of a kind."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        for event in poller.poll(0.05):
            if type(event).__name__ == kind:
                return event
    raise AssertionError(f"no {kind} came")


def ends(pid: int) -> bool:
    """Whether a process ends soon; one that only waits to be reaped has ended."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True).stdout
        if not state.strip() or state.strip().startswith(b"Z"):
            return True
        time.sleep(0.05)
    return False


def test_a_killed_backend_is_reported_with_its_jobs_and_comes_back(
    make_session: Any, processes: Any, addon_package: ModuleType
) -> None:
    session = make_session(processes)
    job = session.submit(addon_package.shared.protocol.messages.Generate("slow walk"))
    until(session, "Progress")
    os.kill(processes.started[-1].pid, signal.SIGKILL)
    lost = until(session, "Lost")
    assert lost.jobs == (job,)
    assert "killed" in lost.error.message
    assert session.state == "stopped"
    assert (
        len(session.generate(addon_package.shared.protocol.messages.Generate("walk", takes=2))) == 2
    )
    assert len(processes.started) == 2


def test_a_backend_that_is_killed_before_the_connection_stands_is_reported(
    make_session: Any, processes: Any, addon_package: ModuleType
) -> None:
    session = make_session(processes)
    request = addon_package.shared.protocol.messages.Generate("walk")
    session.start()
    while processes.started[-1].connection() is None:
        time.sleep(0.005)
    os.kill(processes.started[-1].pid, signal.SIGSTOP)
    while session._client is None:
        session.poll()
    # The greeting and the request wait in vain for the handshake to be over.
    job = session.submit(request)
    session.poll(0.1)
    os.kill(processes.started[-1].pid, signal.SIGKILL)
    lost = until(session, "Lost")
    assert (lost.error.code, lost.jobs) == ("backend_lost", (job,))
    assert "killed" in lost.error.message
    assert len(session.generate(request)) == 1


def test_a_frozen_backend_is_given_up_and_killed(
    make_session: Any, processes: Any, addon_package: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(addon_package.link.client, "HEARTBEAT_SECONDS", 0.1)
    session = make_session(processes)
    session.generate(addon_package.shared.protocol.messages.Generate("walk"))
    job = session.submit(addon_package.shared.protocol.messages.Generate("slow walk"))
    pid = processes.started[-1].pid
    os.kill(pid, signal.SIGSTOP)
    lost = until(session, "Lost")
    assert (lost.error.code, lost.jobs) == ("backend_hung", (job,))
    assert ends(pid)


def test_a_hung_generator_ends_the_backend_with_a_sentence(
    make_session: Any, processes: Any, addon_package: ModuleType
) -> None:
    session = make_session(processes)
    job = session.submit(addon_package.shared.protocol.messages.Generate("hang"))
    until(session, "Progress")
    session.cancel(job)
    error = until(session, "Error")
    assert (error.code, error.job) == ("hung", job)
    assert until(session, "Lost").error.details["exit code"] == str(int(ExitCode.HUNG))


def test_a_request_is_cancelled_before_the_backend_is_there(
    make_session: Any, processes: Any, addon_package: ModuleType
) -> None:
    session = make_session(processes)
    job = session.submit(addon_package.shared.protocol.messages.Generate("walk"))
    session.cancel(job)
    assert until(session, "Error").code == "cancelled"
    assert session.jobs == ()


def test_stopping_the_backend_leaves_neither_process_nor_jobs(
    make_session: Any, processes: Any, addon_package: ModuleType
) -> None:
    session = make_session(processes)
    session.submit(addon_package.shared.protocol.messages.Generate("slow walk"))
    until(session, "Progress")
    pid = processes.started[-1].pid
    session.stop()
    assert session.jobs == ()
    assert session.poll() == []
    assert ends(pid)


def test_a_broken_model_is_said_and_tried_again(
    make_session: Any, launch_walking: Launch, log_path: Path, addon_package: ModuleType
) -> None:
    session = make_session(lambda: launch_walking(log_path, "broken"))
    session.start()
    welcome = until(session, "Welcome")
    while welcome.state == "loading":
        welcome = until(session, "Welcome")
    assert (welcome.state, welcome.problem.code) == ("failed", "bad_checkpoint")
    with pytest.raises(addon_package.link.session.PlacidError, match="damaged"):
        session.generate(addon_package.shared.protocol.messages.Generate("walk"))


PARENT = """
import sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from placid.link.session import BackendProcess, Session
from placid.shared.protocol.messages import Generate
command = [sys.executable, sys.argv[2], "whole", sys.argv[4]]
processes = []
def launch():
    processes.append(BackendProcess(command, Path(sys.argv[3]), Path(sys.argv[4])))
    return processes[-1]
session = Session(launch)
session.generate(Generate("walk"))
session.submit(Generate(sys.argv[5]))
print(processes[-1].pid, flush=True)
while True:
    session.poll(1.0)
"""


@pytest.mark.parametrize("prompt", ["slow walk", "hang"])
def test_no_backend_outlives_a_killed_parent(
    addon_package: ModuleType, log_path: Path, prompt: str
) -> None:
    staged = Path(addon_package.__path__[0]).parent
    arguments = [str(staged), str(WALKING_BACKEND), str(CHECKOUT), str(log_path), prompt]
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, *arguments], stdout=subprocess.PIPE
    ) as parent:
        assert parent.stdout is not None
        backend = int(parent.stdout.readline())
        os.kill(backend, 0)
        parent.kill()
    assert ends(backend)
    assert "has ended" in log_path.read_text()


def test_no_backend_outlives_a_parent_whose_pipe_another_child_holds(
    launch_walking: Launch, log_path: Path, addon_package: ModuleType
) -> None:
    staged = Path(addon_package.__path__[0]).parent
    # The fork inherits the write end of the backend's stdin, as a multiprocessing worker would.
    script = PARENT.replace(
        "print(processes[-1].pid, flush=True)",
        "import os\nchild = os.fork()\n"
        "if child == 0:\n    os.close(1); time.sleep(60); os._exit(0)\n"
        "print(processes[-1].pid, child, flush=True)",
    )
    arguments = [str(staged), str(WALKING_BACKEND), str(CHECKOUT), str(log_path), "slow walk"]
    with subprocess.Popen(
        [sys.executable, "-c", script, *arguments], stdout=subprocess.PIPE
    ) as parent:
        assert parent.stdout is not None
        backend, holder = map(int, parent.stdout.readline().split())
        parent.kill()
    try:
        assert ends(backend)
    finally:
        os.kill(holder, signal.SIGKILL)


def test_the_circuit_breaker_stops_what_keeps_ending(
    make_session: Any, addon_package: ModuleType, log_path: Path
) -> None:
    process = addon_package.link.backend_process
    command = [sys.executable, "-c", "raise SystemExit('no such library')"]
    session = make_session(lambda: process.BackendProcess(command, CHECKOUT, log_path))
    for _ in range(3):
        session.start()
        lost = until(session, "Lost")
        assert "no such library" in lost.error.message
    with pytest.raises(addon_package.link.session.PlacidError) as refusal:
        session.start()
    assert refusal.value.code == "backend_unavailable"
    session.restart()
    assert session.state == "starting"


def test_a_missing_environment_is_said(addon_package: ModuleType, log_path: Path) -> None:
    process = addon_package.link.backend_process
    command = process.backend_command(log_path.parent / "no" / "python", log_path)
    with pytest.raises(addon_package.link.session.PlacidError) as error:
        process.BackendProcess(command, CHECKOUT, log_path)
    assert error.value.code == "backend_missing"
    assert "set it up again" in error.value.message


def test_a_log_that_cannot_be_written_is_said(addon_package: ModuleType, tmp_path: Path) -> None:
    blocked = tmp_path / "a file"
    blocked.touch()
    with pytest.raises(addon_package.link.session.PlacidError) as error:
        addon_package.link.backend_process.BackendProcess(
            [sys.executable], CHECKOUT, blocked / "backend.log"
        )
    assert error.value.code == "not_writable"


def announced(version: int, port: int, key: str) -> str:
    """What a backend writes to its parent, whatever it is worth."""
    return msgspec.json.encode(
        {"version": version, "port": port, "server_public_key": key}
    ).decode()


GOOD_KEY = "1" * 40
ANNOUNCED = (
    announced(99, 1, GOOD_KEY),
    announced(PROTOCOL_VERSION, 0, GOOD_KEY),
    announced(PROTOCOL_VERSION, 99999, GOOD_KEY),
    announced(PROTOCOL_VERSION, 40001, "x"),
    announced(PROTOCOL_VERSION, 40001, "~" * 40),
    announced(PROTOCOL_VERSION, 40001, "#" * 40),
    "garbage",
    "[" * 3000,
    "z" * 30_000_000,
)


@pytest.mark.parametrize("line", ANNOUNCED, ids=lambda line: line[:70])
def test_an_announcement_that_is_not_ours_is_said_once_and_ends_that_backend(
    make_session: Any, addon_package: ModuleType, log_path: Path, line: str
) -> None:
    script = "import sys, time; sys.stdout.write(sys.argv[1] * int(sys.argv[2])); print(flush=True)"
    whole, times = (line, 1) if len(line) < 10_000 else (line[0], len(line))
    command = [sys.executable, "-c", f"{script}; time.sleep(600)", whole, str(times)]
    process = addon_package.link.backend_process
    session = make_session(lambda: process.BackendProcess(command, CHECKOUT, log_path))
    job = session.submit(addon_package.shared.protocol.messages.Generate("walk"))
    pid = session._process.pid
    lost = until(session, "Lost")
    assert (lost.error.code, lost.jobs) == ("version_mismatch", (job,))
    assert session.state == "stopped"
    assert session.poll() == [], "nothing of it is left to go wrong again"
    assert ends(pid)


def test_a_failure_of_our_own_ends_that_backend_and_counts_for_the_breaker(
    make_session: Any, processes: Any, addon_package: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError("nobody thought of it")

    monkeypatch.setattr(addon_package.link.client.Client, "poll", fail)
    session = make_session(processes)
    for _ in range(3):
        job = session.submit(addon_package.shared.protocol.messages.Generate("walk"))
        lost = until(session, "Lost")
        assert (lost.error.code, lost.jobs) == ("internal", (job,))
        assert isinstance(lost.error.__cause__, ZeroDivisionError), "for the report"
        assert session.poll() == []
    with pytest.raises(addon_package.shared.errors.PlacidError, match="Restart Backend"):
        session.start()


def test_a_request_that_is_too_large_is_refused_while_the_backend_starts(
    make_session: Any, processes: Any, addon_package: ModuleType
) -> None:
    messages = addon_package.shared.protocol.messages
    session = make_session(processes)
    job = session.submit(messages.Generate("walk"))
    motion = addon_package.shared.motion.motion.Motion(np.zeros((10_000, 22, 3), np.float32))
    with pytest.raises(addon_package.shared.errors.PlacidError, match="at most 2400 frames"):
        session.submit(messages.EditMotion("jump", frames=((10, 40),)), motion)
    assert session.jobs == (job,)
    assert until(session, "Done").job == job


def test_cancelling_while_the_model_loads_waits_for_it_and_harms_nobody(
    make_session: Any, launch_walking: Launch, log_path: Path, addon_package: ModuleType
) -> None:
    session = make_session(lambda: launch_walking(log_path, "late"))
    job = session.submit(addon_package.shared.protocol.messages.Generate("walk"))
    until(session, "Welcome")
    # The job has not begun, so it is given up at once.
    session.cancel(job)
    assert until(session, "Error").code == "cancelled"
    # After an unload the job itself loads the model, five times as long as a cancel may take.
    session.generate(addon_package.shared.protocol.messages.Generate("walk"))
    session._client.unload(1000)
    job = session.submit(addon_package.shared.protocol.messages.Generate("walk"))
    while session.state != "loading":
        session.poll(0.01)
    session.cancel(job)
    error = until(session, "Error")
    assert (error.code, error.job) == ("cancelled", job)
    assert len(session.generate(addon_package.shared.protocol.messages.Generate("walk"))) == 1


def test_a_backend_at_rest_holds_no_memory_and_comes_back(
    make_session: Any, processes: Any, addon_package: ModuleType
) -> None:
    request = addon_package.shared.protocol.messages.Generate("slow walk")
    session = make_session(processes)
    job = session.submit(request)
    until(session, "Progress")
    session.rest()
    assert session.running, "somebody waits for a job"
    session.cancel(job)
    until(session, "Error")
    session.rest()
    assert (session.state, session.running) == ("resting", False)
    assert ends(processes.started[-1].pid)
    assert session.capabilities is not None, "what it offers is still known"
    assert len(session.generate(addon_package.shared.protocol.messages.Generate("walk"))) == 1


def test_a_stolen_port_is_said(addon_package: ModuleType) -> None:
    keys = KeyPair(*(key.decode() for key in zmq.curve_keypair()))
    with socket.create_server(("127.0.0.1", 0)) as thief:
        thief.settimeout(PATIENCE)
        port = thief.getsockname()[1]
        client = addon_package.link.client.Client(
            Connection(Announcement(1, port, keys.public), keys)
        )
        visitor, _ = thief.accept()
        visitor.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        visitor.close()
        assert until(client, "Lost").error.code == "backend_refused"
        client.close()
