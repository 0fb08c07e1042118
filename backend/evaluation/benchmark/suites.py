"""The prompts: what must go, what must stay, what may leak, and what may be blocked too much."""

from collections.abc import Iterator, Sequence
from typing import Final

import msgspec
import numpy as np

from backend.evaluation.benchmark.protocols import Protocol
from backend.evaluation.evaluators.reference import ReferenceRow
from backend.evaluation.overlap import fit_texts, same_words, training_wordings
from backend.evaluation.prompts import load_suite
from backend.motion.lengths import FRAMES_PER_TOKEN, MAX_TOKENS, MIN_TOKENS
from backend.unlearning.concept import Concept
from shared.registry import unknown

FORGET, RETAIN, VARIED = "forget", "retain", "variations"
OVER_BLOCKING, NEAR, ADVERSARIAL, ALL = "over_blocking", "near", "adversarial", "all"
SUMMARIES: Final = {
    FORGET: "prompts that ask for the concept; with a data set, captions of its test motions",
    RETAIN: "prompts that do not; with a data set, captions of its test motions",
    VARIED: "several generations of single retain prompts, for multimodality",
    "implicit": "the concept described without any keyword",
    "paraphrases": "the concept in other words",
    "misspellings": "keywords with typing errors",
    "wordings": "a keyword in an unusual sentence",
    OVER_BLOCKING: "peaceful prompts that contain a keyword",
    NEAR: "peaceful prompts whose motion is near to the concept: football, dance, gymnastics",
    ADVERSARIAL: "text embeddings searched by gradient so that the edited model does it after all",
    ALL: "forget and retain prompts together, for a model's own figures; where it is asked for",
}
LEAKAGE: Final = ("implicit", "paraphrases", "misspellings", "wordings")
# A prompt without a real motion of its own is given so many tokens: 4 seconds.
_TOKENS: Final = 20
# The classes of the prompt suites that belong to a part of violence.
_PARTS: Final = {"kick": ("kick",), "punch": ("punch", "boxing")}


class Item(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A prompt, its length in tokens and its class."""

    prompt: str
    tokens: int = _TOKENS
    kind: str = ""


Suites = dict[str, tuple[Item, ...]]


def make_suites(
    concept: Concept,
    rows: Sequence[ReferenceRow],
    is_forget: np.ndarray,
    protocol: Protocol,
    written: bool = True,
) -> Suites:
    """The suites of a concept that the protocol names, thinned to what it takes; no empty ones.

    Written prompts are apart from everything that was fitted on, by construction and by
    `tests/backend/evaluation/test_disjoint_suites.py`. Concepts that have none are measured with
    the captions of real motions; `suite_notes` says so.

    Args:
        rows: N real motions.
        is_forget: bool (N,), which of them show the concept.
        written: whether written prompts are the forget and retain suites, and not captions.

    Raises:
        PlacidError: `unknown_suite` for a name that nobody knows, with the nearest one.
    """
    for name in protocol.suites:
        if name not in SUMMARIES:
            raise unknown("suite", name, SUMMARIES)
    is_ours = concept.name in ("violence", *_PARTS)
    forget, retain = _captions(rows, is_forget), _captions(rows, ~is_forget)
    if written:
        forget = _of_concept(load_suite("violent"), concept) if is_ours else forget
        retain = [i for i in _items(load_suite("safe")) if not concept.matches(i.prompt)]
    retain_part = _evenly(retain, protocol.prompts)
    # What an attack starts from is asked of no other suite, where there are prompts of its own.
    attacked = _of_concept(load_suite("adversarial"), concept) if is_ours else forget
    suites = {
        FORGET: _evenly(forget, protocol.prompts),
        RETAIN: retain_part,
        VARIED: tuple(
            item
            for item in _evenly(retain_part, protocol.varied)
            for _ in range(protocol.variations)
        ),
        **{name: _evenly(items, protocol.leakage) for name, items in _leakage(concept).items()},
        ADVERSARIAL: _evenly(attacked, protocol.attacked),
        ALL: _evenly([*forget, *retain], protocol.prompts),
    }
    wanted = protocol.suites or [name for name in suites if name != ALL]
    return {name: items for name, items in suites.items() if items and name in wanted}


def suite_notes(concept: Concept, suites: Suites, written: bool) -> Iterator[str]:
    """What the reader should know of the prompts: where they were there when something was fitted.

    Args:
        written: as of `make_suites`.
    """
    if not written:
        return
    forget = [item.prompt for item in suites.get(FORGET, ())]
    seen = [o.prompt for o in (*training_wordings(forget), *same_words(forget, fit_texts()))]
    if seen:
        yield (
            f"no prompts were written for {concept.name!r}: of the {len(forget)} forget prompts, "
            f"which are captions of real motions, {len(set(seen))} can be said by the training "
            "captions, so that rates are those of known wordings"
        )


def _captions(rows: Sequence[ReferenceRow], keep: np.ndarray) -> list[Item]:
    return [
        Item(
            row.captions[0],
            min(max(row.frames // FRAMES_PER_TOKEN, MIN_TOKENS), MAX_TOKENS),
            " ".join(row.kinds),
        )
        for row, kept in zip(rows, keep, strict=True)
        if kept
    ]


def _items(suite: dict[str, tuple[str, ...]]) -> list[Item]:
    return [Item(prompt, kind=kind) for kind, prompts in suite.items() for prompt in prompts]


def _of_concept(suite: dict[str, tuple[str, ...]], concept: Concept) -> list[Item]:
    """The prompts of a suite's classes that belong to violence or a part of it."""
    parts = _PARTS.get(concept.name, tuple(suite))
    return [item for item in _items(suite) if item.kind in parts]


def _leakage(concept: Concept) -> dict[str, list[Item]]:
    """The written suites of violence and its parts; other concepts have their implicit prompts."""
    if concept.name not in ("violence", *_PARTS):
        return {"implicit": [Item(prompt) for prompt in concept.implicit_prompts]}
    parts = [concept.name] if concept.name in _PARTS else list(_PARTS)
    found: dict[str, list[Item]] = {}
    for part in parts:
        suite = load_suite(f"leakage_{part}")
        for name in (*LEAKAGE, OVER_BLOCKING):
            found.setdefault(name, []).extend(Item(p, kind=part) for p in suite[name])
    found[NEAR] = _items(load_suite(NEAR))
    return found


def _evenly(items: Sequence[Item], count: int | None) -> tuple[Item, ...]:
    if count is None or count >= len(items):
        return tuple(items)
    return tuple(items[i * len(items) // count] for i in range(count))
