"""The gestures by name: each is a function that writes a script, with what its captions may say."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from backend.datasets.gestures.script import Script
from shared.registry import Registry

Hands = Literal["one", "either", "both", "none"]
Author = Callable[[Script], None]


@dataclass(frozen=True)
class Gesture:
    """A gesture that is written, not recorded.

    Attributes:
        name: the action's kind; its wordings stand under this name in `assets/gestures.toml`.
        author: writes it into a script.
        hands: "one" acts with the left or the right, "either" also with both, "both" always with
            both, "none" with no hand.
        counts: how often its stroke may be done, where that can be counted.
        variants: the sorts of it that have wordings of their own.
        only_variants: there is no plain sort beside them.
        sustained: it can go on, so that any part of its middle shows it.
        walking: it is also done while walking.
    """

    name: str
    author: Author
    hands: Hands = "one"
    counts: tuple[int, ...] = ()
    variants: tuple[str, ...] = ()
    only_variants: bool = False
    sustained: bool = False
    walking: bool = False


_GESTURES: Final[Registry[Gesture]] = Registry("gesture", "backend.datasets.gestures.families")


def gesture(
    name: str,
    hands: Hands = "one",
    *,
    counts: tuple[int, ...] = (),
    variants: tuple[str, ...] = (),
    only_variants: bool = False,
    sustained: bool = False,
    walking: bool = False,
) -> Callable[[Author], Author]:
    """Register a function as the author of a gesture."""

    def add(author: Author) -> Author:
        made = Gesture(name, author, hands, counts, variants, only_variants, sustained, walking)
        _GESTURES.register(name, made)
        return author

    return add


def gestures() -> dict[str, Gesture]:
    """Every gesture by name, sorted."""
    return dict(sorted(_GESTURES.items()))
