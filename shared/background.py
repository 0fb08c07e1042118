"""What may take long, done where nobody waits: ending processes and removing folders.

A killed process may need its time to end, when a disk or a driver holds it; a pipe may stay open
with a grandchild; an environment of 40,000 files takes minutes to remove on a busy disk. Blender's
main thread waits for none of that.
"""

import contextlib
import logging
import os
import shutil
import subprocess
import threading
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

_ASIDE: Final = ".aside"

log = logging.getLogger(__name__)


def run(task: Callable[[], object], name: str) -> threading.Thread:
    """Do something in a thread that neither holds up the program's end nor fails unseen."""

    def work() -> None:
        try:
            task()
        except Exception:
            log.exception("%s failed", name)

    thread = threading.Thread(target=work, name=f"placid {name}", daemon=True)
    thread.start()
    return thread


def kill(
    process: subprocess.Popen[Any], afterwards: Callable[[], object] = lambda: None
) -> threading.Thread:
    """Kill a process now; in the background wait for its end, do what follows, close its pipes."""
    with contextlib.suppress(OSError):
        process.kill()
    return collect(process, afterwards)


def collect(
    process: subprocess.Popen[Any], afterwards: Callable[[], object] = lambda: None
) -> threading.Thread:
    """Wait in the background for a process that is about to end; see `kill`."""

    def work() -> None:
        process.wait()
        try:
            afterwards()
        finally:
            # Last, because it waits for whoever reads the pipe, and so for a grandchild's end.
            for pipe in (process.stdin, process.stdout):
                if pipe:
                    with contextlib.suppress(OSError):
                        pipe.close()

    return run(work, "end of a process")


def remove(folder: Path) -> None:
    """Free the place of a folder at once; what lay there is removed in the background.

    Raises:
        OSError: it cannot be moved.
    """
    _move_aside(folder)
    sweep(folder.parent)


def replace(folder: Path, place: Path) -> None:
    """Let a folder take a place at once; the one that was there is removed in the background.

    Raises:
        OSError: it cannot be moved; the place has what it had.
    """
    aside = _move_aside(place)
    try:
        os.rename(folder, place)
    except OSError:
        if aside is not None:
            os.rename(aside, place)
        raise
    sweep(place.parent)


def sweep(parent: Path) -> None:
    """Remove in the background what was moved aside here, also before an earlier program's end."""
    left = list(parent.glob(f"*{_ASIDE}"))

    def remove_all() -> None:
        for folder in left:
            shutil.rmtree(folder, ignore_errors=True)

    if left:
        run(remove_all, "removal")


def _move_aside(folder: Path) -> Path | None:
    aside = folder.with_name(f"{folder.name}-{uuid.uuid4().hex[:8]}{_ASIDE}")
    try:
        os.rename(folder, aside)
    except FileNotFoundError:
        return None
    return aside
