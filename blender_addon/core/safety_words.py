"""What the panels call the safety of a take, in a few words that an animator reads."""

from typing import Final

from ..shared.motion.safety import MIXED, OFF, UNKNOWN

OFF_WORD: Final = "Off"
_WORDS: Final = {OFF: OFF_WORD, UNKNOWN: "unknown", MIXED: "mixed"}


def safety_of(take) -> str:
    """Such as "violence: forgotten" or "Off"; the method where nothing is wholly forgotten."""
    if take.safety in _WORDS:
        return _WORDS[take.safety]
    return f"{take.concepts}: forgotten" if take.concepts else take.safety.replace("_", " ")
