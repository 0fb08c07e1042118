"""The fault campaign's part inside Blender: the backend cut off, stopped and killed, many times.

Slow, and bounded: run it with `-m slow` and this file. `PLACID_CAMPAIGN` is a file to which every
count is appended as a line of JSON; `docs/reliability.md` has the last ones.
"""

import contextlib
import importlib
import os
import random
import signal
import sys
import threading
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import msgspec
import pytest
from campaign_record import record
from cut_line import CUTS, CutLine

bpy = pytest.importorskip("bpy")

CHECKOUT = Path(__file__).parents[2]
WALKING_BACKEND = CHECKOUT / "tests" / "backend" / "serving" / "walking_backend.py"
CUT_COUNT, KILL_COUNT = 200, 50
MOST_SECONDS = 0.25
PATIENCE = 60.0

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(3600),
    pytest.mark.skipif(sys.platform != "linux", reason="reads what Linux tells of processes"),
]


class Watchdog(threading.Thread):
    """Notes where Blender's main thread is when a step of Placid holds it up for too long.

    A step counts without the time in which the thread could have run and the machine had no
    processor for it; what it computes, and whatever it waits for, counts.

    Attributes:
        longest: seconds of the longest step.
        barks: the stacks of steps that took longer than MOST_SECONDS.
    """

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.longest = 0.0
        self.barks: list[str] = []
        self._main = threading.get_ident()
        self._task = Path(f"/proc/self/task/{threading.get_native_id()}/schedstat")
        self._began: float | None = None
        self._over = threading.Event()
        self._told = False

    @contextlib.contextmanager
    def step(self, what: str) -> Iterator[None]:
        """Watch over what the main thread does inside."""
        self._told, self._began = False, self._now()
        try:
            yield
        finally:
            took, self._began = self._now() - self._began, None
            self.longest = max(self.longest, took)
            if took > MOST_SECONDS and not self._told:
                self.barks.append(f"{what} took {took:.3f} s")

    def run(self) -> None:
        while not self._over.wait(0.02):
            began = self._began
            if began is not None and not self._told and self._now() - began > MOST_SECONDS:
                self._told = True
                frame: FrameType | None = sys._current_frames().get(self._main)
                self.barks.append("".join(traceback.format_stack(frame)))

    def _now(self) -> float:
        """A clock that stands still while the main thread is due and no processor is free."""
        _, waited_for_processor, _ = self._task.read_text().split()
        return time.monotonic() - int(waited_for_processor) / 1e9

    def stop(self) -> None:
        self._over.set()
        self.join()


@pytest.fixture
def watchdog() -> Iterator[Watchdog]:
    dog = Watchdog()
    dog.start()
    yield dog
    dog.stop()


