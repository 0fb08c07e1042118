"""Text and motion pairs for training: crops and sequences of labelled segments."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from backend.datasets.actions import QUALITY_KINDS, VIOLENT_KINDS, Action
from backend.datasets.captions import caption
from backend.datasets.joining import join
from backend.datasets.preparation import PreparedClip
from backend.datasets.sources import Segment
from shared.errors import PlacidError

TOKEN_FRAMES = 4
SHORTEST, LONGEST = 24, 196
_REPEAT = 0.6  # how often a motion goes on with the same action instead of another
_ALONE = 0.3  # how often a short segment stays alone
_NATURAL = 0.35  # how often a segment is taken as long as it is


@dataclass(frozen=True, eq=False)
class Sample:
    """features float32 (t, 263) with t a multiple of 4 in 24..196, and what happens in them.

    natural: the motion is as long as the recorded action, and so tells how long that takes.
    """

    features: np.ndarray
    actions: tuple[Action, ...]
    human: tuple[str, ...]
    natural: bool = False

    def caption(self, rng: np.random.Generator) -> str:
        """One of the many captions of this motion."""
        return caption(self.actions, rng, self.human)


@dataclass(frozen=True)
class _Piece:
    clip: PreparedClip
    segment: Segment


class SamplePool:
    """Draws samples of one split, with classes balanced."""

    def __init__(self, clips: Sequence[PreparedClip], split: str) -> None:
        self._by_action: dict[tuple[str, str | None], list[_Piece]] = defaultdict(list)
        minutes: dict[str, float] = defaultdict(float)
        for clip in clips:
            for segment in clip.segments:
                if clip.split != split or segment.end - segment.start < 12:
                    continue
                action = segment.action
                self._by_action[action.kind, action.side].append(_Piece(clip, segment))
                minutes[action.kind] += (segment.end - segment.start) / 1200
        if not minutes:
            raise PlacidError(
                "empty_split",
                f"none of the {len(clips)} prepared clips has a labelled action of 12 frames or "
                f"more in the {split} split; prepare more clips",
            )
        self._kinds = sorted(minutes)
        # The fourth root evens out hours against seconds; classes of the quality bar come first.
        factors = dict.fromkeys(QUALITY_KINDS, 3) | dict.fromkeys(VIOLENT_KINDS, 2)
        weights = np.array([minutes[k] ** 0.25 * factors.get(k, 1) for k in self._kinds])
        self._weights = weights / weights.sum()

    def _choose_kind(self, rng: np.random.Generator) -> str:
        return str(rng.choice(self._kinds, p=self._weights))

    def _choose(self, kind: str, rng: np.random.Generator) -> _Piece:
        sides = [key for key in self._by_action if key[0] == kind]
        return self._among(sides[rng.integers(len(sides))], rng)

    def _among(self, key: tuple[str, str | None], rng: np.random.Generator) -> _Piece:
        sources = self._sources(key)
        pieces, _ = sources[rng.choice(len(sources), p=[share for _, share in sources])]
        return pieces[rng.integers(len(pieces))]

    def _sources(self, key: tuple[str, str | None]) -> list[tuple[list[_Piece], float]]:
        """The pieces of an action source by source, with the share of each.

        The few clips of one source are not to be lost among the many of another.
        """
        sources = defaultdict(list)
        for piece in self._by_action[key]:
            sources[piece.clip.source].append(piece)
        roots = {name: len(pieces) ** 0.5 for name, pieces in sources.items()}
        return [(sources[name], roots[name] / sum(roots.values())) for name in sorted(sources)]

    def chances(
        self, kinds: Sequence[str] | None = None
    ) -> Iterator[tuple[PreparedClip, Segment, float]]:
        """Every segment with the chance that it is the one drawn; they add up to 1.

        With `kinds` it shows one of these, each as often as the others, unless there is none.
        """
        known = [kind for kind in kinds or () if kind in self._kinds]
        shares = dict(zip(self._kinds, self._weights.tolist(), strict=True))
        if known:
            shares = {kind: known.count(kind) / len(known) for kind in self._kinds}
        sides = Counter(kind for kind, _ in self._by_action)
        for key in self._by_action:
            for pieces, share in self._sources(key):
                for piece in pieces:
                    chance = shares[key[0]] / sides[key[0]] * share / len(pieces)
                    yield piece.clip, piece.segment, chance

    def draw(self, rng: np.random.Generator) -> Sample:
        """One sample: a segment, a crop of one, or up to four joined."""
        target = int(rng.integers(SHORTEST // TOKEN_FRAMES, LONGEST // TOKEN_FRAMES + 1))
        target *= TOKEN_FRAMES
        first = self._choose(self._choose_kind(rng), rng)
        natural = rng.random() < _NATURAL
        if natural and SHORTEST <= first.segment.end - first.segment.start <= LONGEST:
            rows, _ = _crop(first, LONGEST, rng)
            segment = first.segment
            return Sample(_whole_tokens(rows), _merge(segment.actions), segment.captions, True)
        rows, whole = _crop(first, target, rng)
        parts, actions = [rows], list(first.segment.actions)
        human = first.segment.captions if whole else ()
        length = len(rows)
        if length < target - 20 and (length < SHORTEST or rng.random() > _ALONE):
            for piece in self._continue(first, rng):
                if len(parts) == 4 or length > target - 20:
                    break
                more, _ = _crop(piece, min(target, LONGEST - 14) - length, rng)
                parts.append(more)
                human = ()
                length += len(more) + 8
                if piece.segment.action != actions[-1]:
                    actions += piece.segment.actions
                actions[-1] = replace(actions[-1], count=None)
        motion = join(parts)[:LONGEST]
        return Sample(_whole_tokens(motion), _merge(actions), human)

    def _continue(self, first: _Piece, rng: np.random.Generator):  # type: ignore[no-untyped-def]
        """What may follow a piece: more of the same, or one other action and more of that."""
        action = first.segment.action
        current = first
        if rng.random() > _REPEAT:
            current = self._choose(self._choose_kind(rng), rng)
            action = current.segment.action
            yield current
        while True:
            yield self._among((action.kind, action.side), rng)


def _merge(actions: Sequence[Action]) -> tuple[Action, ...]:
    """The actions to name: repetitions of a kind and side only once."""
    merged = [actions[0]]
    for action in actions[1:]:
        last = merged[-1]
        if (action.kind, action.side) == (last.kind, last.side):
            if action != last:  # a second manner of the same: name neither
                merged[-1] = replace(last, style=None, speed=None, variant=None, count=None)
            continue
        merged.append(action)
    return tuple(merged)


def _crop(piece: _Piece, target: int, rng: np.random.Generator) -> tuple[np.ndarray, bool]:
    """At most `target` rows of a segment that show its action, and whether it is all of it."""
    segment = piece.segment
    start, end = segment.start, segment.end
    target = max(target, 12)
    if end - start <= target:
        return piece.clip.features[start:end], True
    first, last = start, end - target
    if segment.then:
        last = first
    elif segment.core is not None:
        need_start, need_end = segment.core
        if need_end - need_start > target:
            target = min(need_end - need_start, LONGEST - 14)
            last = end - target
        first = max(start, min(need_end - target, last))
        last = max(first, min(last, need_start))
    begin = int(rng.integers(first, last + 1))
    return piece.clip.features[begin : begin + target], False


def _whole_tokens(rows: np.ndarray) -> np.ndarray:
    """Cut to a multiple of four rows; a motion under 24 rows is held at its last pose."""
    if len(rows) < SHORTEST:
        pad = np.repeat(rows[-1:], SHORTEST - len(rows), axis=0).copy()
        pad[:, :3] = 0
        pad[:, 193:259] = 0
        rows = np.concatenate([rows, pad])
    return rows[: len(rows) // TOKEN_FRAMES * TOKEN_FRAMES]
