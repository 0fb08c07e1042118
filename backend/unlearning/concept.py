"""What is to be forgotten: keywords that find it in captions, and prompts that ask for it."""

import difflib
import hashlib
import re
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Literal

import msgspec

from backend.unlearning.edit_name import check_concept_name
from backend.unlearning.errors import UnlearningError, unknown
from backend.unlearning.senses import harmless_words, inflections
from shared.concepts import concept_name, is_file, keyword_problem, keywords_of, path_problem
from shared.decoding.errors import DecodeError, FileKind
from shared.decoding.text import decode_text, decode_toml, read_bytes

Dataset = Literal["HumanML3D", "Motion-X"]
# The published command's defaults; concept files bring longer lists of their own.
DEFAULT_RETAIN_PROMPTS = ("walk", "run", "jump", "sit", "stand")
# More texts, or longer ones, say nothing about a concept; a pattern is made of the keywords.
_MOST_KEYWORDS = 256
_MOST_TEXTS = 2000
_LONGEST_TEXT = 500
_FILE = FileKind(
    "a concept", "compare it with a built-in one in backend/assets/concepts", UnlearningError
)
_FOLDER = files("backend").joinpath("assets", "concepts")
_VALIDATION = files("backend").joinpath("assets", "validation")


class PublishedSplit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the Human Motion Unlearning benchmark names the concept and finds it, as substrings."""

    name: str
    keywords: dict[Dataset, tuple[str, ...]]


class Concept(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A motion concept.

    Attributes:
        name: short identifier, part of the names of its edits' files (`check_concept_name`).
        keywords: a caption with one of them belongs to the forget set.
        match: "word" finds a keyword as a word, also with a regular English ending (kicks,
            kicking), where it is meant (`senses`); "substring" finds it anywhere, so that "hit" is
            found in "white", as in the published benchmark. Case never counts.
        kinds: kinds of actions of the training data that show it, however they are worded.
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
    kinds: tuple[str, ...] = ()
    target_prompt: str = ""
    forget_prompts: tuple[str, ...] = ()
    retain_prompts: tuple[str, ...] = DEFAULT_RETAIN_PROMPTS
    implicit_prompts: tuple[str, ...] = ()
    description: str = ""
    published: PublishedSplit | None = None

    def __post_init__(self) -> None:
        check_concept_name(self.name)
        if not self.keywords or not all(keyword.strip() for keyword in self.keywords):
            raise UnlearningError(
                f"the concept {self.name!r} needs keywords: name at least one, none of them empty"
            )
        if problem := keyword_problem(self.keywords, _MOST_KEYWORDS):
            raise UnlearningError(problem)

    @property
    def key(self) -> str:
        """Its name, with a hash of its keywords where no concept that ships has this name.

        Two concepts of one name have two keys, so that what was trained for one is not the other's.
        """
        if _builtin().get(self.name) == self:
            return self.name
        text = "\n".join((self.match, *self.keywords))
        return f"{self.name}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"

    def matches(self, caption: str) -> bool:
        """Whether a caption belongs to the forget set."""
        found = [match.span() for match in _pattern(self.keywords, self.match).finditer(caption)]
        if not found or self.match == "substring":
            return bool(found)
        harmless = harmless_words(caption)
        return any(
            not any(start <= first and last <= end for start, end in harmless)
            for first, last in found
        )

    def as_published(self, dataset: Dataset) -> "Concept":
        """The concept with the benchmark's keywords for a dataset, matched as substrings."""
        if self.published is None or dataset not in self.published.keywords:
            raise UnlearningError(
                f"the published benchmark has no concept {self.name!r} for {dataset}: use the "
                "concept's own keywords"
            )
        keywords = self.published.keywords[dataset]
        return msgspec.structs.replace(self, keywords=keywords, match="substring")


class ValidationPrompts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Prompts for choosing settings with: they ask for a concept, or must keep their motion."""

    forget: tuple[str, ...]
    retain: tuple[str, ...]


def validation_prompts(concept: Concept) -> ValidationPrompts | None:
    """The validation prompts that ship for a concept; None where there are none."""
    entry = _VALIDATION.joinpath(f"{concept.name}.toml")
    if _builtin().get(concept.name) != concept or not entry.is_file():
        return None
    return decode_toml(entry.read_text(encoding="utf-8"), ValidationPrompts)


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
    if is_file(text):
        # Before it becomes a path, which may lose a slash of an address.
        if problem := path_problem(text):
            raise UnlearningError(problem)
        return load_concept(Path(text))
    if "," in text:
        return _own_concept(keywords_of(text))
    by_name = dict(_builtin())
    by_name |= {c.published.name: c for c in _builtin().values() if c.published is not None}
    if text in by_name:
        return by_name[text]
    if text.strip() and not difflib.get_close_matches(text.lower(), by_name, n=1):
        return _own_concept((text.strip(),))
    error = unknown("concept", text, _builtin())
    raise UnlearningError(f"{error}; your own are keywords ({text + ','!r}) or a TOML file")


def _own_concept(keywords: tuple[str, ...]) -> Concept:
    if not keywords:
        raise UnlearningError("the concept needs keywords: name an action, as in 'crawl, creep'")
    if problem := keyword_problem(keywords):
        raise UnlearningError(problem)
    name = concept_name("_".join(keywords))
    shipped = _builtin().get(name)
    if shipped is not None and shipped.keywords == keywords:
        return shipped
    # A name that ships belongs to the keywords that ship.
    own = Concept(name if shipped is None else f"own_{name}", keywords)
    retain = tuple(text for text in DEFAULT_RETAIN_PROMPTS if not own.matches(text))
    return msgspec.structs.replace(own, forget_prompts=keywords, retain_prompts=retain)


def load_concept(path: Path) -> Concept:
    """Read a concept file.

    Raises UnlearningError naming the field that is wrong, for a file that is no concept's or lies
    on another computer, and for a concept that takes the name of one that ships.
    """
    if problem := path_problem(str(path)):
        raise UnlearningError(problem)
    with _FILE.reading(f"the concept file {path}"):
        concept = decode_toml(decode_text(read_bytes(path)), Concept)
        for field in ("keywords", "forget_prompts", "retain_prompts", "implicit_prompts"):
            texts = getattr(concept, field)
            if len(texts) > _MOST_TEXTS or max(map(len, texts), default=0) > _LONGEST_TEXT:
                raise DecodeError(
                    f"has more than {_MOST_TEXTS} {field}, or one of more than {_LONGEST_TEXT} "
                    "characters"
                )
    shipped = _builtin().get(concept.name)
    if shipped is not None and shipped != concept:
        raise UnlearningError(
            f"the concept file {path} takes the name {concept.name!r}, which belongs to a concept "
            f"that comes with Placid: call it my_{concept.name}"
        )
    return concept


@cache
def _builtin() -> dict[str, Concept]:
    entries = sorted(_FOLDER.iterdir(), key=lambda entry: entry.name)
    concepts = [decode_toml(entry.read_text(encoding="utf-8"), Concept) for entry in entries]
    return {concept.name: concept for concept in concepts}


@cache
def _pattern(keywords: tuple[str, ...], match: str) -> re.Pattern[str]:
    if match == "substring":
        return re.compile("|".join(map(re.escape, keywords)), re.IGNORECASE)
    forms = [form for keyword in keywords for form in inflections(keyword)]
    return re.compile(rf"\b(?:{'|'.join(forms)})\b", re.IGNORECASE)
