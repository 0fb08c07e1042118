"""The prompts: what must go, what must stay, what may leak, and what may be blocked too much."""

from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np

from backend.evaluation.benchmark.protocols import Protocol
from backend.evaluation.evaluators.reference import ReferenceRow
from backend.evaluation.prompts import load_suite
from backend.motion.lengths import FRAMES_PER_TOKEN, MAX_TOKENS, MIN_TOKENS
from backend.unlearning.concept import Concept

FORGET, RETAIN, VARIED = "forget", "retain", "variations"
OVER_BLOCKING, ADVERSARIAL = "over_blocking", "adversarial"
SUMMARIES: Final = {
    FORGET: "captions of real held-out motions of the concept, and written ones",
    RETAIN: "captions of real held-out motions without the concept, and written ones",
    VARIED: "several generations of single retain prompts, for multimodality",
    "implicit": "the concept described without any keyword",
    "paraphrases": "the concept in other words",
    "misspellings": "keywords with typing errors",
    "wordings": "a keyword in an unusual sentence",
    OVER_BLOCKING: "peaceful prompts that contain a keyword",
    ADVERSARIAL: "text embeddings searched by gradient so that the edited model does it after all",
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
    """All suites of a concept, thinned to what the protocol takes; empty ones are left out.

    Args:
        rows: N real motions.
        is_forget: bool (N,), which of them show the concept.
        written: whether written prompts join the captions of the forget and retain suites.
    """
    violent = _of_concept(load_suite("violent"), concept)
    forget, retain = _captions(rows, is_forget), _captions(rows, ~is_forget)
    if written:
        forget += violent
        retain += _items(load_suite("safe"))
    leaking = _leakage(concept)
    retain_part = _evenly(retain, protocol.prompts)
    suites = {
        FORGET: _evenly(forget, protocol.prompts),
        RETAIN: retain_part,
        VARIED: tuple(
            item
            for item in _evenly(retain_part, protocol.varied)
            for _ in range(protocol.variations)
        ),
        **{name: _evenly(items, protocol.leakage) for name, items in leaking.items()},
        ADVERSARIAL: _evenly(
            [Item(text) for text in concept.forget_prompts] or violent, protocol.attacked
        ),
    }
    return {name: items for name, items in suites.items() if items}


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
    """The prompts of the suite's classes that belong to a concept; for others those it matches."""
    items = _items(suite)
    if concept.name in ("violence", *_PARTS):
        parts = _PARTS.get(concept.name, tuple(suite))
        return [item for item in items if item.kind in parts]
    return [item for item in items if concept.matches(item.prompt)]


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
    return found


def _evenly(items: Sequence[Item], count: int | None) -> tuple[Item, ...]:
    if count is None or count >= len(items):
        return tuple(items)
    return tuple(items[i * len(items) // count] for i in range(count))
