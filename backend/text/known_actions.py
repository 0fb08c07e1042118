"""What a model knows: the actions that it was trained on, and how near a prompt is to them.

A checkpoint brings a file `known.npz`, made from its training captions by `backend train known`:
every wording of every action with its sentence vector, and how a score is made of the distance.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np

from backend.text.prompts import split_prompt
from backend.text.vocabulary import Vocabulary
from shared.decoding.arrays import read_npz
from shared.decoding.errors import UNDECODABLE
from shared.errors import PlacidError
from shared.files import written_whole
from shared.motion.understanding import Understanding

KNOWN_FILE: Final = "known.npz"
_NEAREST: Final = 3  # wordings that decide, and actions that are named
_MOST_UNMET: Final = 3  # more words than these are not named one by one
_SUBJECT: Final = "a person "
_BE: Final = ("is", "are")
_FUNCTION_WORDS: Final = frozenset(
    [
        "a",
        "an",
        "the",
        "is",
        "are",
        "was",
        "were",
        "be",
        "he",
        "she",
        "it",
        "his",
        "her",
        "their",
        "its",
        "they",
        "them",
        "him",
        "to",
        "of",
        "in",
        "on",
        "at",
        "with",
        "and",
        "or",
        "for",
        "from",
        "by",
        "up",
        "down",
        "as",
        "that",
        "this",
        "these",
        "those",
        "i",
        "you",
        "my",
        "your",
        "me",
        "we",
        "our",
        "us",
        "who",
        "which",
        "while",
        "then",
        "into",
        "onto",
        "over",
        "out",
        "off",
        "no",
        "not",
        "do",
        "does",
        "did",
    ]
)

Encode = Callable[[list[str]], Any]


class KnownAction(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An action that a model was trained on.

    Attributes:
        name: for people, such as "dance: salsa".
        example: a prompt that asks for it.
    """

    name: str
    example: str


