"""Captions as the published evaluator reads them: `word/CLASS` tokens, GloVe vectors, classes.

The vocabulary files are pickles by format. They are read by an unpickler that knows no names at
all, so that it can make lists, dictionaries, strings and numbers and run nothing.
"""

import pickle
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor

from shared.decoding.arrays import read_npy
from shared.decoding.errors import explain
from shared.errors import PlacidError

CLASSES: Final = [
    "VERB",
    "NOUN",
    "DET",
    "ADP",
    "NUM",
    "AUX",
    "PRON",
    "ADJ",
    "ADV",
    "Loc_VIP",
    "Body_VIP",
    "Obj_VIP",
    "Act_VIP",
    "Desc_VIP",
    "OTHER",
]
_OTHER: Final = CLASSES.index("OTHER")
# Words whose class the evaluator was trained to take from here, whatever the tagger says.
_LISTED: Final = {
    "Loc_VIP": "left right clockwise counterclockwise anticlockwise forward back backward up down "
    "straight curve",
    "Body_VIP": "arm chin foot feet face hand mouth leg waist eye knee shoulder thigh",
    "Obj_VIP": "stair dumbbell chair window floor car ball handrail baseball basketball",
    "Act_VIP": "walk run swing pick bring kick put squat throw hop dance jump turn stumble stop "
    "sit lift lower raise wash stand kneel stroll rub bend balance flap jog shuffle lean rotate "
    "spin spread climb",
    "Desc_VIP": "slowly carefully fast careful slow quickly happy angry sad happily angrily sadly",
}
LISTED_CLASS: Final = {word: name for name, words in _LISTED.items() for word in words.split()}

MOST_WORDS: Final = 20
START, END, UNKNOWN = "sos/OTHER", "eos/OTHER", "unk/OTHER"
MASK: Final = "***"


def pad_tokens(tokens: Sequence[str]) -> tuple[list[str], int]:
    """Start, up to 20 tokens and end, padded to 22; and their number without the padding."""
    kept = [START, *tokens[:MOST_WORDS], END]
    return kept + [UNKNOWN] * (MOST_WORDS + 2 - len(kept)), len(kept)


def mask_terms(text: str, terms: Iterable[str]) -> str:
    """The text, or one token, with every toxic term replaced by `***`.

    As published: terms are found anywhere, also inside of words, and case does not count. A token
    with a mask is an unknown word.
    """
    pattern = "|".join(re.escape(term) for term in terms if term)
    return re.sub(pattern, MASK, text, flags=re.IGNORECASE) if pattern else text


@dataclass(frozen=True, eq=False)
class Vocabulary:
    """Words with their vectors; `rows` gives the row of each word in `vectors` (V, 300)."""

    rows: dict[str, int]
    vectors: np.ndarray

    def __post_init__(self) -> None:
        for token in (START, END, UNKNOWN):
            word = token.partition("/")[0]
            if word not in self.rows:
                raise PlacidError(
                    "damaged_vocabulary",
                    f"the vocabulary lacks the word {word!r}; unpack the official GloVe files "
                    "once more",
                )

    def look_up(self, token: str) -> tuple[int, int]:
        """Row of the vector and number of the class of a `word/CLASS` token."""
        word, _, tag = token.partition("/")
        if word not in self.rows:
            return self.rows["unk"], _OTHER
        name = LISTED_CLASS.get(word, tag)
        return self.rows[word], CLASSES.index(name) if name in CLASSES else _OTHER

    def encode(self, captions: Sequence[Sequence[str]]) -> tuple[Tensor, Tensor, Tensor]:
        """Word vectors (b, 22, 300), one-hot classes (b, 22, 15) and lengths (b,) of captions.

        Args:
            captions: each a sequence of `word/CLASS` tokens, neither framed nor padded.
        """
        padded = [pad_tokens(tokens) for tokens in captions]
        table = np.array([[self.look_up(token) for token in tokens] for tokens, _ in padded])
        table = table.reshape(len(padded), MOST_WORDS + 2, 2)
        words = torch.from_numpy(self.vectors[table[..., 0]].astype(np.float32))
        classes = torch.eye(len(CLASSES))[torch.from_numpy(table[..., 1])]
        return words, classes, torch.tensor([length for _, length in padded])


class _PlainUnpickler(pickle.Unpickler):
    """Makes built-in values only: whatever a pickle names is refused, so nothing can be called."""

    def find_class(self, module: str, name: str) -> Any:
        raise pickle.UnpicklingError(f"it asks for {module}.{name}")


def _plain(path: Path) -> Any:
    with path.open("rb") as file:
        return _PlainUnpickler(file).load()


def vocabulary_files(folder: Path) -> tuple[Path, Path, Path]:
    """Where the official vectors, words and rows of a folder lie."""
    return folder / "our_vab_data.npy", folder / "our_vab_words.pkl", folder / "our_vab_idx.pkl"


def load_vocabulary(folder: Path) -> Vocabulary:
    """Read the official `our_vab_data.npy`, `our_vab_words.pkl` and `our_vab_idx.pkl`.

    Raises:
        PlacidError: `damaged_vocabulary` when a file is missing, damaged, or holds anything but
            words, numbers and vectors.
    """
    paths = vocabulary_files(folder)
    path = paths[0]
    try:
        vectors = read_npy(path)
        path = paths[1]
        words = _plain(path)
        path = paths[2]
        rows = _plain(path)
        if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
            raise ValueError("the words are no list of strings")
        if not isinstance(rows, dict) or vectors.ndim != 2:
            raise ValueError("the rows are no dictionary, or the vectors no table")
        kept = {word: rows[word] for word in words}
        if not all(isinstance(row, int) and 0 <= row < len(vectors) for row in kept.values()):
            raise ValueError("a word has no vector")
    # Damage shows as whatever the unpickler stumbles over.
    except Exception as error:
        raise PlacidError(
            "damaged_vocabulary",
            f"{path} cannot be read (it {explain(error)}); put the official GloVe files into "
            f"{folder}",
        ) from error
    return Vocabulary(kept, vectors)
