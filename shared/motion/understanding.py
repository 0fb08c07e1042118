"""Whether a model knows what a prompt asks for: what front ends say of it, in one sentence."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

_KEY: Final = "understanding"
_MATCH: Final = "match"
_LONGEST: Final = 60


class Understanding(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How near a prompt is to what a model was trained on; it travels in a motion's provenance.

    Attributes:
        score: the chance that the model knows it, 0 to 1, as calibrated on validation prompts.
        limit: below it the prompt counts as unknown.
        asked: what is in question: the words that the model never met, else the part of the prompt
            that is furthest from what it knows.
        nearest: the nearest known actions in their own words, the nearest first.
    """

    score: float
    limit: float
    asked: str
    nearest: tuple[str, ...]

    @property
    def known(self) -> bool:
        """Whether the model knows what is asked for."""
        return self.score >= self.limit

    @property
    def warning(self) -> str:
        """One sentence about a prompt that is not known; empty for one that is."""
        if self.known:
            return ""
        asked = self.asked if len(self.asked) <= _LONGEST else f"{self.asked[: _LONGEST - 1]}…"
        nearest = f"; nearest: {self.nearest[0]!r}" if self.nearest else ""
        return f"Placid does not know {asked!r}{nearest}"

    def put_into(self, provenance: Mapping[str, Any]) -> dict[str, Any]:
        """The provenance of a motion with this in it."""
        return {**provenance, _KEY: msgspec.to_builtins(self)}


def understanding_in(provenance: Mapping[str, Any]) -> Understanding | None:
    """What a provenance says; None where it says nothing, as in captured or older motion."""
    try:
        return msgspec.convert(provenance[_KEY], Understanding)
    except (KeyError, msgspec.ValidationError):
        return None


def match_entry(match: float) -> dict[str, Any]:
    """How well a motion fits its prompt, -1 to 1, as an entry of a provenance."""
    return {_MATCH: round(match, 3)}


def match_in(provenance: Mapping[str, Any]) -> float | None:
    """How well a provenance says that the motion fits its prompt; None where nobody looked."""
    match = provenance.get(_MATCH)
    return float(match) if isinstance(match, int | float) and -1 <= match <= 1 else None
