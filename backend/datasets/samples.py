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
from backend.datasets.cropping import PATHS, SCRAP, crop, whole_tokens
from backend.datasets.joining import join
from backend.datasets.preparation import PreparedClip
from backend.datasets.sources import Segment
from backend.motion.lengths import FRAMES_PER_TOKEN, MAX_FRAMES, MIN_FRAMES
from shared.errors import PlacidError

_TARGET: Final = 40  # frames that a sample is to have at least, unless an action is shorter
_REPEAT = 0.6  # how often a motion goes on with the same action instead of another
_ALONE = 0.55  # how often a segment stays alone
_NATURAL = 0.6  # how often a whole action is taken as long as it is
# Frames of a whole action under which it mostly does not stay alone: nobody asks for a second.
_UNHURRIED: Final = 60
_IDLE: Final = 0.12  # how often a motion begins, and how often it ends, in a neutral stand
_IDLE_SHORT: Final = 0.5  # the same of motions under two seconds
_IDLE_FRAMES: Final = (10, 32)
_IDLE_SAID: Final = 0.3
_TOGETHER: Final = 0.4  # how often what is done with the arms is done while going somewhere

# How far apart poses that are joined may be: metres of the pelvis' height, of joints on average.
_STEP_DOWN, _REACH = 0.2, 0.35
_TRIES: Final = 12
# What nobody does on the way.
_SEATED: Final = frozenset(
    {"drive", "type", "write", "piano", "drums", "stir", "open_door", "knock"}
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
            if segment.end - segment.start >= SCRAP
        ]
        if not found:
            raise PlacidError(
                "empty_split",
                f"none of the {len(clips)} prepared clips has a labelled action of {SCRAP} frames "
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
        target = int(rng.integers(_TARGET // FRAMES_PER_TOKEN, MAX_FRAMES // FRAMES_PER_TOKEN + 1))
        target *= FRAMES_PER_TOKEN
        length = first.segment.end - first.segment.start
        natural = first.segment.whole and MIN_FRAMES <= length <= MAX_FRAMES
        if natural and rng.random() < _NATURAL * min(1.0, length / _UNHURRIED):
            segment = first.segment
            rows = first.clip.features[segment.start : segment.end]
            return Sample(whole_tokens(rows), _merge(segment.actions), segment.captions, True)
        return self._row(first, target, rng)

    def _row(self, first: Piece, target: int, rng: np.random.Generator) -> Sample:
        """A segment and what may follow it, about `target` frames."""
        rows, whole = crop(first, target, rng)
        parts, actions = [rows], list(first.segment.actions)
        human = first.segment.captions if whole else ()
        length, enough = len(rows), max(target - 20, MIN_FRAMES)
        if length < enough and (length < MIN_FRAMES or rng.random() > _ALONE):
            for tried, piece in enumerate(self._continue(first, rng)):
                if (len(parts) >= 4 and length >= MIN_FRAMES) or length >= enough:
                    break
                if not _joinable(parts[-1][-1], piece):
                    if tried < _TRIES:
                        continue
                    if length >= MIN_FRAMES:
                        break
                more, _ = crop(piece, min(target, MAX_FRAMES - 14) - length, rng)
                if length + len(more) + 8 > MAX_FRAMES:
                    break
                parts.append(more)
                human = ()
                length += len(more) + 8
                actions += piece.segment.actions
        parts, actions = self._in_a_stand(parts, actions, length, rng)
        motion = join(parts)[:MAX_FRAMES]
        return Sample(whole_tokens(motion), _merge(actions), human)

    def _in_a_stand(
        self, parts: list[np.ndarray], actions: list[Action], length: int, rng: np.random.Generator
    ) -> tuple[list[np.ndarray], list[Action]]:
        """The motion with a neutral stand before or behind it, now and then, said or not."""
        before, after = rng.random(2) < (_IDLE if length >= _TARGET else _IDLE_SHORT)
        for wanted, place in ((before, 0), (after, len(parts))):
            frames = int(rng.integers(*_IDLE_FRAMES))
            if not wanted or not len(self._stands.numbers) or length + frames + 14 > MAX_FRAMES:
                continue
            piece = self._among(self._stands, rng)
            stand, _ = crop(piece, frames, rng)
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
        above = arms.clip.features[arms.segment.start : arms.segment.end][:MAX_FRAMES]
        below = legs.clip.features[legs.segment.start : legs.segment.end]
        if len(below) < len(above):
            whole = legs.segment.action.kind.startswith(PATHS)
            again = [below] if whole else [below] * (-(-len(above) // len(below)))
            below = join(again) if len(again) > 1 else below
        motion = compose(below[: len(above)], above)
        if len(motion) < MIN_FRAMES or not _still_shown(arms, len(motion)):
            return Sample(whole_tokens(above), _merge(arms.segment.actions), arms.segment.captions)
        step = replace(legs.segment.action, count=None)
        if step.kind == "stand":
            return Sample(whole_tokens(motion), (arms.segment.action,), ())
        return Sample(whole_tokens(motion), (step, arms.segment.action), (), at_once=True)


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


def _joinable(row: np.ndarray, piece: Piece) -> bool:
    """Whether the pose of a row (263,) is near the first one of a piece."""
    apart = row - piece.clip.features[piece.segment.start]
    reach = np.linalg.norm(apart[4:67].reshape(-1, 3), axis=-1).mean()
    return bool(abs(apart[3]) < _STEP_DOWN and reach < _REACH)


def _on_a_stand(piece: Piece) -> bool:
    """Whether it is a gesture on somebody who stands and could as well walk."""
    plain = not piece.segment.captions and not piece.segment.then
    plain = plain and piece.segment.action.kind not in _SEATED
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
