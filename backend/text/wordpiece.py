"""BERT's uncased WordPiece tokenizer (Devlin et al. 2019), the ids of the library `tokenizers`.

A text is cleaned, its CJK characters stand alone, accents and case are dropped, words part at
whitespace and punctuation, and each word becomes the longest pieces that the vocabulary has.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Final

_UNKNOWN: Final = "[UNK]"
_SPECIAL: Final = re.compile(r"(\[(?:PAD|UNK|CLS|SEP|MASK)\])")
_LONGEST_WORD: Final = 100  # characters; a longer word is unknown
_CJK: Final = (
    (0x4E00, 0x9FFF),
    (0x3400, 0x4DBF),
    (0x20000, 0x2A6DF),
    (0x2A700, 0x2B73F),
    (0x2B740, 0x2B81F),
    (0x2B820, 0x2CEAF),
    (0xF900, 0xFAFF),
    (0x2F800, 0x2FA1F),
)

# The library's tables are those of Unicode 8, which had these in another category.
_UNICODE_8: Final = {"\u166d": "Po", "\u1885": "Lo", "\u1886": "Lo"}


class WordPiece:
    """Texts to ids of a vocabulary, one word piece a line, `##` before pieces inside a word."""

    def __init__(self, vocabulary: Iterable[str]) -> None:
        self._ids = {piece: number for number, piece in enumerate(vocabulary)}
        self._first, self._last = self._ids["[CLS]"], self._ids["[SEP]"]
        self._unknown = self._ids[_UNKNOWN]

    def encode(self, text: str, most: int) -> list[int]:
        """Ids of a text between [CLS] and [SEP], cut to `most` in all."""
        pieces = [self._first, *self._pieces(text)]
        return [*pieces[: most - 1], self._last]

    def _pieces(self, text: str) -> Iterator[int]:
        # What looks like a special token is one, as the library has it.
        for part in _SPECIAL.split(text):
            if _SPECIAL.fullmatch(part):
                yield self._ids[part]
            else:
                for word in _words(part):
                    yield from self._pieces_of_word(word)

    def _pieces_of_word(self, word: str) -> list[int]:
        if len(word) > _LONGEST_WORD:
            return [self._unknown]
        found: list[int] = []
        start = 0
        while start < len(word):
            prefix = "##" if start else ""
            for end in range(len(word), start, -1):
                number = self._ids.get(prefix + word[start:end])
                if number is not None:
                    break
            else:
                return [self._unknown]
            found.append(number)
            start = end
        return found


def _words(text: str) -> list[str]:
    """Words and single punctuation marks of a text, in lower case without accents."""
    spaced = "".join(map(_cleaned, text))
    plain = "".join(c for c in unicodedata.normalize("NFD", spaced) if _category(c) != "Mn")
    # Character by character: a capital sigma at a word's end is lowered like any other.
    lowered = "".join(c.lower() for c in plain)
    return "".join(f" {c} " if _is_punctuation(c) else c for c in lowered).split()


@cache
def _cleaned(character: str) -> str:
    """A character without control characters, whitespace as a blank, CJK between blanks."""
    code = ord(character)
    if character in "\t\n\r" or _category(character) in ("Zs", "Zl", "Zp"):
        return " "
    if code in (0, 0xFFFD) or _category(character) in ("Cc", "Cf", "Co", "Cs"):
        return ""
    if any(low <= code <= high for low, high in _CJK):
        return f" {character} "
    return character


@cache
def _category(character: str) -> str:
    return _UNICODE_8.get(character) or unicodedata.category(character)


@cache
def _is_punctuation(character: str) -> bool:
    code = ord(character)
    is_ascii = 33 <= code <= 47 or 58 <= code <= 64 or 91 <= code <= 96 or 123 <= code <= 126
    return is_ascii or _category(character).startswith("P")
