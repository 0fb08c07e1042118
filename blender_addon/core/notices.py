"""What went wrong, for the user and for the report."""

import logging
import traceback
from collections import deque
from collections.abc import Callable
from typing import TypeVar

from ..shared.errors import PlacidError

T = TypeVar("T")

log = logging.getLogger(__name__)

# Problems that may be gone with another environment.
_OF_ENVIRONMENT = (
    *("setup_failed", "not_writable", "version_mismatch"),
    *("backend_missing", "backend_unavailable", "backend_lost", "backend_hung"),
)


class Notices:
    """The last problem and the tracebacks.

    Attributes:
        current: the last problem, for the panel and the preferences.
        tracebacks: of unforeseen errors, for the report.
    """

    def __init__(self) -> None:
        self.current: PlacidError | None = None
        self.tracebacks: deque[str] = deque(maxlen=5)

    def guard(self, do: Callable[..., T], *arguments: object) -> T | None:
        """Do one thing; what goes wrong with it becomes the notice."""
        try:
            return do(*arguments)
        except PlacidError as error:
            self.current = error
        except Exception as error:
            self.note_unforeseen(error)
        return None

    def note_unforeseen(self, error: Exception) -> PlacidError:
        """Keep the traceback for the report; returns the sentence for the user."""
        text = "".join(traceback.format_exception(error))
        # What happens again at every tick is told once.
        if not self.tracebacks or self.tracebacks[-1] != text:
            self.tracebacks.append(text)
            log.error("unforeseen error", exc_info=error)
        self.current = PlacidError(
            "internal",
            f"something unforeseen went wrong ({error}); press Copy Report and tell the authors",
        )
        return self.current

    def forget_environment(self) -> None:
        """Put away what was wrong with the former environment, now that another one is chosen."""
        if self.current is not None and self.current.code in _OF_ENVIRONMENT:
            self.current = None
