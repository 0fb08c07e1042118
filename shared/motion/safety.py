"""What a motion's provenance says of its safety: by what it was made, frame by frame.

A label tells the effect. A concept counts as forgotten where its edit is in force as it was fitted,
and a motion of several parts is never said to be safer than any of them.
"""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from ..concepts import describe_forgotten, describe_free, describe_guarded
from ..concepts import forgotten as named_concepts
from ..errors import PlacidError
from ..safety_choice import JOIN, OFF, TOKEN_GUARD, split_guard, with_guard

# Frames that no Placid made, or of which it is not known how.
UNKNOWN: Final = "unknown"
# Parts that were made by different methods.
MIXED: Final = "mixed"
# From this share on an edit is in force as it was fitted; below the other it does nothing.
WHOLE: Final = 0.95
NOTHING: Final = 0.005
_MOST_PARTS: Final = 10_000
# Stands for the backend's default, which is never off.
_UNNAMED: Final = "default"


class EditRecord(msgspec.Struct, frozen=True, omit_defaults=True):
    """An edit that was in force.

    Attributes:
        method, concept: of the edit.
        hash: of what it changes (`Edit.hash`).
        share: how far the weights had gone to its values; 1 is all the way.
    """

    method: str
    concept: str
    hash: str
    share: float = 1.0


class Label(msgspec.Struct, frozen=True):
    """How some frames were made.

    Attributes:
        safety: unlearning method, or `off`, `unknown` or `mixed`.
        concepts: what was forgotten.
        partly: concept -> share, of what was forgotten in part only.
        edits: which edits were in force.
        guarded: concepts that the token guard watched for; no weights say so.
    """

    safety: str = UNKNOWN
    concepts: tuple[str, ...] = ()
    partly: dict[str, float] = {}
    edits: tuple[EditRecord, ...] = ()
    guarded: tuple[str, ...] = ()

    @classmethod
    def of(cls, method: str, edits: Sequence[EditRecord], guarded: Sequence[str] = ()) -> "Label":
        """The label of what was made with these edits in force and this watched for."""
        shares: dict[str, float] = {}
        for edit in edits:
            # Of several methods for one concept the one that reaches furthest counts.
            shares[edit.concept] = max(edit.share, shares.get(edit.concept, 0.0))
        forgotten = tuple(concept for concept, share in shares.items() if share >= WHOLE)
        partly = {c: round(share, 3) for c, share in shares.items() if NOTHING <= share < WHOLE}
        weights, _ = split_guard(method)
        parts = [weights] if forgotten or partly else []
        parts += [TOKEN_GUARD] if guarded else []
        if not parts:
            return cls(OFF)
        kept = tuple(edit for edit in edits if edit.share >= NOTHING)
        return cls(JOIN.join(parts), forgotten, partly, kept, tuple(guarded))

    @property
    def sentence(self) -> str:
        """For people: "safety lcr, forgets violence"."""
        if self.safety == UNKNOWN:
            return "safety unknown, nobody noted how this was made"
        if self.safety == OFF:
            return "safety off, violence is free"
        return f"safety {self.safety}, {self.effect}"

    @property
    def effect(self) -> str:
        """What is forgotten, what is left of it, and what stays possible, without the method."""
        told = [
            f"{concept} only {share:.0%} of the way, the rest of it is left"
            for concept, share in self.partly.items()
        ]
        if self.concepts:
            told.insert(0, describe_forgotten(self.concepts))
        if self.guarded:
            told.append(describe_guarded(self.guarded))
        told += describe_free((*self.concepts, *self.partly, *self.guarded))
        return "; ".join(told)


def announce(
    safety: str | None, guard: bool | None, concepts: Sequence[str], strength: float
) -> str:
    """What a request will forget and what it leaves possible, before anything is made.

    Args:
        safety, guard, concepts, strength: of the request.

    Raises PlacidError `bad_concept` or `bad_request` for what means nothing.
    """
    method = with_guard(safety or _UNNAMED, guard)
    weights, guarded = split_guard(method)
    wanted = () if weights == OFF else named_concepts(concepts)
    edits = [EditRecord(weights, concept, "", strength) for concept in wanted if weights]
    label = Label.of(method, edits, wanted if guarded else ())
    return label.effect if label.safety != OFF else "safety off, violence is free"


class Part(msgspec.Struct, frozen=True):
    """A range [start, end) of a motion's frames and how it was made."""

    start: int
    end: int
    label: Label


