"""The fault campaign outside Blender: parents killed, messages mutated, batches killed.

Slow, and bounded; see `tests/blender_addon/test_campaign_in_blender.py` for the rest of it.
"""

import contextlib
import hashlib
import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import zmq
from campaign_record import record
from mutated_messages import COUNT, Mutations

from shared.batch.journal import JOURNAL
from shared.protocol.framing import pack, pack_submit, unpack
from shared.protocol.messages import Done, Error, Generate, Hello, Ping, Pong, Result, Welcome
from shared.protocol.sockets import Sockets

CHECKOUT = Path(__file__).parents[2]
WALKING_BACKEND = CHECKOUT / "tests" / "backend" / "serving" / "walking_backend.py"
BATCH_PROGRAM = CHECKOUT / "tests" / "backend" / "filming" / "batch_program.py"
PATIENCE = 60.0
ROWS = 200

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(1800),
    pytest.mark.skipif(os.name == "nt", reason="needs POSIX signals"),
]

PARENT = """
import sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from placid.link.session import BackendProcess, Session
from placid.shared.protocol.messages import Generate
command = [sys.executable, sys.argv[2], "whole", sys.argv[4]]
def launch():
    process = BackendProcess(command, Path(sys.argv[3]), Path(sys.argv[4]))
    print(process.pid, flush=True)
    return process
session = Session(launch)
session.submit(Generate("a slow walk", takes=64))
while True:
    session.poll(1.0)
"""


def runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_fifty_killed_parents_leave_no_backend_behind(
    addon_package: ModuleType, tmp_path: Path
) -> None:
    chance = random.Random(14)
    staged = str(Path(addon_package.__path__[0]).parent)
    log = tmp_path / "backend.log"
    command = [sys.executable, "-c", PARENT, staged, str(WALKING_BACKEND), str(CHECKOUT), str(log)]
    counts: Counter[str] = Counter(kills=0, orphans=0, tracebacks=0)
    longest = 0.0
    for number in range(50):
        with subprocess.Popen(command, stdout=subprocess.PIPE) as parent:
            assert parent.stdout is not None
            backend = int(parent.stdout.readline())
            # Every other one before the backend has announced itself.
            time.sleep(chance.uniform(0.0, 0.4) if number % 2 else chance.uniform(0.0, 3.0))
            parent.kill()
            counts["kills"] += 1
        began = time.monotonic()
        while runs(backend) and time.monotonic() - began < 20.0:
            time.sleep(0.01)
        longest = max(longest, time.monotonic() - began)
        if runs(backend):
            counts["orphans"] += 1
            os.kill(backend, signal.SIGKILL)
    counts["tracebacks"] = log.read_text().count("Traceback")
    record("kills of the parent", counts, longest_end_s=round(longest, 2))
    assert counts["orphans"] == counts["tracebacks"] == 0, counts


class Dealer:
    """An admitted client without any of our client's care."""

    def __init__(self, sockets: Sockets, connection: Any) -> None:
        keys = connection.client_keys
        self._socket = sockets.open(zmq.DEALER)
        self._socket.sndtimeo = self._socket.rcvtimeo = 20_000
        self._socket.rcvhwm = 0
        self._socket.curve_publickey = keys.public.encode()
        self._socket.curve_secretkey = keys.secret.encode()
        self._socket.curve_serverkey = connection.announcement.server_public_key.encode()
        self._socket.connect(f"tcp://127.0.0.1:{connection.announcement.port}")

    def send(self, frames: list[bytes]) -> None:
        self._socket.send_multipart(frames)

    def until(self, meant: Callable[[Any], bool]) -> list[Any]:
        """Every message up to the first that is meant."""
        got: list[Any] = []
        while not got or not meant(got[-1]):
            message, _ = unpack(self._socket.recv_multipart())
            if isinstance(message, Ping):
                self.send(pack(Pong()))
            else:
                got.append(message)
        return got


@pytest.fixture
def sockets() -> Iterator[Sockets]:
    made = Sockets()
    yield made
    made.close()


