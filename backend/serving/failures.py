"""Any error as the sentence that a person gets."""

import logging
from pathlib import Path

from shared.errors import PlacidError, is_out_of_memory

log = logging.getLogger(__name__)


def explain(error: Exception, log_path: Path | None = None) -> PlacidError:
    """What is told of an error; one that was not foreseen is logged with its traceback.

    Args:
        log_path: of the log, for a report; None when the traceback is shown to who reads this.
    """
    if isinstance(error, PlacidError):
        return error
    log.error("unforeseen error", exc_info=error)
    if isinstance(error, ModuleNotFoundError):
        return PlacidError(
            "backend_missing",
            f"the backend's environment lacks the library {error.name!r}; set it up again, or "
            "choose a complete environment",
        )
    details = {} if log_path is None else {"log": str(log_path)}
    if is_out_of_memory(error):
        return PlacidError(
            "resource_exhausted",
            "the memory ran out; ask for fewer takes, close other programs, or choose another "
            "device",
            details,
        )
    where = "what stands above" if log_path is None else f"the log {log_path}"
    return PlacidError(
        "internal",
        f"the backend failed unexpectedly ({type(error).__name__}); please report it with {where}",
        details,
    )
