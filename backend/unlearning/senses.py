"""Words for violence that mean something else where they stand: a pose is struck, eggs are beaten.

The phrases are in `backend/assets/senses.toml`. They serve every concept that looks for words, and
none that looks for substrings, as the published benchmark does.
"""

import re
import tomllib
from collections.abc import Iterable
from functools import cache
from typing import Final

from backend.assets import ASSETS

SENSES: Final = ASSETS / "senses.toml"
_INFLECTED, _EXACT = "*", "="
_GAP, _CLAUSE_END = "...", "."
# What a gap cannot hold: it would no longer be the object that makes the sense.
_NO_ADJECTIVES: Final = (
    "in|on|at|with|by|from|into|onto|to|over|against|near|under|behind|for|and|or|then|while|"
    "him|them|me|us|you|it|someone|somebody|anyone|another|man|men|woman|women|person|people|"
    "guy|boy|girl|child|opponent|enemy|attacker|friend|dog|cat"
)
_BETWEEN: Final = r"[^\w.,;:!?]+"
_WORD: Final = rf"{_BETWEEN}(?!(?:{_NO_ADJECTIVES})\b)[\w'-]+"


def harmless_words(text: str) -> list[tuple[int, int]]:
    """The spans of the words in a text that mean something else there."""
    return [match.span("word") for pattern in _patterns() for match in pattern.finditer(text)]


def inflections(keyword: str) -> list[str]:
    """Patterns for a keyword with regular endings: kicks, hitting, striking, karate's."""
    word = re.escape(keyword.strip())
    patterns = [
        rf"{word}(?:'?s|es|d|ed|ing|er|ers)?",
        rf"{word}{re.escape(keyword[-1])}(?:ing|ed|er|ers)",
    ]
    if keyword.endswith("e"):
        patterns.append(rf"{word[:-1]}(?:ing|ings)")
    return patterns


@cache
def _patterns() -> tuple[re.Pattern[str], ...]:
    phrases = tomllib.loads(SENSES.read_text(encoding="utf-8"))["phrases"]
    return tuple(re.compile(_pattern(phrase.split()), re.IGNORECASE) for phrase in phrases)


def _pattern(words: list[str]) -> str:
    parts = [_word(words[0])]
    for word in words[1:]:
        if word == _GAP:
            # A gap brings the spaces before its own words, and the next word the one before itself.
            parts.append(f"(?:{_WORD}){{0,3}}?")
        elif word == _CLAUSE_END:
            parts.append(r"(?=\s*(?:[.,;:!?]|$))")
        else:
            parts.append(_BETWEEN + _word(word))
    return "".join(parts)


def _word(word: str) -> str:
    if word[0] in (_INFLECTED, _EXACT):
        forms = word[1:].split("|")
        found = [re.escape(form) for form in forms]
        if word[0] == _INFLECTED:
            found = [pattern for form in forms for pattern in inflections(form)]
        return rf"(?P<word>\b(?:{_either(found)})\b)"
    return rf"\b(?:{_either(map(re.escape, word.split('|')))})\b"


def _either(patterns: Iterable[str]) -> str:
    return "|".join(patterns)
