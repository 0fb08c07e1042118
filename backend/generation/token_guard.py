"""The token guard: drawn base tokens that look like a concept are drawn anew before decoding.

It is no edit: the weights stay, and what leaves Placid has no guard. It holds the base tokens
against the counts that LCR ranks (`backend/unlearning/token_scores.py`) and the prompt against
captions. What a prompt asks for is drawn under the concept's target sentence instead; what came
about unasked is drawn again with other seeds, then the marked tokens alone give way.
"""

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from backend.engines.protocol import Array
from backend.generation.context import subprogress
from backend.generation.redraws import Attempt, Redraw
from backend.generation.token_sampler import ReportProgress, SampleSpec, TokenSampler, derived_seed
from backend.motion.lengths import FRAMES_PER_TOKEN
from backend.unlearning.token_scores import marked_tokens, motion_score
from backend.unlearning.watched_concept import WatchedConcept

# The ways of drawing anew, in order, and how far round the marked tokens each reaches.
_TARGET: Final = ("target", 0)
_ASKED: Final = (_TARGET,) * 3
_UNASKED: Final = (("again", 0),) * 3
_WINDOWS: Final = (("window", 2), ("window", 4))
# The share of the time that the first draws of a batch take where some are drawn anew.
_FIRST_SHARE: Final = 0.9


@dataclass(frozen=True)
class _Finding:
    """How one drawn sample stands: the concept that is furthest over its limit."""

    concept: WatchedConcept
    margin: float
    score: float

    @property
    def asked(self) -> bool:
        return self.concept.asks(self.margin)

    @property
    def limit(self) -> float:
        return self.concept.limit(self.margin)

    @property
    def excess(self) -> float:
        return self.score - self.limit


class TokenGuard:
    """Watches for concepts; one for all samples of a request."""

    def __init__(self, concepts: Sequence[WatchedConcept]) -> None:
        """Watch for these concepts, at least one."""
        self.concepts = tuple(concepts)

    def examine(self, spec: SampleSpec, ids: Array) -> _Finding:
        """What the tokens (n, Q) of a sample look like most; new tokens alone count."""
        parts = _new_parts(spec, ids[:, 0])
        findings = [
            _Finding(
                concept,
                float(concept.margin(spec.text[None])[0]),
                motion_score(concept.scores, parts),
            )
            for concept in self.concepts
        ]
        # One that the prompt asks for comes before one that came about.
        return max(findings, key=lambda f: (f.excess > 0 and f.asked, f.excess))


@dataclass
class _Suspect:
    """A sample that is drawn anew, and the best of its draws so far."""

    number: int
    spec: SampleSpec
    first: _Finding
    ways: tuple[tuple[str, int], ...]
    ids: Array
    best: _Finding
    attempts: list[Attempt]
    kept: int = -1
    changed: tuple[int, int] | None = None


