"""Birth, failures and death of backend processes, as the add-on and a person see them."""

import contextlib
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import zmq

from shared.protocol.handshake import Announcement, Connection, ExitCode, KeyPair, read_connection

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


def test_a_backend_of_another_version_is_said(
    make_session: Any, addon_package: ModuleType, log_path: Path
) -> None:
    line = '{"version": 99, "port": 1, "server_public_key": "x"}'
    command = [sys.executable, "-c", f"print('{line}', flush=True); input(); input()"]
    process = addon_package.link.backend_process
    session = make_session(lambda: process.BackendProcess(command, CHECKOUT, log_path))
    session.start()
    assert until(session, "Lost").error.code == "version_mismatch"


def test_a_stolen_port_is_said(addon_package: ModuleType) -> None:
    keys = KeyPair(*(key.decode() for key in zmq.curve_keypair()))
    with socket.create_server(("127.0.0.1", 0)) as thief:
        port = thief.getsockname()[1]
        client = addon_package.link.client.Client(
            Connection(Announcement(1, port, keys.public), keys)
        )
        visitor, _ = thief.accept()
        visitor.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        visitor.close()
        assert until(client, "Lost").error.code == "backend_refused"
        client.close()


@pytest.fixture
def by_hand(tmp_path: Path, log_path: Path) -> Iterator[tuple[Any, Path]]:
    """A backend started without a parent, and its connection file."""
    path = tmp_path / "run" / "connection.json"
    command = [sys.executable, str(WALKING_BACKEND), "by-hand", str(log_path), str(path)]
    environment = dict(os.environ, PYTHONPATH=str(CHECKOUT))
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as process:
        assert process.stdout is not None
        assert str(path) in process.stdout.readline().decode()
        yield process, path
        with contextlib.suppress(ProcessLookupError):
            process.kill()


def test_by_hand_the_owner_alone_can_connect_and_end_it(
    by_hand: tuple[Any, Path], addon_package: ModuleType
) -> None:
    process, path = by_hand
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    client = addon_package.link.client.Client(read_connection(path))
    client.submit(1, addon_package.shared.protocol.messages.Generate("walk"))
    until(client, "Done")
    client.shutdown()
    until(client, "Lost")
    client.close()
    assert process.wait(PATIENCE) == 0
    assert not path.exists()


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_by_hand_a_signal_ends_it_cleanly(
    by_hand: tuple[Any, Path], addon_package: ModuleType, how: signal.Signals
) -> None:
    process, path = by_hand
    with contextlib.closing(addon_package.link.client.Client(read_connection(path))) as client:
        until(client, "Welcome")
        process.send_signal(how)
        assert process.wait(PATIENCE) == 0
        assert not path.exists()


def test_a_backend_without_a_usable_hand_over_says_so(log_path: Path) -> None:
    environment = dict(os.environ, PYTHONPATH=str(CHECKOUT))
    result = subprocess.run(
        [sys.executable, str(WALKING_BACKEND), "whole", str(log_path)],
        input=b"not json\n",
        capture_output=True,
        env=environment,
    )
    assert result.returncode != 0
    assert not log_path.exists()
    assert b"handed over no usable key" in result.stderr
