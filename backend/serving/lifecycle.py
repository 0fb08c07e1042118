"""Birth and death of the backend process: hand-over, log file, and the end with its parent."""

import logging
import logging.handlers
import os
import select
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, Final

import msgspec

from shared.errors import PlacidError
from shared.protocol.handshake import Announcement, Handover

_PARENT_CHECK_SECONDS: Final = 1.0
_LOG_BYTES: Final = 1_000_000

log = logging.getLogger(__name__)


def read_handover(stdin: BinaryIO) -> Handover:
    """The line that the parent writes first. Raises PlacidError `bad_handover`."""
    line = stdin.readline()
    try:
        return msgspec.json.decode(line, type=Handover)
    except msgspec.MsgspecError as error:
        raise PlacidError(
            "bad_handover",
            f"the starting program handed over no usable key ({error}); "
            "start the backend from Blender, or by hand with `backend serve`",
        ) from error


def announce(announcement: Announcement) -> None:
    """Tell the parent, in one line, where to connect."""
    sys.stdout.write(msgspec.json.encode(announcement).decode() + "\n")
    sys.stdout.flush()


def log_to(path: Path, level: int = logging.INFO) -> None:
    """Send this process's log to a file. Raises PlacidError `not_writable`."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handler = logging.handlers.RotatingFileHandler(
            path, maxBytes=_LOG_BYTES, backupCount=1, encoding="utf-8"
        )
    except OSError as error:
        raise PlacidError(
            "not_writable",
            f"the log {path} cannot be written ({error.strerror}); "
            "choose a folder you may write to",
        ) from error
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(level)


def silence_pipes(log_path: Path) -> None:
    """Lead stdout and stderr, C libraries' included, into the log.

    Nobody reads the parent's pipes after the announcement: full, they would block the backend.
    """
    target = os.open(log_path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    sys.stdout.flush()
    sys.stderr.flush()
    os.dup2(target, 1)
    os.dup2(target, 2)
    os.close(target)


def watch_parent(parent_pid: int, on_gone: Callable[[], None]) -> None:
    """Call `on_gone`, in a thread, as soon as the parent has ended, however it ended."""
    wait = _wait_on_windows if sys.platform == "win32" else _wait_on_posix

    def watch() -> None:
        wait(parent_pid)
        log.info("the program that started the backend has ended")
        on_gone()

    threading.Thread(target=watch, name="parent watch", daemon=True).start()


def _wait_on_posix(parent_pid: int) -> None:
    # The pipe closes with the parent, unless another child of the parent inherited it;
    # therefore the process is asked for as well.
    stdin = sys.stdin.fileno()
    while _exists(parent_pid):
        readable, _, _ = select.select([stdin], [], [], _PARENT_CHECK_SECONDS)
        if readable and not os.read(stdin, 4096):
            return


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _wait_on_windows(parent_pid: int) -> None:
    # A read pending on stdin blocks the loading of some DLLs on Windows (numpy's among them), so
    # here the process handle is waited for instead of the pipe.
    if sys.platform == "win32":
        import ctypes

        synchronize, infinite = 0x00100000, 0xFFFFFFFF
        kernel32 = ctypes.WinDLL("kernel32", use_last_error=True)
        kernel32.OpenProcess.restype = ctypes.c_void_p
        kernel32.WaitForSingleObject.argtypes = [ctypes.c_void_p, ctypes.c_uint32]
        handle = kernel32.OpenProcess(synchronize, False, parent_pid)
        if handle:
            kernel32.WaitForSingleObject(handle, infinite)
