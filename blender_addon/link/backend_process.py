"""Starts, watches and ends the backend process; nothing here waits, and nothing knows bpy."""

import contextlib
import os
import re
import subprocess
import threading
import time
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec
import zmq

from ..shared import background
from ..shared.errors import PlacidError
from ..shared.files import last_line
from ..shared.protocol.handshake import (
    MAX_LINE_BYTES,
    Announcement,
    Connection,
    ExitCode,
    Handover,
    KeyPair,
)
from ..shared.protocol.messages import PROTOCOL_VERSION

# So many ends within so many seconds mean that starting it once more will not help.
_BREAKER_ENDS: Final = 3
_BREAKER_SECONDS: Final = 120.0
# Python itself, its libraries and a slow disk; not the model, which loads after the hand-over.
_START_SECONDS: Final = 60.0
_SENTENCES: Final = {
    ExitCode.DONE: "the backend was shut down; generate again to restart it",
    ExitCode.USAGE: "the backend does not understand how it was started; "
    "install the same Placid version for Blender and the backend",
    ExitCode.HUNG: "the generation did not react any more and the backend was stopped; "
    "generate again",
    -9: "the system killed the backend, most likely because the memory ran out; "
    "close other programs or ask for fewer takes, then generate again",
    -11: "the backend crashed; update the graphics driver or choose the device 'cpu'",
    # Windows' code for an access violation.
    0xC0000005: "the backend crashed; update the graphics driver or choose the device 'cpu'",
}


def backend_command(python: Path, log_path: Path) -> list[str]:
    """How the add-on starts the backend in a given environment."""
    return [str(python), "-m", "backend.serving", "--log", str(log_path)]


_NO_LIBRARY: Final = re.compile(r"ModuleNotFoundError: No module named '([\w.]+)'")


class CircuitBreaker:
    """Refuses to start again what keeps ending."""

    def __init__(self) -> None:
        self._ends: deque[float] = deque(maxlen=_BREAKER_ENDS)

    def record_end(self) -> None:
        self._ends.append(time.monotonic())

    def check(self) -> None:
        """Raises PlacidError `backend_unavailable` while starting is pointless."""
        recent = [at for at in self._ends if time.monotonic() - at < _BREAKER_SECONDS]
        if len(recent) == _BREAKER_ENDS:
            raise PlacidError(
                "backend_unavailable",
                f"the backend ended {_BREAKER_ENDS} times within {_BREAKER_SECONDS:g} seconds; "
                "read its log, then press Restart Backend",
            )

    def reset(self) -> None:
        self._ends.clear()


class BackendProcess:
    """One backend process, from start to end.

    Args:
        command: see `backend_command`.
        folder: where the packages `backend` and `shared` are; with more folders to search behind
            it where `launch.search_path` says so.
        log_path: takes what the process says before its own log begins.

    Raises:
        PlacidError: `backend_missing` or `not_writable`.
    """

    def __init__(self, command: Sequence[str], folder: Path | str, log_path: Path) -> None:
        public, secret = zmq.curve_keypair()
        self._keys = KeyPair(public.decode(), secret.decode())
        self._log_path = log_path
        self._deadline = time.monotonic() + _START_SECONDS
        self._line: bytes | None = None
        self._announcement: Announcement | None = None
        self._process = self._spawn(command, folder)
        self._hand_over()
        # A blocking read in a thread is the one way to read a pipe that works on every system.
        threading.Thread(target=self._read_line, name="placid hand-over", daemon=True).start()

    @property
    def pid(self) -> int:
        return self._process.pid

    def connection(self) -> Connection | None:
        """How to reach the backend; None until it has announced itself.

        Raises:
            PlacidError: when it ended, takes too long, or is of another version.
        """
        if error := self.reason():
            raise error
        if self._announcement is None and self._line:
            self._announcement = self._parse(self._line)
        if self._announcement:
            return Connection(self._announcement, self._keys)
        if time.monotonic() > self._deadline:
            raise PlacidError(
                "backend_hung",
                f"the backend did not start within {_START_SECONDS:g} seconds; "
                f"see the log {self._log_path}",
            )
        return None

    def reason(self, patience: float = 0.0) -> PlacidError | None:
        """Why the process ended, `backend_lost`; None if it runs on for `patience` seconds."""
        if patience > 0:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(patience)
        if (code := self._process.poll()) is None:
            return None
        details = {"exit code": str(code), "log": str(self._log_path)}
        return PlacidError("backend_lost", self._sentence(code), details)

    def stop(self) -> None:
        """Kill the process; it has nothing to save. Returns before it has ended."""
        background.kill(self._process)

    def _spawn(self, command: Sequence[str], folder: Path | str) -> subprocess.Popen[bytes]:
        environment = dict(
            os.environ,
            PYTHONPATH=str(folder),
            PYTHONUTF8="1",
            # What the user has installed for another Python is not meant for this one.
            PYTHONNOUSERSITE="1",
            # Nothing is written beside the package.
            PYTHONPYCACHEPREFIX=str(self._log_path.parent / "pycache"),
        )
        # Blender's own Python must not leak into the backend's.
        environment.pop("PYTHONHOME", None)
        try:
            self._log_path.parent.mkdir(parents=True, exist_ok=True)
            log = self._log_path.open("ab")
        except OSError as error:
            raise PlacidError(
                "not_writable",
                f"the log {self._log_path} cannot be written ({error.strerror}); "
                "free some space or choose a folder you may write to",
            ) from error
        with log:
            try:
                return subprocess.Popen(
                    command,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=log,
                    env=environment,
                    cwd=self._log_path.parent,
                    start_new_session=True,
                    creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
                )
            except OSError as error:
                raise PlacidError(
                    "backend_missing",
                    f"the backend cannot be started with {command[0]} ({error.strerror}); "
                    "set it up again in the preferences",
                ) from error

    def _hand_over(self) -> None:
        assert self._process.stdin is not None
        line = msgspec.json.encode(Handover(self._keys.public, os.getpid()))
        # A process that ended already is reported by check().
        with contextlib.suppress(OSError):
            self._process.stdin.write(line + b"\n")
            self._process.stdin.flush()

    def _read_line(self) -> None:
        assert self._process.stdout is not None
        with contextlib.suppress(OSError, ValueError):
            self._line = self._process.stdout.readline(MAX_LINE_BYTES)

    def _parse(self, line: bytes) -> Announcement:
        try:
            announcement = msgspec.json.decode(line, type=Announcement)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            announcement = None
        if announcement is None or announcement.version != PROTOCOL_VERSION:
            raise PlacidError(
                "version_mismatch",
                "the backend is of another version than the add-on; set it up again in the "
                "preferences",
            )
        return announcement

    def _sentence(self, code: int) -> str:
        if sentence := _SENTENCES.get(code):
            return sentence
        last = last_line(self._log_path)
        if lacking := _NO_LIBRARY.match(last):
            return (
                f"the backend's environment lacks the library {lacking[1]!r}; set it up again in "
                "the preferences, or choose a complete environment there"
            )
        if last:
            return f"the backend ended with code {code} ({last}); see the log {self._log_path}"
        return f"the backend ended with code {code}; set it up again in the preferences"
