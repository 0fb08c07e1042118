"""Which takes come first: by number, prompt match, foot slide or safety, or the best of all."""

from collections.abc import Callable, Sequence
from typing import Final

from . import audits

# Of a take whose motion nobody held against its prompt.
NO_MATCH: Final = -2.0

# Matches that differ by less are as good as equal: the feet decide.
_DIGITS: Final = 1

ORDERS: Final = [
    ("NUMBER", "Number", "In the order in which they were made"),
    ("BEST", "Best First", "Without strikes first, then by prompt match, then by foot slide"),
    ("MATCH", "Prompt Match", "Those that fit their prompt best first"),
    ("SLIDE", "Foot Slide", "Those whose standing feet slide least first"),
    ("SAFETY", "Safety", "Those with the fewest strikes first; unchecked ones last"),
]


def order_of(takes: Sequence, order: str) -> list[int]:
    """The place in the list of each take."""
    indices = range(len(takes))
    ranked = sorted(indices, key=_key(takes, order)) if order != "NUMBER" else indices
    places = [0] * len(takes)
    for place, index in enumerate(ranked):
        places[index] = place
    return places


def _key(takes: Sequence, order: str) -> Callable[[int], float | tuple[float, ...]]:
    match order:
        case "MATCH":
            return lambda index: -takes[index].match
        case "SLIDE":
            return lambda index: takes[index].slide
        case "SAFETY":
            return lambda index: _danger(takes[index])
    return lambda index: (
        _danger(takes[index]) > 0,
        -round(takes[index].match, _DIGITS),
        takes[index].slide,
    )


def _danger(take) -> float:
    """How many strikes were found; nobody knows of unchecked takes."""
    found = audits.count(take)
    return float("inf") if found is None else found
