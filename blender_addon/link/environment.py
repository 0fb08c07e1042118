"""Makes the backend's virtual environment in the background: processes that are polled, no bpy."""

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from ..shared import background
from ..shared.environments import environment_python
from ..shared.errors import PlacidError
from ..shared.libraries import PIP_OPTIONS, count_libraries, library_lists
from .made_environment import MARK, digest

_LOG_LINES = 4
_PIECE_BYTES = 64 * 1024
# Runs a tool and ends it when its own input is closed, so also when Blender is killed: a pip left
# behind would write into the environment that the next set-up makes.
_GUARD = """
import os, subprocess, sys, threading
tool = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL)
threading.Thread(target=lambda: os.read(0, 1) or tool.kill(), daemon=True).start()
os._exit(abs(tool.wait()) % 256)
"""


@dataclass(frozen=True)
class _Step:
    label: str
    command: Sequence[str]


class Setup:
    """One run of the set-up. Call `poll` now and then; nothing here waits.

    The environment is made beside the place where it shall be and takes that place when it is
    complete, so an earlier one stays usable until then and after a failure. What an interrupted run
    left behind is removed at the next start; what it had downloaded is not downloaded again. Old
    folders are moved aside, which takes no time, and removed in the background.

    Args:
        folder: where the environment shall be.
        requirements: the list of libraries, beside those for PyTorch's builds.
        log_path: takes what the tools say.
        build: PyTorch's build: `auto`, `cpu` or `cuda`; Apple's computers have only one.

    Attributes:
        label: what is being done, for people.
        detail: the last line the running tool wrote.
        recent: the last lines, for people.
        fraction: 0 to 1.

    Raises:
        PlacidError: `backend_missing` or `not_writable`.
    """

    def __init__(
        self, folder: Path, requirements: Path, log_path: Path, build: str = "auto"
    ) -> None:
        self._lists = library_lists(requirements, build)
        for path in self._lists:
            if not path.is_file():
                raise PlacidError(
                    "backend_missing",
                    f"the list of libraries {path} is missing; install the extension again",
                )
        self._folder, self._requirements, self._log_path = folder, requirements, log_path
        self._unfinished = folder.with_name(f"{folder.name}-unfinished")
        self._downloads = folder.with_name(f"{folder.name}-downloads")
        self._expected = max(1, count_libraries(self._lists))
        self._steps = self._plan()
        self._index = 0
        self._log = self._prepare()
        self.label = ""
        self.detail = ""
        self.recent: tuple[str, ...] = ()
        self.fraction = 0.0
        self._read = self._fetched = 0
        self._no_ensurepip = False
        self._process = self._start()

    def poll(self) -> bool:
        """Whether the environment is complete. Raises PlacidError `setup_failed`."""
        code = self._process.poll()
        behind = self._read_progress(ended=code is not None)
        if code is None or behind:
            return False
        if code != 0:
            self._log.close()
            raise PlacidError("setup_failed", self._failure(code))
        self._index += 1
        if self._index < len(self._steps):
            self._process = self._start()
            return False
        self._log.close()
        self._take_place()
        self.fraction = 1.0
        return True

    def cancel(self) -> None:
        """End the running tool; an earlier environment stays as it was."""
        # The tool ends when its guard's input closes; see `_GUARD`.
        assert self._process.stdin is not None
        self._process.stdin.close()
        background.collect(self._process)
        self._log.close()

    def _failure(self, code: int) -> str:
        if self._no_ensurepip:
            return (
                f"Blender's Python {sys.version_info[0]}.{sys.version_info[1]} comes from the "
                "system and cannot make environments; install the system's package python3-venv, "
                "then set up again"
            )
        return (
            f"{self.label.lower()} failed ({self.detail or f'code {code}'}); "
            f"see the log {self._log_path}, then set up again"
        )

    def _plan(self) -> list[_Step]:
        python = str(environment_python(self._unfinished))
        pip = [python, "-m", "pip", "--disable-pip-version-check", "--no-input"]
        install = [*pip, "install", "--progress-bar", "off", "--cache-dir", str(self._downloads)]
        install += PIP_OPTIONS
        environment = [sys.executable, "-m", "venv", str(self._unfinished)]
        # One by one: a list may name a page of files of its own, which is none for the others.
        return [
            _Step("Making an environment", environment),
            *(_Step("Installing libraries", [*install, "-r", str(path)]) for path in self._lists),
        ]

    def _take_place(self) -> None:
        """Put the finished environment where the earlier one is."""
        try:
            (self._unfinished / MARK).write_text(digest(self._requirements))
            # Nothing in an environment but the scripts that nobody runs knows where it lies.
            background.replace(self._unfinished, self._folder)
            background.remove(self._downloads)
        except OSError as error:
            raise PlacidError("setup_failed", _not_changed(error)) from error

    def _prepare(self) -> IO[bytes]:
        try:
            background.remove(self._unfinished)
            self._log_path.parent.mkdir(parents=True, exist_ok=True)
            return self._log_path.open("wb")
        except OSError as error:
            raise PlacidError("not_writable", _not_changed(error)) from error

    def _start(self) -> subprocess.Popen[bytes]:
        step = self._steps[self._index]
        self.label = step.label
        self._installing = False
        # Blender's own Python settings must not leak into the new environment.
        environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONHOME", "PYTHONPATH")}
        try:
            return subprocess.Popen(
                [sys.executable, "-c", _GUARD, *step.command],
                stdin=subprocess.PIPE,
                stdout=self._log,
                stderr=subprocess.STDOUT,
                env=environment,
                creationflags=subprocess.CREATE_NO_WINDOW if sys.platform == "win32" else 0,
            )
        except OSError as error:
            self._log.close()
            raise PlacidError(
                "setup_failed",
                f"{sys.executable} cannot be run ({error.strerror}); choose an existing "
                "environment in the preferences instead",
            ) from error

    def _read_progress(self, ended: bool) -> bool:
        """Read a bounded piece of the log; returns whether more of it is there already."""
        try:
            with self._log_path.open("rb") as log:
                log.seek(self._read)
                piece = log.read(_PIECE_BYTES)
        except OSError:
            return False
        behind = len(piece) == _PIECE_BYTES
        # A line that is still being written is read when it is whole.
        whole = piece if behind or ended else piece[: piece.rfind(b"\n") + 1]
        self._read += len(whole)
        lines = whole.decode(errors="replace").splitlines()
        self.recent = (*self.recent, *(line.strip()[:120] for line in lines if line.strip()))
        self.recent = self.recent[-_LOG_LINES:]
        self.detail = self.recent[-1] if self.recent else ""
        # pip names every library once while it fetches; installing them is the last tenth.
        self._fetched += sum(line.startswith("Collecting ") for line in lines)
        self._installing |= any(line.startswith("Installing collected") for line in lines)
        self._no_ensurepip |= any("ensurepip is not available" in line for line in lines)
        share = min(1.0, self._fetched / self._expected)
        is_last = self._index == len(self._steps) - 1
        start = 0.05 * (self._index > 0)
        self.fraction = 0.9 if self._installing and is_last else start + 0.8 * share
        return behind


def _not_changed(error: OSError) -> str:
    return (
        f"{error.filename} cannot be changed ({error.strerror}); "
        "close what uses it or free some space, then set up again"
    )
