"""The one exception of this package."""

from collections.abc import Iterable

from shared import registry
from shared.errors import PlacidError


class UnlearningError(PlacidError, ValueError):
    """A concept, statistic, parameter or edit that cannot be used; one sentence with the remedy."""

    def __init__(self, message: str) -> None:
        super().__init__("bad_edit", message)


def unknown(kind: str, name: str, known: Iterable[str]) -> UnlearningError:
    """The error for a name nobody knows, with the nearest known name when there is one."""
    return UnlearningError(registry.unknown(kind, name, known).message)
