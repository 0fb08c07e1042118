"""Whether a prompt that measures was there when something was fitted: word by word, or nearly.

Three distances, from strict to loose: the same letters, the same content words in any form and
order, and embeddings that lie together.
"""

import re
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np

from backend.assets import ASSETS
from backend.datasets.captions import is_training_wording, vocabulary
from backend.unlearning.caption_bank import shipped_bank
from backend.unlearning.concept import builtin_concepts
from backend.unlearning.text_embeddings import Encode

# Cosine of two texts that ask for the same thing in nearly the same words: "a samurai slashes with
# his sword" and "the knight is slashing with a sword" are at 0.9, "a person punches a wall" and
# "a boxer punches a bag" at 0.7. Set before any suite was measured with it.
NEAR: Final = 0.85
_FUNCTION_WORD: Final = re.compile(
    "a|an|the|and|or|of|to|in|on|at|with|his|her|its|their|he|she|it|they|him|them|someone|"
    "somebody|person|man|woman|people|is|are|be|by|for|from|up|down|out|off|into|one|two|then|"
    "while|as"
)
_ENDINGS: Final = re.compile(r"(?:ing|es|ed|s)$")


@dataclass(frozen=True)
class Overlap:
    """A prompt that is too near to a text, and by which measure: exact, words or meaning."""

    prompt: str
    text: str
    measure: str


def content_words(text: str) -> frozenset[str]:
    """The base forms of the words that say what is done; no subject, article or preposition."""
    forms = vocabulary().forms
    words = re.findall(r"[a-z0-9]+", text.lower())
    return frozenset(
        forms[word][0] if word in forms else _ENDINGS.sub("", word) if len(word) > 4 else word
        for word in words
        if not _FUNCTION_WORD.fullmatch(word)
    )


def same_words(prompts: Iterable[str], texts: Iterable[str]) -> list[Overlap]:
    """Prompts with the letters or the content words of a text."""
    letters, words = dict[str, str](), dict[frozenset[str], str]()
    for text in texts:
        letters.setdefault(text.lower(), text)
        words.setdefault(content_words(text), text)
    found = []
    for prompt in prompts:
        if prompt.lower() in letters:
            found.append(Overlap(prompt, letters[prompt.lower()], "exact"))
        elif (key := content_words(prompt)) and key in words:
            found.append(Overlap(prompt, words[key], "words"))
    return found


def near_meaning(
    prompts: Sequence[str], texts: Sequence[str], encode: Encode, near: float = NEAR
) -> list[Overlap]:
    """Prompts whose embedding has a cosine of `near` or more with that of a text."""
    if not prompts or not texts:
        return []
    cosines = _unit(encode(list(prompts))) @ _unit(encode(list(texts))).T
    return [
        Overlap(prompt, texts[int(row.argmax())], "meaning")
        for prompt, row in zip(prompts, cosines, strict=True)
        if row.max() >= near
    ]


def training_wordings(prompts: Iterable[str]) -> list[Overlap]:
    """Prompts that the templates of the training captions can say."""
    return [Overlap(p, "a training wording", "template") for p in prompts if is_training_wording(p)]


@cache
def fit_texts() -> tuple[str, ...]:
    """Every text that an edit, a setting or a score of the shipped model was fitted on."""
    texts = dict.fromkeys(shipped_bank().texts)
    for concept in builtin_concepts().values():
        texts |= dict.fromkeys(concept.forget_prompts)
        texts |= dict.fromkeys(concept.retain_prompts)
        texts |= dict.fromkeys(concept.implicit_prompts)
    for path in sorted((ASSETS / "validation").glob("*.toml")):
        texts |= dict.fromkeys(_strings(tomllib.loads(path.read_text("utf-8"))))
    return tuple(texts)


def _strings(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [text for part in inner for text in _strings(part)]


def _unit(vectors: np.ndarray) -> np.ndarray:
    rows = np.asarray(vectors, dtype=np.float32)
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
