"""What is to be forgotten: keywords that find it in captions, and prompts that ask for it."""

import difflib
import re
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Literal

import msgspec

from backend.unlearning.errors import UnlearningError, unknown
from shared.decoding.errors import DecodeError, FileKind
from shared.decoding.text import decode_text, decode_toml, read_bytes
from shared.names import is_remote

Dataset = Literal["HumanML3D", "Motion-X"]
# The published command's defaults; concept files bring longer lists of their own.
DEFAULT_RETAIN_PROMPTS = ("walk", "run", "jump", "sit", "stand")
# More texts, or longer ones, say nothing about a concept; a pattern is made of the keywords.
_MOST_TEXTS = 2000
_LONGEST_TEXT = 500
_FILE = FileKind(
    "a concept", "compare it with a built-in one in backend/assets/concepts", UnlearningError
)
_FOLDER = files("backend").joinpath("assets", "concepts")


class PublishedSplit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the Human Motion Unlearning benchmark names the concept and finds it, as substrings."""

    name: str
    keywords: dict[Dataset, tuple[str, ...]]


class Concept(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A motion concept.

    Attributes:
        name: short identifier.
        keywords: a caption with one of them belongs to the forget set.
        match: "word" finds a keyword as a word, also with a regular English ending (kicks,
            kicking); "substring" finds it anywhere, so that "hit" is found in "white", as in the
            published benchmark. Case never counts.
        target_prompt: what a forgotten prompt is mapped to; the empty prompt as published.
        forget_prompts: sentences that ask for the concept by name.
        retain_prompts: sentences that must keep their motion.
        implicit_prompts: sentences that ask for the concept without any keyword.
        description: one line for lists.
        published: the benchmark's own name and keywords, where it has the concept.
    """

    name: str
    keywords: tuple[str, ...]
    match: Literal["word", "substring"] = "word"
    target_prompt: str = ""
    forget_prompts: tuple[str, ...] = ()
    retain_prompts: tuple[str, ...] = DEFAULT_RETAIN_PROMPTS
    implicit_prompts: tuple[str, ...] = ()
    description: str = ""
    published: PublishedSplit | None = None

    def __post_init__(self) -> None:
        if not self.keywords or not all(keyword.strip() for keyword in self.keywords):
            raise UnlearningError(
                f"the concept {self.name!r} needs keywords: name at least one, none of them empty"
            )

    def matches(self, caption: str) -> bool:
        """Whether a caption belongs to the forget set."""
        return _pattern(self.keywords, self.match).search(caption) is not None

    def as_published(self, dataset: Dataset) -> "Concept":
        """The concept with the benchmark's keywords for a dataset, matched as substrings."""
        if self.published is None or dataset not in self.published.keywords:
            raise UnlearningError(
                f"the published benchmark has no concept {self.name!r} for {dataset}: use the "
                "concept's own keywords"
            )
        keywords = self.published.keywords[dataset]
        return msgspec.structs.replace(self, keywords=keywords, match="substring")


def builtin_concepts() -> dict[str, Concept]:
    """The concepts that come with Placid, by name."""
    return dict(_builtin())


def find_concept(text: str) -> Concept:
    """The concept behind a command-line string.

    A built-in name, the published benchmark's name for it, the path of a TOML file (ends in
    .toml), or keywords with commas ("crawl, creep"); a single keyword needs a comma ("kicks,") only
    if it nearly is a built-in name, and would be taken for a slip.

    Raises UnlearningError for such a slip, with the nearest name.
    """
    if text.endswith(".toml"):
        return load_concept(Path(text))
    if "," in text:
        return _own_concept(tuple(word.strip() for word in text.split(",") if word.strip()))
    by_name = dict(_builtin())
    by_name |= {c.published.name: c for c in _builtin().values() if c.published is not None}
    if text in by_name:
        return by_name[text]
    if text.strip() and not difflib.get_close_matches(text.lower(), by_name, n=1):
        return _own_concept((text.strip(),))
    error = unknown("concept", text, _builtin())
    raise UnlearningError(f"{error}; your own are keywords ({text + ','!r}) or a TOML file")


def _own_concept(keywords: tuple[str, ...]) -> Concept:
    own = Concept(_identifier(keywords), keywords)
    retain = tuple(text for text in DEFAULT_RETAIN_PROMPTS if not own.matches(text))
    return msgspec.structs.replace(own, forget_prompts=keywords, retain_prompts=retain)


def _identifier(keywords: Iterable[str]) -> str:
    """A name that can be part of a file's name on any system."""
    return re.sub(r"\W+", "_", "_".join(keywords)).lower().strip("_")[:60]


def load_concept(path: Path) -> Concept:
    """Read a concept file. Raises UnlearningError naming the field that is wrong."""
    if is_remote(str(path)):
        raise UnlearningError(
            f"the concept file {path} is on another machine: copy it to this one first"
        )
    with _FILE.reading(f"the concept file {path}"):
        text = decode_text(read_bytes(path))
    return _parse(text, str(path))


def _parse(text: str, origin: str) -> Concept:
    with _FILE.reading(f"the concept file {origin}"):
        concept = decode_toml(text, Concept)
        for field in ("keywords", "forget_prompts", "retain_prompts", "implicit_prompts"):
            texts = getattr(concept, field)
            if len(texts) > _MOST_TEXTS or max(map(len, texts), default=0) > _LONGEST_TEXT:
                raise DecodeError(
                    f"has more than {_MOST_TEXTS} {field}, or one of more than {_LONGEST_TEXT} "
                    "characters"
                )
        return concept


@cache
def _builtin() -> dict[str, Concept]:
    entries = sorted(_FOLDER.iterdir(), key=lambda entry: entry.name)
    concepts = [_parse(entry.read_text(encoding="utf-8"), entry.name) for entry in entries]
    return {concept.name: concept for concept in concepts}


@cache
def _pattern(keywords: tuple[str, ...], match: str) -> re.Pattern[str]:
    if match == "substring":
        return re.compile("|".join(map(re.escape, keywords)), re.IGNORECASE)
    return re.compile(rf"\b(?:{'|'.join(_inflections(keywords))})\b", re.IGNORECASE)


def _inflections(keywords: Iterable[str]) -> list[str]:
    """Patterns for each keyword with regular endings: kicks, hitting, striking, karate's."""
    patterns = []
    for keyword in keywords:
        word = re.escape(keyword.strip())
        patterns.append(rf"{word}(?:'?s|es|d|ed|ing|er|ers)?")
        patterns.append(rf"{word}{re.escape(keyword[-1])}(?:ing|ed|er|ers)")
        if keyword.endswith("e"):
            patterns.append(rf"{word[:-1]}(?:ing|ings)")
    return patterns
