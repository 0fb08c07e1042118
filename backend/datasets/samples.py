"""Text and motion pairs for training: windows of recordings, rows of them, two at once."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

import numpy as np

from backend.datasets import gestures
from backend.datasets.actions import Action
from backend.datasets.balance import Piece, chances, with_speeds
from backend.datasets.captions import STEPPED, caption
from backend.datasets.composing import compose
from backend.datasets.joining import join
from backend.datasets.preparation import PreparedClip
from backend.datasets.sources import Segment
from shared.errors import PlacidError

TOKEN_FRAMES = 4
SHORTEST, LONGEST = 24, 196
_TARGET: Final = 40  # frames that a sample is to have at least, unless an action is shorter
_REPEAT = 0.6  # how often a motion goes on with the same action instead of another
_ALONE = 0.55  # how often a segment stays alone
_NATURAL = 0.6  # how often a whole action is taken as long as it is
_IDLE: Final = 0.12  # how often a motion begins, and how often it ends, in a neutral stand
_IDLE_FRAMES: Final = (10, 32)
_IDLE_SAID: Final = 0.3
_TOGETHER: Final = 0.4  # how often what is done with the arms is done while going somewhere
_SCRAP: Final = 12  # frames under which a segment shows nothing

# What crops show only as a whole: the way of a path, however it is called.
_PATHS: Final = (
    *("turn_", "about_turn_", "walk_circle_", "walk_curve_", "walk_winding", "walk_around"),
    *("sit_down", "stand_up", "lie_down", "get_up", "fall"),
)
_LEGS: Final = frozenset(
    {"walk_forward", "walk_backward", "run", "stand", "march", "jog_in_place"}
    | {"side_step_left", "side_step_right", "walk_diagonal_left", "walk_diagonal_right"}
    | {"walk_curve_left", "walk_curve_right", "turn_left", "turn_right"}
)


@dataclass(frozen=True, eq=False)
class Sample:
    """features float32 (t, 263) with t a multiple of 4 in 24..196, and what happens in them.

    natural: the motion is as long as the recorded action, and so tells how long that takes.
    at_once: the two actions are done at the same time, the first with the legs.
    """

    features: np.ndarray
    actions: tuple[Action, ...]
    human: tuple[str, ...]
    natural: bool = False
    at_once: bool = False

    def caption(self, rng: np.random.Generator) -> str:
        """One of the many captions of this motion."""
        return caption(self.actions, rng, self.human, self.at_once)


class _Lot(NamedTuple):
    """Pieces by their numbers (n,), and their chances added up (n,)."""

    numbers: np.ndarray
    edges: np.ndarray


class SamplePool:
    """Draws samples of one split, with families of actions by their shares."""

    def __init__(self, clips: Sequence[PreparedClip], split: str) -> None:
        found = [
            Piece(clip, segment)
            for clip in clips
            if clip.split == split
            for segment in clip.segments
            if segment.end - segment.start >= _SCRAP
        ]
        if not found:
            raise PlacidError(
                "empty_split",
                f"none of the {len(clips)} prepared clips has a labelled action of {_SCRAP} frames "
                f"or more in the {split} split; prepare more clips",
            )
        self._pieces = with_speeds(found)
        self._chances = chances(self._pieces)
        alike: dict[tuple[str, str | None], list[int]] = defaultdict(list)
        for number, piece in enumerate(self._pieces):
            alike[_key(piece)].append(number)
        self._all = self._lot(range(len(self._pieces)))
        self._alike = {key: self._lot(numbers) for key, numbers in alike.items()}
        self._stands = self._lot([n for n, piece in enumerate(self._pieces) if _neutral(piece)])
        self._legs = self._lot([n for n, piece in enumerate(self._pieces) if _only_legs(piece)])

    def _lot(self, numbers: Sequence[int]) -> _Lot:
        own = np.asarray(numbers, dtype=np.int64)
        return _Lot(own, np.cumsum(self._chances[own]))

    def _among(self, lot: _Lot, rng: np.random.Generator) -> Piece:
        """A piece of a lot, as often as its chance says."""
        at = int(np.searchsorted(lot.edges, rng.random() * lot.edges[-1], side="right"))
        return self._pieces[lot.numbers[min(at, len(lot.numbers) - 1)]]

    def chances(
        self, kinds: Sequence[str] | None = None
    ) -> Iterator[tuple[PreparedClip, Segment, float]]:
        """Every segment with the chance that it is the one drawn; they add up to 1.

        With `kinds` it shows one of these, each as often as the others, unless there is none.
        """
        weights = self._chances
        own = np.array([piece.segment.action.kind for piece in self._pieces])
        known = [kind for kind in dict.fromkeys(kinds or ()) if (own == kind).any()]
        if known:
            weights = np.zeros_like(weights)
            for kind in known:
                of_kind = own == kind
                weights[of_kind] = self._chances[of_kind] / self._chances[of_kind].sum()
        weights = weights / weights.sum()
        for piece, chance in zip(self._pieces, weights.tolist(), strict=True):
            yield piece.clip, piece.segment, chance

    def draw(self, rng: np.random.Generator) -> Sample:
        """One sample: a segment, a crop of one, up to four joined, or two at the same time."""
        first = self._among(self._all, rng)
        if len(self._legs.numbers) and _on_a_stand(first) and rng.random() < _TOGETHER:
            return self._together(first, rng)
        target = int(rng.integers(_TARGET // TOKEN_FRAMES, LONGEST // TOKEN_FRAMES + 1))
        target *= TOKEN_FRAMES
        length = first.segment.end - first.segment.start
        natural = first.segment.whole and SHORTEST <= length <= LONGEST
        if natural and rng.random() < _NATURAL:
            segment = first.segment
            rows = first.clip.features[segment.start : segment.end]
            return Sample(_whole_tokens(rows), _merge(segment.actions), segment.captions, True)
        return self._row(first, target, rng)

    def _row(self, first: Piece, target: int, rng: np.random.Generator) -> Sample:
        """A segment and what may follow it, about `target` frames."""
        rows, whole = _crop(first, target, rng)
        parts, actions = [rows], list(first.segment.actions)
        human = first.segment.captions if whole else ()
        length, enough = len(rows), max(target - 20, SHORTEST)
        if length < enough and (length < SHORTEST or rng.random() > _ALONE):
            for piece in self._continue(first, rng):
                if (len(parts) >= 4 and length >= SHORTEST) or length >= enough:
                    break
                more, _ = _crop(piece, min(target, LONGEST - 14) - length, rng)
                if length + len(more) + 8 > LONGEST:
                    break
                parts.append(more)
                human = ()
                length += len(more) + 8
                actions += piece.segment.actions
        parts, actions = self._in_a_stand(parts, actions, length, rng)
        motion = join(parts)[:LONGEST]
        return Sample(_whole_tokens(motion), _merge(actions), human)

    def _in_a_stand(
        self, parts: list[np.ndarray], actions: list[Action], length: int, rng: np.random.Generator
    ) -> tuple[list[np.ndarray], list[Action]]:
        """The motion with a neutral stand before or behind it, now and then, said or not."""
        before, after = rng.random(2) < _IDLE
        for wanted, place in ((before, 0), (after, len(parts))):
            frames = int(rng.integers(*_IDLE_FRAMES))
            if not wanted or not len(self._stands.numbers) or length + frames + 14 > LONGEST:
                continue
            piece = self._among(self._stands, rng)
            stand, _ = _crop(piece, frames, rng)
            at = 0 if place == 0 else len(parts)
            parts = [*parts[:at], stand, *parts[at:]]
            length += len(stand) + 14
            if rng.random() < _IDLE_SAID:
                actions = [Action("stand"), *actions] if at == 0 else [*actions, Action("stand")]
        return parts, actions

    def _continue(self, first: Piece, rng: np.random.Generator) -> Iterator[Piece]:
        """What may follow a piece: more of the same, or one other action and more of that."""
        key = _key(first)
        if rng.random() > _REPEAT:
            current = self._among(self._all, rng)
            key = _key(current)
            yield current
        while True:
            yield self._among(self._alike[key], rng)

    def _together(self, arms: Piece, rng: np.random.Generator) -> Sample:
        """A gesture on other legs."""
        legs = self._among(self._legs, rng)
        above = arms.clip.features[arms.segment.start : arms.segment.end][:LONGEST]
        below = legs.clip.features[legs.segment.start : legs.segment.end]
        if len(below) < len(above):
            whole = legs.segment.action.kind.startswith(_PATHS)
            again = [below] if whole else [below] * (-(-len(above) // len(below)))
            below = join(again) if len(again) > 1 else below
        motion = compose(below[: len(above)], above)
        if len(motion) < SHORTEST or not _still_shown(arms, len(motion)):
            return Sample(_whole_tokens(above), _merge(arms.segment.actions), arms.segment.captions)
        step = replace(legs.segment.action, count=None)
        if step.kind == "stand":
            return Sample(_whole_tokens(motion), (arms.segment.action,), ())
        return Sample(_whole_tokens(motion), (step, arms.segment.action), (), at_once=True)


def _key(piece: Piece) -> tuple[str, str | None]:
    return piece.segment.action.kind, piece.segment.action.side


def _neutral(piece: Piece) -> bool:
    segment = piece.segment
    return segment.action.kind == "stand" and not segment.then and segment.action.variant is None


def _only_legs(piece: Piece) -> bool:
    """Whether the arms of a piece do nothing of their own."""
    action = piece.segment.action
    if piece.segment.then or action.variant or action.style or piece.segment.captions:
        return False
    return action.kind in _LEGS and piece.segment.end - piece.segment.start >= _TARGET


def _on_a_stand(piece: Piece) -> bool:
    """Whether it is a gesture that was put on somebody who stands."""
    plain = not piece.segment.captions and not piece.segment.then
    return piece.clip.source == gestures.SOURCE and plain


def _still_shown(piece: Piece, frames: int) -> bool:
    core = piece.segment.core
    return core is None or core[1] - piece.segment.start <= frames


def _merge(actions: Sequence[Action]) -> tuple[Action, ...]:
    """The actions to name: repetitions of a kind and side only once, their numbers added up."""
    merged = [actions[0]]
    for action in actions[1:]:
        last = merged[-1]
        if (action.kind, action.side) != (last.kind, last.side):
            merged.append(action)
            continue
        count = None
        if action.count and last.count and action.kind not in STEPPED:
            count = action.count + last.count if action.count + last.count <= 6 else None
        # A second manner of the same: name neither.
        merged[-1] = replace(
            last,
            count=count,
            style=last.style if last.style == action.style else None,
            speed=last.speed if last.speed == action.speed else None,
            variant=last.variant if last.variant == action.variant else None,
        )
    return tuple(merged)


def _cropable(segment: Segment) -> bool:
    """Whether what is said of a segment holds for parts of it, with its core if it has one."""
    if segment.then:
        return False
    if segment.core is not None:
        return True
    return segment.action.count is None and not segment.action.kind.startswith(_PATHS)


def _crop(piece: Piece, target: int, rng: np.random.Generator) -> tuple[np.ndarray, bool]:
    """At most `target` rows of a segment that show its action, and whether it is all of it."""
    segment = piece.segment
    start, end = segment.start, segment.end
    target = max(target, _SCRAP)
    if not _cropable(segment):
        target = max(target, min(end - start, LONGEST - 14))
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
    """Cut to a multiple of four rows."""
    return np.asarray(rows[: len(rows) // TOKEN_FRAMES * TOKEN_FRAMES])
