"""What a request forgets: the rule by which named concepts join violence, and what they may be.

Violence is forgotten whatever else is. Concepts of the user's own come on top; a part of violence
that is named by its own ("kick") stands for it, and `-violence` takes it away.
"""

import re
import unicodedata
from collections.abc import Collection, Sequence
from typing import Final

from .errors import PlacidError
from .names import is_remote

VIOLENCE: Final = "violence"
WITHOUT_VIOLENCE: Final = "-violence"
# The concepts that come with Placid and are kinds of violence.
VIOLENT_PARTS: Final = ("guns", "kick", "martial_arts", "punch", "weapons")
MAX_CONCEPTS: Final = 32
MAX_KEYWORDS: Final = 64
MAX_CONCEPT_CHARACTERS: Final = 500
# Of a concept's name, which is a part of a file's name.
LONGEST_CONCEPT: Final = 64

_SHOWN: Final = 60
# Control characters, and those of paths and patterns.
_IN_NO_PROMPT: Final = re.compile(r"[\x00-\x1f\x7f-\x9f/\\|<>*?%$#@^~`{}\[\]()=+]")


def forgotten(concepts: Sequence[str]) -> tuple[str, ...]:
    """The concepts that are forgotten when these are named, each once.

    Raises PlacidError `bad_concept` for more than MAX_CONCEPTS, or when nothing is left.
    """
    if len(concepts) > MAX_CONCEPTS:
        raise PlacidError(
            "bad_concept",
            f"{len(concepts)} concepts are named; name at most {MAX_CONCEPTS}, or put keywords "
            "that belong together into one concept, as in 'crawl, creep'",
        )
    stripped = dict.fromkeys(concept.strip() for concept in concepts)
    named = [concept for concept in stripped if concept != WITHOUT_VIOLENCE]
    if strays := [concept for concept in named if concept.startswith("-")]:
        raise PlacidError(
            "bad_concept",
            f"{strays[0][:_SHOWN]!r} takes nothing away; only {WITHOUT_VIOLENCE} does, and a "
            "concept that is not named is not forgotten",
        )
    if WITHOUT_VIOLENCE in stripped and VIOLENCE in named:
        raise PlacidError(
            "bad_concept", f"both {VIOLENCE} and {WITHOUT_VIOLENCE} are named; leave one out"
        )
    if not named:
        raise PlacidError(
            "bad_concept", "no concept to forget is named; name one, or choose safety 'off'"
        )
    is_covered = any(concept in (VIOLENCE, *VIOLENT_PARTS) for concept in named)
    if is_covered or WITHOUT_VIOLENCE in stripped:
        return tuple(named)
    return (VIOLENCE, *named)


def free(concepts: Collection[str]) -> tuple[str, ...]:
    """The kinds of violence that stay possible when just these concepts are forgotten."""
    if VIOLENCE in concepts:
        return ()
    named = tuple(part for part in VIOLENT_PARTS if part not in concepts)
    return named if len(named) < len(VIOLENT_PARTS) else (VIOLENCE,)


def describe_forgotten(concepts: Sequence[str]) -> str:
    """The concepts in a sentence: "forgets violence, crawl and 'hop, skip'"."""
    return f"forgets {_listed(concepts)}"


def describe_guarded(concepts: Sequence[str]) -> str:
    """The concepts that the token guard watches for: "draws violence anew"."""
    return f"draws {_listed(concepts)} anew"


def _listed(concepts: Sequence[str]) -> str:
    stripped = [name.strip(" ,") for name in concepts]
    short = [name if len(name) <= _SHOWN else f"{name[:_SHOWN]}..." for name in stripped]
    quoted = [f"'{name}'" if "," in name else name for name in short]
    last = f"{', '.join(quoted[:-1])} and " if quoted[1:] else ""
    return f"{last}{quoted[-1]}"


def describe_free(concepts: Collection[str]) -> tuple[str, ...]:
    """A sentence on the violence that these concepts leave possible; none where they leave none."""
    left = free(concepts)
    if not left:
        return ()
    if left == (VIOLENCE,):
        return (f"{VIOLENCE} is free",)
    return (f"other violence ({', '.join(left)}) is free",)


def keywords_of(concept: str) -> tuple[str, ...]:
    """The keywords of a concept that is typed as keywords, with commas between several."""
    return tuple(word.strip() for word in concept.split(",") if word.strip())


def concept_name(text: str) -> str:
    """The nearest name that an edit's file can have; empty when the text has no letter or digit."""
    text = unicodedata.normalize("NFC", text).lower()
    return re.sub(r"\W+", "_", text).strip("_")[:LONGEST_CONCEPT].rstrip("_")


def check_typed(concept: str) -> None:
    """Hold a concept that no list names against what can mean something.

    Raises PlacidError `bad_concept` for one that is too long, has too many keywords, keywords
    without meaning, or is a file on another computer.
    """
    if len(concept) > MAX_CONCEPT_CHARACTERS:
        raise PlacidError(
            "bad_concept",
            f"the concept has {len(concept)} characters; shorten it to at most "
            f"{MAX_CONCEPT_CHARACTERS}",
        )
    if is_file(concept):
        if problem := path_problem(concept):
            raise PlacidError("bad_concept", problem)
        return
    keywords = keywords_of(concept)
    if not keywords:
        raise PlacidError(
            "bad_concept", f"the concept {concept!r} has no keyword; name an action, as in 'crawl'"
        )
    if problem := keyword_problem(keywords):
        raise PlacidError("bad_concept", problem)


def is_file(concept: str) -> bool:
    """Whether a concept is meant as the path of a concept file."""
    return concept.lower().endswith(".toml")


def path_problem(path: str) -> str:
    """Why a path cannot be a concept file, with the remedy; empty when it can."""
    # Opening a path on another computer tells that computer who asks, and may wait for minutes.
    if is_remote(path) or "://" in path:
        return f"the concept file {path!r} is on another computer; copy it to this one"
    if "\0" in path:
        return f"the concept file {path!r} is no path; give the path of a .toml file"
    return ""


def keyword_problem(keywords: Sequence[str], most: int = MAX_KEYWORDS) -> str:
    """Why keywords can find nothing, with the remedy; empty when they can."""
    if len(keywords) > most:
        return f"the concept has {len(keywords)} keywords; name at most {most}"
    for keyword in keywords:
        letters = unicodedata.normalize("NFKD", keyword)
        if len(re.findall(r"[A-Za-z]", letters)) < 2:
            return (
                f"the keyword {keyword[:_SHOWN]!r} means nothing in an English prompt; name an "
                "action in at least two letters, as in 'crawl'"
            )
        if foreign := _IN_NO_PROMPT.search(keyword):
            return (
                f"the keyword {keyword[:_SHOWN]!r} has the character {foreign[0]!r}, which no "
                "prompt has; put commas between keywords, as in 'jab, cross'"
            )
    return ""
