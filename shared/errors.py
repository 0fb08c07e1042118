"""The one exception that carries a sentence for the user from any room to any front end."""

from typing import Final

# What libraries say besides raising MemoryError: PyTorch raises a RuntimeError on the CPU.
_OUT_OF_MEMORY: Final = ("out of memory", "can't allocate memory", "not enough memory")


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that the memory ran out, the processor's or a graphics card's."""
    # PyTorch's own class is known by its name, because most of Placid runs without PyTorch.
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    text = str(error).lower()
    return isinstance(error, RuntimeError) and any(sign in text for sign in _OUT_OF_MEMORY)


class PlacidError(Exception):
    """Something a user can act on.

    Attributes:
        code: stable name for programs, for example `bad_request`, `unknown_method`,
            `version_mismatch`, `cancelled`, `resource_exhausted`, `backend_lost`, `internal`.
        message: one sentence naming the thing, the value and the remedy.
        details: further facts for a report (a log path, an exit code); plain strings.
    """

    def __init__(self, code: str, message: str, details: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.details = details or {}
