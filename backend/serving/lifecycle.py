"""Birth and death of the backend process: hand-over, log file, and the end with its parent."""

import contextlib
import logging
import logging.handlers
import os
import select
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, Final

import msgspec

from shared.decoding.errors import UNDECODABLE
from shared.errors import PlacidError
from shared.files import make_folder, take_lock
from shared.protocol.handshake import MAX_LINE_BYTES, Announcement, Handover

_PARENT_CHECK_SECONDS: Final = 1.0
_LOG_BYTES: Final = 1_000_000
# What ends a program from outside, where the system has it.
_ENDING_SIGNALS: Final = ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGBREAK")

log = logging.getLogger(__name__)


def read_handover(stdin: BinaryIO) -> Handover:
    """The line that the parent writes first. Raises PlacidError `bad_handover`."""
    line = stdin.readline(MAX_LINE_BYTES)
    try:
        return msgspec.json.decode(line, type=Handover)
    except UNDECODABLE as error:
        raise PlacidError(
            "bad_handover",
            f"the starting program handed over no usable key ({error}); "
            "start the backend from Blender, or by hand with `backend serve`",
        ) from error


def announce(announcement: Announcement) -> bool:
    """Tell the parent, in one line, where to connect; returns whether it is still there."""
    sys.stdout.flush()
    try:
        # Past Python's own buffer, which would complain at the end about what it could not write.
        os.write(sys.stdout.fileno(), msgspec.json.encode(announcement) + b"\n")
    except OSError:
        return False
    return True


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
    handler.setFormatter(_OneLine("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(level)


class _OneLine(logging.Formatter):
    """A message is one line, whatever texts it repeats; only a traceback has more."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802
        record.message = "".join(c if c.isprintable() else repr(c)[1:-1] for c in record.message)
        return super().formatMessage(record)


@contextlib.contextmanager
def ending_on_signals(end: Callable[[], None]) -> Iterator[None]:
    """Call `end` instead of dying when the system or a person ends this process."""
    before = {}
    for name in _ENDING_SIGNALS:
        number = getattr(signal, name, None)
        # `nohup` has its programs ignore SIGHUP. A shell that starts a command in the background
        # has it ignore Ctrl-C, which it should hear all the same.
        ignored = number is not None and signal.getsignal(number) == signal.SIG_IGN
        if number is not None and not (ignored and name == "SIGHUP"):
            before[number] = signal.signal(number, lambda *_: end())
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def connection_file(path: Path) -> Iterator[None]:
    """Have the place of a connection file alone, and remove the file in the end.

    Raises:
        PlacidError: `backend_running` while another backend has it, or `not_writable`.
    """
    make_folder(path.parent)
    # Unlike a file, a lock does not outlive its owner.
    lock = take_lock(path.with_name(f"{path.name}.lock"))
    if lock is None:
        raise PlacidError(
            "backend_running",
            f"a backend that was started by hand is running already, and clients connect with "
            f"{path}; use that one, end it, or name another file with --connection",
        )
    with lock:
        try:
            yield
        finally:
            path.unlink(missing_ok=True)


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
        try:
            wait(parent_pid)
            log.info("the program that started the backend has ended")
        except Exception:
            log.exception("the program that started the backend cannot be watched")
        finally:
            # A backend that nobody watches over could live for ever.
            on_gone()

    threading.Thread(target=watch, name="parent watch", daemon=True).start()


def _wait_on_posix(parent_pid: int) -> None:
    # The pipe closes with the parent, unless another child of the parent inherited it;
    # therefore the process is asked for as well.
    stdin = sys.stdin.fileno()
    poller = select.poll()
    poller.register(stdin, select.POLLIN)
    while _exists(parent_pid):
        if poller.poll(1000 * _PARENT_CHECK_SECONDS) and not os.read(stdin, 4096):
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
