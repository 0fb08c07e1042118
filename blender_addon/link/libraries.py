"""Whether a Python has the backend's libraries: it is asked in the background, once a session."""

import subprocess
import sys
import threading
from pathlib import Path
from typing import Final

from ..shared import background

# Import names of what the Full Backend needs; all others come along with these.
NEEDED: Final = ("msgspec", "numpy", "torch", "transformers", "zmq")
_SECONDS: Final = 60.0
_MARK: Final = "missing:"
_QUESTION: Final = (
    "import importlib.util as u, sys; "
    f"print({_MARK!r}, *[n for n in sys.argv[1:] if u.find_spec(n) is None])"
)

_answers: dict[Path, str] = {}
_asked: set[Path] = set()
_lock = threading.Lock()


def problem_of(python: Path) -> str | None:
    """Why a Python cannot run the backend, in a few words; empty when it can.

    None while that is not known yet: ask again later.
    """
    with _lock:
        if python in _answers or python in _asked:
            return _answers.get(python)
        _asked.add(python)
    background.run(lambda: _answers.update({python: _ask(python)}), "look at an environment")
    return None


def forget(python: Path) -> None:
    """Ask anew the next time: something may have been installed there."""
    with _lock:
        _answers.pop(python, None)
        _asked.discard(python)


def _ask(python: Path) -> str:
    try:
        answer = subprocess.run(
            [str(python), "-c", _QUESTION, *NEEDED],
            capture_output=True,
            stdin=subprocess.DEVNULL,
            text=True,
            errors="replace",
            timeout=_SECONDS,
            creationflags=subprocess.CREATE_NO_WINDOW if sys.platform == "win32" else 0,
        )
    except subprocess.TimeoutExpired:
        return f"did not answer within {_SECONDS:g} seconds"
    except OSError as error:
        return f"cannot be run ({error.strerror})"
    mark, *missing = answer.stdout.split() or [""]
    if answer.returncode or mark != _MARK:
        return "is no Python"
    return f"lacks {', '.join(missing)}" if missing else ""
