"""Files and folders in the system's own programs."""

import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from ..shared.errors import PlacidError

LONGEST_START = 1.0  # seconds


def open_in_system(path: Path) -> None:
    """Show a file or a folder. Raises PlacidError `no_viewer`.

    Blender's own operator reports success even where there is nothing to open with.
    """
    try:
        if sys.platform == "win32":
            os.startfile(path)
        else:
            _launch(["open" if sys.platform == "darwin" else "xdg-open", str(path)])
    except (OSError, subprocess.CalledProcessError) as error:
        kind = "folders" if path.is_dir() else "files"
        raise PlacidError("no_viewer", f"the system opens no {kind} here; it is {path}") from error


def _launch(command: list[str]) -> None:
    program = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    # Some openers end at once, others with the window that they opened: Blender must not wait.
    with suppress(subprocess.TimeoutExpired):
        if code := program.wait(timeout=LONGEST_START):
            raise subprocess.CalledProcessError(code, command)