class GuardedSampler:
    """A sampler whose samples have passed the guard, or are the best of what was tried.

    What is drawn for a sample depends on nothing but its spec, as without the guard. Every redraw
    is noted in the `journal` of its spec.
    """

    def __init__(self, sampler: TokenSampler, guard: TokenGuard) -> None:
        """Put a guard before a sampler."""
        self._sampler = sampler
        self._guard = guard

    def sample(self, specs: Sequence[SampleSpec], progress: ReportProgress) -> Iterator[Array]:
        """See `TokenSampler.sample`."""
        at = 0
        while at < len(specs):
            batch = specs[at : at + self._sampler.batch_size]
            part = subprogress(progress, at / len(specs), len(batch) / len(specs))
            yield from self._guarded(batch, part)
            at += len(batch)

    def _guarded(self, specs: Sequence[SampleSpec], progress: ReportProgress) -> list[Array]:
        rows = list(self._sampler.sample(specs, subprogress(progress, 0.0, _FIRST_SHARE)))
        over = []
        for number, (spec, ids) in enumerate(zip(specs, rows, strict=True)):
            found = self._guard.examine(spec, ids)
            if found.excess > 0:
                over.append(_Suspect(number, spec, found, _ways(spec, found), ids, found, []))
        suspects = list(over)
        tried = 0
        while over:
            again = [_anew(suspect, *suspect.ways[tried]) for suspect in over]
            share = (1 - _FIRST_SHARE) * 0.5 ** (tried + 1)

            def report(fraction: float, _stage: str, share: float = share) -> None:
                progress(1 - 2 * share + share * fraction, "drawing anew")

            for suspect, spec, ids in zip(
                over, again, self._sampler.sample(again, report), strict=True
            ):
                self._weigh(suspect, spec, ids, suspect.ways[tried][0])
            tried += 1
            over = [s for s in over if s.best.excess > 0 and tried < len(s.ways)]
        for suspect in suspects:
            rows[suspect.number] = suspect.ids
            suspect.spec.journal.append(_told(suspect))
        return rows

    def _weigh(self, suspect: _Suspect, spec: SampleSpec, ids: Array, way: str) -> None:
        """Keep a new draw if it is further from what was found than all before it."""
        # The prompt that was asked decides the limits, whatever it was drawn under.
        found = self._guard.examine(suspect.spec, ids)
        own = motion_score(suspect.first.concept.scores, _new_parts(suspect.spec, ids[:, 0]))
        suspect.attempts.append(Attempt(way, spec.seed, round(own, 3)))
        if found.excess < suspect.best.excess:
            editable = spec.editable if spec.editable is not None else np.ones(len(ids), bool)
            suspect.ids, suspect.best = ids, found
            suspect.kept = len(suspect.attempts) - 1
            suspect.changed = _span(editable)


def _ways(spec: SampleSpec, found: _Finding) -> tuple[tuple[str, int], ...]:
    if found.asked:
        return _ASKED
    # Of a segment the seams are still to come: windows alone leave more there than whole redraws.
    is_whole = spec.ids is None and not spec.is_part
    return (*_UNASKED, *(_WINDOWS if is_whole else ()), *_ASKED)


def _anew(suspect: _Suspect, way: str, reach: int) -> SampleSpec:
    """The spec of the next draw for a suspect."""
    spec, concept = suspect.spec, suspect.best.concept
    # A refused prompt must not be the same walk for every prompt of this seed.
    seed = derived_seed(spec.seed, zlib.crc32(spec.prompt.encode()), len(suspect.attempts))
    count = len(suspect.ids)
    if way == "again":
        # As long as it was: what chose the length is not what is suspect.
        length = None if spec.ids is not None else count
        return replace(spec, seed=seed, length=length, journal=[])
    editable = spec.editable if spec.ids is not None else np.ones(count, bool)
    if way == "window":
        marked = marked_tokens(concept.scores, suspect.ids[:, 0], suspect.best.limit)
        editable = np.convolve(marked, np.ones(2 * reach + 1), "same") > 0
    return SampleSpec(
        concept.target,
        seed,
        ids=suspect.ids,
        editable=editable,
        prompt=concept.target_prompt,
    )


def _new_parts(spec: SampleSpec, tokens: Array) -> list[Array]:
    """The stretches of base tokens (n) that were drawn."""
    if spec.ids is None or spec.editable is None:
        return [tokens]
    new = np.flatnonzero(spec.editable[: len(tokens)])
    parts = np.split(new, np.flatnonzero(np.diff(new) > 1) + 1)
    return [tokens[part] for part in parts if len(part)]


def _span(editable: Array) -> tuple[int, int]:
    """The first of the tokens that are made anew, and the one behind the last."""
    changed = np.flatnonzero(editable)
    return int(changed[0]), int(changed[-1]) + 1


def _told(suspect: _Suspect) -> Redraw:
    editable = suspect.spec.editable
    if suspect.changed is not None:
        start, end = suspect.changed
    elif editable is not None:
        start, end = _span(editable)
    else:
        start, end = 0, len(suspect.ids)
    return Redraw(
        suspect.first.concept.name,
        suspect.first.asked,
        round(suspect.first.margin, 3),
        round(suspect.first.score, 3),
        suspect.first.limit,
        start * FRAMES_PER_TOKEN,
        end * FRAMES_PER_TOKEN,
        tuple(suspect.attempts),
        suspect.kept,
        suspect.best.excess <= 0,
    )