class Rounds:
    """Generations with a backend behind a line that can be cut; remembers every backend."""

    def __init__(self, placid: Any, folder: Path, watchdog: Watchdog) -> None:
        self.placid, self.watchdog = placid, watchdog
        self.pids: list[int] = []
        self.lines: list[CutLine] = []
        # The one to the running backend, and how it will be cut if it is not there yet.
        self.line: CutLine | None = None
        self.coming: Any = None
        self._folder = folder
        current = placid.core.runtime.get()
        current.session = placid.link.session.Session(self._launch)
        placid.link.launch.preferences().python_path = sys.executable

    @property
    def runtime(self) -> Any:
        return self.placid.core.runtime.get()

    def _launch(self) -> Any:
        rounds, log = self, self._folder / "backend.log"
        command = [sys.executable, str(WALKING_BACKEND), "whole", str(log)]

        class Process(self.placid.link.backend_process.BackendProcess):  # type: ignore[misc, name-defined]
            """The backend behind the line."""

            def connection(self) -> Any:
                found = super().connection()
                if found is None:
                    return None
                rounds.lines.append(CutLine(found.announcement.port))
                rounds.line = rounds.lines[-1]
                if rounds.coming:
                    rounds.line.cut(rounds.coming)
                announcement = msgspec.structs.replace(
                    found.announcement, port=rounds.lines[-1].port
                )
                return msgspec.structs.replace(found, announcement=announcement)

        self.line = self.coming = None
        process = Process(command, CHECKOUT, log)
        self.pids.append(process.pid)
        return process

    def begin(self, number: int) -> Any:
        """Ask for three takes, as the panel's button does; starts the backend when it is gone."""
        settings = bpy.context.scene.placid
        settings.prompt, settings.seconds, settings.take_count = f"a brisk walk {number}", 1.0, 3
        settings.seed, settings.lock_seed = 10 * number, True
        self.runtime.session._breaker.reset()
        with self.watchdog.step("generate"):
            assert bpy.ops.placid.generate() == {"FINISHED"}
        return self.runtime.job

    def tick(self) -> None:
        with self.watchdog.step("tick"):
            self.runtime.tick(0.0)
        time.sleep(0.005)

    def check(self, job: Any, number: int, counts: Counter[str]) -> None:
        """Whether the takes that arrived are there, whole and rightly named."""
        takes = bpy.context.scene.placid.takes
        counts["takes"] += len(job.takes)
        for place, name in enumerate(job.takes):
            take = takes.get(name)
            if take is None:
                counts["lost takes"] += 1
                continue
            motion = self.placid.core.takes.unpack_motion(take.motion)
            told = (take.prompt, take.seed, motion.prompt, motion.seed)
            prompt, seed = f"a brisk walk {number}", 10 * number + place
            counts["wrong labels"] += told != (prompt, seed, prompt, seed)
        counts["lost takes"] += abs(len(takes) - len(job.takes))
        takes.clear()

    def orphans(self) -> int:
        """Backends that run on though Blender knows nothing of them any more."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline and any(map(_runs, self.pids)):
            time.sleep(0.05)
        return sum(map(_runs, self.pids))

    def close(self) -> None:
        for line in self.lines:
            line.close()


@pytest.fixture
def rounds(
    blank: Any, tmp_path: Path, watchdog: Watchdog, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Rounds]:
    # A silent backend is waited for a small part of the usual time, or the campaign took hours.
    monkeypatch.setattr(blank.link.client, "HEARTBEAT_SECONDS", 0.1)
    monkeypatch.setattr(blank.link.client, "LOADING_LIVENESS", 20)
    monkeypatch.setattr(blank.link.backend_process, "_START_SECONDS", 6.0)
    made = Rounds(blank, tmp_path, watchdog)
    importlib.import_module(f"{blank.__name__}.character.armature").create_character(bpy.context)
    yield made
    made.close()
    blank.link.launch.preferences().python_path = ""


def _runs(pid: int) -> bool:
    try:
        # Numbers of processes come again: another program may have this one by now.
        if b"walking_backend" not in Path(f"/proc/{pid}/cmdline").read_bytes():
            return False
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _campaign(
    rounds: Rounds, count: int, faults: tuple[str, ...], span: float, seed: int
) -> Counter[str]:
    """Generate until `count` faults have struck, each at a random moment of `span` seconds."""
    chance = random.Random(seed)
    counts: Counter[str] = Counter({"hangs": 0, "tracebacks": 0, "lost takes": 0})
    counts.update({"orphans": 0, "wrong labels": 0, "takes": 0})
    number = strikes = 0
    while strikes < count and number < 2 * count:
        number += 1
        # Every third round begins with the launch; the others find the backend of the last one.
        if number % 3 == 0:
            with rounds.watchdog.step("stop"):
                rounds.runtime.stop_backend()
        rounds.runtime.tracebacks.clear()
        job = rounds.begin(number)
        fault, delay = chance.choice(faults), chance.uniform(0.0, span)
        # Some strike while the backend starts, most while it works: a busy machine starts slowly.
        while_it_works = chance.random() < 0.7
        moment = None if while_it_works else time.monotonic() + delay
        deadline = time.monotonic() + PATIENCE
        struck = False
        while not job.over:
            if moment is None and rounds.runtime.session.state == "ready":
                moment = time.monotonic() + delay
            if not struck and moment is not None and time.monotonic() > moment:
                struck = True
                _strike(rounds, fault)
                counts[fault] += 1
            rounds.tick()
            if time.monotonic() > deadline:
                counts["hangs"] += 1
                break
        strikes += struck
        counts["generations"] += 1
        counts["cut short" if job.error else "complete"] += 1
        counts["tracebacks"] += len(rounds.runtime.tracebacks)
        rounds.check(job, number, counts)
    job = rounds.begin(0)
    deadline = time.monotonic() + PATIENCE
    while not job.over and time.monotonic() < deadline:
        rounds.tick()
    assert job.over, "the backend works again after all that"
    assert job.error is None
    with rounds.watchdog.step("unregister"):
        rounds.placid.core.runtime.unregister()
    counts["orphans"] = rounds.orphans()
    counts["steps over 250 ms"] = len(rounds.watchdog.barks)
    return counts


def _strike(rounds: Rounds, fault: str) -> None:
    pid = rounds.pids[-1]
    if fault in CUTS:
        if rounds.line is None:
            rounds.coming = fault
        else:
            rounds.line.cut(fault)
        return
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, getattr(signal, fault))


def _hold(counts: Counter[str], watchdog: Watchdog, name: str) -> None:
    record(name, counts, longest_step_ms=round(1000 * watchdog.longest, 1))
    assert not watchdog.barks, watchdog.barks[0]
    for what in ("hangs", "tracebacks", "lost takes", "orphans", "wrong labels"):
        assert counts[what] == 0, counts


def test_two_hundred_cuts_of_the_connection_never_hold_blender_up(
    rounds: Rounds, watchdog: Watchdog
) -> None:
    counts = _campaign(rounds, CUT_COUNT, (*CUTS, "SIGKILL", "SIGSTOP"), 1.1, seed=12)
    _hold(counts, watchdog, "cuts of the connection")


def test_fifty_kills_of_the_backend_lose_no_take(rounds: Rounds, watchdog: Watchdog) -> None:
    counts = _campaign(
        rounds, KILL_COUNT, ("SIGKILL", "SIGSEGV", "SIGTERM", "SIGABRT"), 1.8, seed=13
    )
    _hold(counts, watchdog, "kills of the backend")