class Calibration(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a score is made: the logistic of a bias and of weights on closeness and unmet words.

    Attributes:
        limit: scores below it count as unknown.
    """

    bias: float = 0.0
    closeness: float = 1.0
    unmet: float = 0.0
    limit: float = 0.5


class _Header(msgspec.Struct, forbid_unknown_fields=True):
    encoder: str
    actions: tuple[KnownAction, ...]
    texts: tuple[str, ...]
    vocabulary: Vocabulary
    calibration: Calibration


@dataclass(frozen=True, eq=False)
class KnownActions:
    """The actions that a model knows, with M wordings of them.

    Attributes:
        encoder: name of the text encoder whose vectors these are.
        texts: M sentences ("a person waves") and nouns ("a wave").
        rows: int (M,), the action of each.
        vectors: float32 (M, D), each of length one.
        vocabulary: what the training captions can say.
    """

    encoder: str
    actions: tuple[KnownAction, ...]
    texts: tuple[str, ...]
    rows: np.ndarray
    vectors: np.ndarray
    vocabulary: Vocabulary
    calibration: Calibration

    @cached_property
    def _stems(self) -> frozenset[str]:
        words = self.vocabulary
        every = (*self.texts, *words.subjects, *words.modifiers, *words.counts, *words.settings)
        return frozenset(stem(word) for text in every for word in _words(text))

    def parts(self, prompt: str) -> tuple[str, ...]:
        """The actions that a prompt asks for, one after another; see `split_prompt`."""
        return split_prompt(prompt, self.vocabulary)

    def judge(self, prompt: str, encode: Encode) -> Understanding:
        """Whether the model knows what a prompt asks for; of several parts the least known one.

        Args:
            encode: the text encoder; n texts to vectors (n, D), of any length.
        """
        return self.judge_parts(self.parts(prompt), encode)

    def judge_parts(self, parts: Sequence[str], encode: Encode) -> Understanding:
        """As `judge`, of parts that are known already, such as those of a timeline."""
        return min((self._judge(part, encode) for part in parts), key=lambda found: found.score)

    def _judge(self, part: str, encode: Encode) -> Understanding:
        likeness = self._likeness(part, encode)
        chance = self.score(_closeness(likeness), self.unmet(part))
        order = np.argsort(-likeness)
        nearest: dict[int, str] = {}
        for row in order:
            nearest.setdefault(int(self.rows[row]), self.texts[row].removeprefix(_SUBJECT))
            if len(nearest) == _NEAREST:
                break
        limit = self.calibration.limit
        return Understanding(round(chance, 3), limit, self._asked(part), tuple(nearest.values()))

    def score(self, closeness: float, unmet: float) -> float:
        """The calibrated chance, 0 to 1, that a prompt is known."""
        by = self.calibration
        return float(1.0 / (1.0 + np.exp(-(by.bias + by.closeness * closeness + by.unmet * unmet))))

    def closeness(self, part: str, encode: Encode) -> float:
        """Cosine between a prompt and the nearest wordings, -1 to 1."""
        return _closeness(self._likeness(part, encode))

    def unmet(self, part: str) -> float:
        """The share of a prompt's words that no training caption has; 1 where it has no word."""
        words = _content(part)
        return sum(stem(word) not in self._stems for word in words) / len(words) if words else 1.0

    def _likeness(self, part: str, encode: Encode) -> np.ndarray:
        """Cosines (M,), averaged over the prompt as it is and with a plain subject."""
        vectors = np.asarray(encode([part, self._with_plain_subject(part)]), dtype=np.float32)
        vectors = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-8)
        likeness: np.ndarray = (vectors @ self.vectors.T).mean(axis=0)
        return likeness

    def _with_plain_subject(self, part: str) -> str:
        """A prompt about "a person": who acts says little about what is done."""
        words = part.split()
        for at, word in enumerate(words[1:5], start=1):
            _, form = self.vocabulary.forms.get(word.lower(), ("", ""))
            plural = at > 1 and words[at - 1].endswith("s")
            if form in ("third", "gerund") or word.lower() in _BE or (form and plural):
                one = "is" if word.lower() == "are" else word
                return _SUBJECT + " ".join((one, *words[at + 1 :]))
        return part

    def _asked(self, part: str) -> str:
        unmet = [word for word in _content(part) if stem(word) not in self._stems]
        few = unmet and len(unmet) <= _MOST_UNMET and 2 * len(unmet) <= len(_content(part))
        return " ".join(unmet) if few else part.strip()

    def save(self, path: Path) -> None:
        """Write the file; whole or not at all."""
        header = _Header(self.encoder, self.actions, self.texts, self.vocabulary, self.calibration)
        # In bytes, each row by its greatest element: the length is known to be one.
        largest = np.abs(self.vectors).max(axis=1, keepdims=True)
        with written_whole(path) as file:
            np.savez_compressed(
                file,
                header=np.frombuffer(msgspec.json.encode(header), dtype=np.uint8),
                rows=self.rows.astype(np.int32),
                vectors=np.rint(127.0 * self.vectors / largest).astype(np.int8),
            )

    @classmethod
    def load(cls, path: Path) -> "KnownActions":
        """Read the file. Raises PlacidError `bad_known_actions` when it is absent or damaged."""
        try:
            arrays = read_npz(path, ("header", "rows", "vectors"))
            header = msgspec.json.decode(arrays["header"].tobytes(), type=_Header)
            vectors = arrays["vectors"].astype(np.float32)
            rows = arrays["rows"]
            if not 0 < len(vectors) == len(rows) == len(header.texts):
                raise ValueError("its arrays do not belong together")
        except (FileNotFoundError, *UNDECODABLE) as error:
            raise PlacidError(
                "bad_known_actions",
                f"{path} does not tell what the model knows ({error}); make it again with "
                "`backend train known`, or install Placid again",
            ) from error
        vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-8)
        return cls(
            header.encoder,
            header.actions,
            header.texts,
            rows,
            vectors,
            header.vocabulary,
            header.calibration,
        )


def _closeness(likeness: np.ndarray) -> float:
    """The mean of the greatest: one wording alone may be near by its subject or its object."""
    return float(np.sort(likeness)[-_NEAREST:].mean())


def stem(word: str) -> str:
    """A word without its commonest endings, so that "walks" and "walking" are the same."""
    for ending in ("ing", "ed", "es", "s", "er", "ly"):
        if word.endswith(ending) and len(word) - len(ending) > 2:
            word = word[: -len(ending)]
            break
    word = word[:-1] if len(word) > 3 and word[-1] == word[-2] else word
    return word.rstrip("e") if len(word) > 3 else word


def _words(text: str) -> list[str]:
    return re.findall(r"[^\W\d_]+", text.lower())


def _content(text: str) -> list[str]:
    return [word for word in _words(text) if word not in _FUNCTION_WORDS]