def test_three_thousand_mutated_messages_harm_nobody(
    launch_walking: Callable[..., Any], sockets: Sockets, tmp_path: Path
) -> None:
    log = tmp_path / "backend.log"
    process = launch_walking(log)
    deadline = time.monotonic() + PATIENCE
    while (connection := process.connection()) is None:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    kinds = Mutations(seed=15).kinds()
    counts: Counter[str] = Counter(messages=0, hangs=0, tracebacks=0)
    counts.update({"wrong labels": 0, "lost takes": 0, "answered with a sentence": 0})
    probe, number = Dealer(sockets, connection), 0
    each = -(-COUNT // len(kinds))
    for make in kinds.values():
        hostile = Dealer(sockets, connection)
        for _ in range(min(each, COUNT - counts["messages"])):
            hostile.send(make())
            counts["messages"] += 1
        # All of them have been read when the answer to what was sent last is there.
        hostile.send(pack(Hello("the last")))
        with contextlib.suppress(zmq.Again):
            got = hostile.until(lambda message: isinstance(message, Welcome))
            counts["answered with a sentence"] += sum(isinstance(m, Error) for m in got)
        number += 1
        try:
            probe.send(pack_submit(number, Generate("a walk", seconds=1.0, takes=2, seed=number)))
            got = probe.until(lambda message: isinstance(message, Done | Error))
        except zmq.Again:
            counts["hangs"] += 1
            continue
        results = [message for message in got if isinstance(message, Result)]
        counts["lost takes"] += 2 - len(results)
        told = [(m.job, m.take, m.clip.prompt, m.clip.seed) for m in results]
        wanted = [(number, take, "a walk", number + take) for take in range(2)]
        counts["wrong labels"] += told != wanted
    assert process.reason() is None, "the backend runs on"
    process.stop()
    text = log.read_text()
    counts["tracebacks"] = text.count("Traceback")
    counts["forged lines"] = len(re.findall("^ERROR a forged", text, re.MULTILINE))
    record("mutated messages", counts)
    for what in ("hangs", "tracebacks", "lost takes", "wrong labels", "forged lines"):
        assert counts[what] == 0, counts
    assert counts["messages"] == COUNT


def _batch(table: Path, out: Path, log: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, str(BATCH_PROGRAM), "batch", str(table), "--out", str(out)]
    environment = {"PYTHONPATH": str(CHECKOUT), "PATH": ""}
    with log.open("ab") as file:
        return subprocess.Popen(
            command, cwd=CHECKOUT, env=environment, stdout=file, stderr=subprocess.STDOUT
        )


def _digests(folder: Path) -> dict[str, str]:
    files = [path for path in folder.rglob("*") if path.is_file() and path.suffix != ".jsonl"]
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
    }


def _keys(folder: Path) -> list[str]:
    return [json.loads(line)["key"] for line in (folder / JOURNAL).read_text().splitlines()]


def test_ten_kills_of_a_batch_of_two_hundred_rows_leave_no_trace(tmp_path: Path) -> None:
    chance = random.Random(16)
    table = tmp_path / "table.csv"
    rows = [f"a person walks {n % 7},{1 + n % 4 * 0.5},{1 + n % 2},{n}" for n in range(ROWS)]
    table.write_text("\n".join(["prompt,seconds,takes,seed", *rows]) + "\n")
    killed, whole, log = tmp_path / "killed", tmp_path / "whole", tmp_path / "log"
    counts: Counter[str] = Counter(kills=0, tracebacks=0)
    counts.update({"lost takes": 0, "wrong labels": 0, "hangs": 0})
    journal = killed / JOURNAL
    for number in range(10):
        process = _batch(table, killed, log)
        # From the first kill to the last, each is somewhere further on in the table.
        enough = number * (3 * ROWS // 2) // 11 + 1
        deadline = time.monotonic() + PATIENCE
        while process.poll() is None and time.monotonic() < deadline:
            if journal.exists() and journal.read_bytes().count(b"\n") >= enough:
                break
            time.sleep(0.001)
        time.sleep(chance.uniform(0.0, 0.02))
        counts["kills"] += process.poll() is None
        process.kill()
        process.wait(PATIENCE)
    for folder in (killed, whole):
        try:
            assert _batch(table, folder, log).wait(600) == 0, log.read_text()[-2000:]
        except subprocess.TimeoutExpired:
            counts["hangs"] += 1
    one, other = _digests(killed), _digests(whole)
    counts["lost takes"] = len(other.keys() - one.keys()) + len(one.keys() - other.keys())
    counts["wrong labels"] = sum(one[name] != other[name] for name in one.keys() & other.keys())
    counts["results"] = len(_keys(killed))
    counts["tracebacks"] = log.read_text().count("Traceback")
    record("kills of a batch", counts)
    assert Counter(_keys(killed)) == Counter(_keys(whole))
    assert counts["kills"] == 10, counts
    for what in ("hangs", "tracebacks", "lost takes", "wrong labels"):
        assert counts[what] == 0, counts
