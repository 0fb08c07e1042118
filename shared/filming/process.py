"""The process that films motions in Blender: starting it, giving orders, hearing answers."""

import contextlib
import os
import queue
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec

from .. import background
from ..errors import PlacidError
from ..files import last_line
from .orders import (
    Animations,
    Answer,
    Drawn,
    Failed,
    Film,
    Filmed,
    Order,
    Ready,
    Sheet,
    decode_answer,
    encode_order,
)

# How an order ends.
Done = Filmed | Animations | Failed

# Blender itself, its add-ons and a slow disk.
_START_SECONDS: Final = 120.0
_EXIT_SECONDS: Final = 5.0
# Without a graphics driver, Blender itself ends as soon as these engines begin.
_NO_DRIVER: Final = {
    "workbench": "Workbench needs a graphics driver, Cycles does not",
    "eevee": "EEVEE needs a good graphics driver; Workbench needs less and Cycles none",
}
# Runs inside Blender's Python, wherever the add-on lies: its package is put together from folders,
# so that neither an installed extension nor the settings of the user's Blender take part.
_BOOT: Final = """
import sys, types
package = types.ModuleType("placid")
package.__path__ = {folders!r}
sys.modules["placid"] = package
try:
    import msgspec, numpy
except ImportError:
    sys.path.append({libraries!r})
try:
    from placid.filming import film_worker
except ImportError as error:
    raise SystemExit(f"placid: {{error}}")
film_worker.main()
"""


def worker_command(blender: Path, is_python: bool, folders: Sequence[Path]) -> list[str]:
    """How to start the process.

    Args:
        blender: a Blender executable, or a Python that has Blender as the module bpy.
        is_python: which of the two.
        folders: where the add-on's modules and the package `shared` are.
    """
    libraries = str(Path(msgspec.__file__).parents[1])
    boot = _BOOT.format(folders=[str(folder) for folder in folders], libraries=libraries)
    if is_python:
        return [str(blender), "-c", boot]
    return [
        *(str(blender), "--background", "--factory-startup", "--python-exit-code", "1"),
        *("--python-expr", boot),
    ]


class RenderProcess:
    """One process, from start to end; it does one order after the other.

    Args:
        command: see `worker_command`.
        log_path: takes Blender's own talk.

    Attributes:
        fraction: how much of a film that is being made is there, 0 to 1.

    Raises:
        PlacidError: `no_blender` or `not_writable`.
    """

    def __init__(self, command: Sequence[str], log_path: Path) -> None:
        self._program = command[0]
        self._log_path = log_path
        self._ready = False
        self.fraction = 0.0
        self._engine = ""
        self._silent_at: float | None = None
        self._deadline = time.monotonic() + _START_SECONDS
        self._lines: queue.Queue[bytes | None] = queue.Queue()
        # A Blender that starts without add-ons removes the libraries of all extensions from its
        # profile, so this one gets a profile of its own.
        self._profile = tempfile.TemporaryDirectory(prefix="placid-", ignore_cleanup_errors=True)
        self._process = self._spawn(command)
        # A blocking read in a thread is the one way to read a pipe that works on every system.
        threading.Thread(target=self._read, name="placid films", daemon=True).start()

    def send(self, order: Order) -> None:
        """Give an order; the answer comes through `poll`. A dead process is found out there."""
        assert self._process.stdin is not None
        self.fraction = 0.0
        self._engine = order.look.engine if isinstance(order, Film | Sheet) else ""
        with contextlib.suppress(OSError):
            self._process.stdin.write(encode_order(order))
            self._process.stdin.flush()

    def poll(self, timeout: float = 0.0) -> Done | None:
        """The answer to the last order, or None when it is not there after `timeout` seconds.

        Raises:
            PlacidError: `no_blender` when the process cannot start, `render_lost` when it ended.
        """
        answer = self._next(timeout)
        while isinstance(answer, Drawn):
            # There may be many, with the end of the order behind them.
            self.fraction = answer.fraction
            answer = self._next(0.0)
        return answer

    def _next(self, timeout: float) -> Done | Drawn | None:
        """What the process says next, or None when it says nothing."""
        try:
            line = self._lines.get(timeout > 0, timeout or None)
        except queue.Empty:
            if not self._ready and time.monotonic() > self._deadline:
                raise PlacidError(
                    "no_blender",
                    f"Blender did not start within {_START_SECONDS:g} seconds; "
                    f"read {self._log_path}",
                ) from None
            return None
        if line is None:
            # Nothing follows; the exit code may take a moment, and is not waited for.
            self._lines.put(None)
            self._silent_at = self._silent_at or time.monotonic()
            still_runs = self._process.poll() is None
            if still_runs and time.monotonic() - self._silent_at < _EXIT_SECONDS:
                return None
            raise self._lost()
        answer = self._parse(line)
        if isinstance(answer, Ready):
            self._ready = True
            return None
        return answer

    def stop(self, afterwards: Callable[[], object] = lambda: None) -> None:
        """Kill the process and return; its profile is removed when it has ended.

        Args:
            afterwards: done then as well.
        """

        def clean() -> None:
            self._profile.cleanup()
            afterwards()

        background.kill(self._process, clean)

    def _spawn(self, command: Sequence[str]) -> subprocess.Popen[bytes]:
        # The variables that lead one Python to another one's libraries stay out.
        variables: Mapping[str, str] = {
            key: value
            for key, value in os.environ.items()
            if key not in ("PYTHONHOME", "PYTHONPATH") and not key.startswith("BLENDER_USER_")
        }
        profile = {"BLENDER_USER_RESOURCES": self._profile.name}
        try:
            log = self._log_path.open("ab")
        except OSError as error:
            raise PlacidError(
                "not_writable",
                f"{self._log_path} cannot be written ({error.strerror}); choose another folder",
            ) from error
        with log:
            try:
                return subprocess.Popen(
                    command,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=log,
                    env={**variables, **profile},
                )
            except OSError as error:
                raise PlacidError(
                    "no_blender",
                    f"{command[0]} cannot be started ({error.strerror}); choose Blender's program",
                ) from error

    def _read(self) -> None:
        assert self._process.stdout is not None
        with contextlib.suppress(OSError, ValueError):
            for line in self._process.stdout:
                self._lines.put(line)
        self._lines.put(None)

    def _parse(self, line: bytes) -> Answer | None:
        try:
            return decode_answer(line)
        except msgspec.MsgspecError:
            return None

    def _lost(self) -> PlacidError:
        code = self._process.poll()
        if not self._ready:
            reason = last_line(self._log_path) or f"exit code {code}"
            return PlacidError(
                "no_blender",
                f"{self._program} cannot film ({reason}); give "
                "another Blender, or a Python that has bpy, numpy and msgspec",
            )
        again = "start again (a batch goes on where it was)"
        if self._engine in _NO_DRIVER:
            again += f", with another engine if this repeats: {_NO_DRIVER[self._engine]}"
        work = f"filming with {self._engine}" if self._engine else "reading or writing a file"
        return PlacidError(
            "render_lost",
            f"Blender ended while {work} (exit code {code}; see {self._log_path}); {again}",
        )