class _Known(msgspec.Struct):
    """The entries of a provenance that this module reads; every other is passed on unread."""

    safety: str = UNKNOWN
    concepts: tuple[str, ...] = ()
    partly: dict[str, float] = {}
    edits: tuple[EditRecord, ...] = ()
    guarded: tuple[str, ...] = ()
    parts: tuple[Part, ...] = ()
    changes: tuple[str, ...] = ()
    repaired: tuple[tuple[int, int], ...] = ()


class ProvenanceError(PlacidError):
    """A provenance that cannot be read; `problem` says what is wrong with it."""

    def __init__(self, problem: str, name: str = "the motion") -> None:
        super().__init__(
            "bad_motion",
            f"what {name} says of its safety cannot be read ({problem}); generate the motion again",
        )
        self.problem = problem


def check_provenance(provenance: dict[str, Any], frames: int) -> None:
    """Raise ProvenanceError unless the entries on safety can be read and fit so many frames."""
    known = _read(provenance)
    at = 0
    for part in known.parts:
        if not at == part.start < part.end:
            raise ProvenanceError(f"its part {part.start} to {part.end} does not follow on {at}")
        at = part.end
    if known.parts and at != frames:
        raise ProvenanceError(f"its parts end at {at}, the motion at {frames}")


def label_of(provenance: dict[str, Any]) -> Label:
    """The label of a whole motion. Raises ProvenanceError."""
    known = _read(provenance)
    return Label(known.safety, known.concepts, known.partly, known.edits, known.guarded)


def changes_of(provenance: dict[str, Any]) -> tuple[str, ...]:
    """What the edits changed, a sentence each. Raises ProvenanceError."""
    return _read(provenance).changes


def parts_of(provenance: dict[str, Any], frames: int) -> tuple[Part, ...]:
    """How each range of a motion of so many frames was made. Raises ProvenanceError."""
    return _read(provenance).parts or (Part(0, frames, label_of(provenance)),)


def repaired_spans(provenance: dict[str, Any]) -> tuple[tuple[int, int], ...]:
    """The frames [start, end) of a motion that a repair made anew. Raises ProvenanceError."""
    return _read(provenance).repaired


def label_entries(label: Label, parts: Sequence[Part] = ()) -> dict[str, Any]:
    """A label, and what it was made of, as entries of a provenance: plain JSON values."""
    entries: dict[str, Any] = msgspec.to_builtins(label)
    if parts:
        entries["parts"] = msgspec.to_builtins(list(parts))
    return entries


def replaced(
    parts: Sequence[Part], ranges: Sequence[tuple[int, int]], label: Label
) -> tuple[Part, ...]:
    """The parts of a motion in which ranges were made anew; neighbours of one label are one."""
    new = [Part(start, end, label) for start, end in ranges]
    kept = []
    for part in parts:
        at = part.start
        for start, end in [*ranges, (part.end, part.end)]:
            if at < min(start, part.end):
                kept.append(Part(at, min(start, part.end), part.label))
            at = max(at, end)
    joined: list[Part] = []
    for part in sorted([*kept, *new], key=lambda part: part.start):
        if joined and joined[-1].label == part.label and joined[-1].end == part.start:
            part = Part(joined.pop().start, part.end, part.label)
        joined.append(part)
    return tuple(joined)


def weakest(parts: Sequence[Part]) -> Label:
    """A label that is true of every part."""
    labels = [part.label for part in parts]
    methods = {label.safety for label in labels}
    for nothing in (OFF, UNKNOWN):
        if nothing in methods:
            return Label(nothing)
    concepts = tuple(c for c in labels[0].concepts if all(c in label.concepts for label in labels))
    partly: dict[str, float] = {}
    for concept in dict.fromkeys(c for label in labels for c in (*label.concepts, *label.partly)):
        shares = [
            1.0 if concept in label.concepts else label.partly.get(concept, 0.0) for label in labels
        ]
        if concept not in concepts and min(shares) > 0:
            partly[concept] = min(shares)
    edits = tuple(dict.fromkeys(edit for label in labels for edit in label.edits))
    method = labels[0].safety if len(methods) == 1 else MIXED
    guarded = tuple(c for c in labels[0].guarded if all(c in label.guarded for label in labels))
    return Label(method, concepts, partly, edits, guarded)


def _read(provenance: dict[str, Any]) -> _Known:
    wanted = {key: provenance[key] for key in _Known.__struct_fields__ if key in provenance}
    try:
        known = msgspec.convert(wanted, _Known)
    except (msgspec.ValidationError, RecursionError) as error:
        raise ProvenanceError(str(error)) from None
    if len(known.parts) > _MOST_PARTS:
        raise ProvenanceError(f"it has {len(known.parts)} parts")
    return known
