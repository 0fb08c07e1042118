"""The one exception of this package."""

import difflib
from collections.abc import Iterable


class UnlearningError(ValueError):
    """A concept, statistic, parameter or edit that cannot be used; one sentence with the remedy."""


def unknown(kind: str, name: str, known: Iterable[str]) -> UnlearningError:
    """The error for a name nobody knows, with the nearest known name when there is one."""
    names = sorted(known)
    nearest = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    hint = f"did you mean {nearest[0]!r}? " if nearest else ""
    return UnlearningError(f"unknown {kind} {name!r}: {hint}known are {', '.join(names)}")
