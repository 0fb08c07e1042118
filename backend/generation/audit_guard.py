"""The audit guard: frames in which the checks still find a strike are made again, at most twice.

It stands behind everything else that keeps a motion safe and looks at joints, not at tokens: first
the tokens round a strike are drawn again as they were asked for, then under the target sentence.
What is left after that stays, and the audit tells of it.
"""

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from backend.engines.protocol import Array
from backend.generation.redraws import Attempt, AuditRedraw
from backend.generation.token_sampler import ReportProgress, Sampler, SampleSpec, derived_seed
from backend.kinematic_checks.detect import STRIKE_KINDS, Strike, StrikeKind, strikes
from backend.motion.lengths import FPS, FRAMES_PER_TOKEN, MAX_TOKENS

Shown = tuple[np.ndarray, np.ndarray]  # joints and contacts

# What each concept forbids; of others the checks know nothing.
_KINDS: Final[dict[str, tuple[StrikeKind, ...]]] = {
    "violence": STRIKE_KINDS,
    "martial_arts": STRIKE_KINDS,
    "kick": ("kick",),
    "punch": ("punch", "boxing"),
    "weapons": ("swing",),
}

# What is tried, in order, and how many tokens to each side of a strike it reaches.
_WAYS: Final = (("again", 2), ("target", 4))
_SEED: Final = zlib.crc32(b"audit guard")
# A clear strike is worse than any number of softened frames.
_CLEAR: Final = 10_000


@dataclass(frozen=True)
class Watched:
    """Tokens that are to be looked at.

    Attributes:
        ids: (n, Q).
        text: (text_dim), of the prompt that rules at each token, (n, text_dim) where it changes.
        seed: of the motion.
        editable: bool (n,), the tokens that may be made anew; all if None.
        is_loop: whether the token behind the last is the first.
    """

    ids: Array
    text: Array
    seed: int
    prompt: str = ""
    editable: Array | None = None
    is_loop: bool = False


def forbidden_kinds(concepts: Sequence[str]) -> tuple[StrikeKind, ...]:
    """The kinds of strikes that go with these concepts."""
    kinds = {kind for concept in concepts for kind in _KINDS.get(concept, ())}
    return tuple(kind for kind in STRIKE_KINDS if kind in kinds)


class AuditGuard:
    """Looks at what was decoded, and draws the tokens of strikes anew."""

    def __init__(
        self, sampler: Sampler, kinds: tuple[StrikeKind, ...], target: Array, target_prompt: str
    ) -> None:
        """Watch for strikes of these kinds; `target` (text_dim) is the vector of the prompt."""
        self._sampler = sampler
        self._kinds = kinds
        self._target, self._target_prompt = target, target_prompt

    def shown(
        self, watched: Watched, decode: Callable[[Array], Shown], progress: ReportProgress
    ) -> tuple[Shown, list[AuditRedraw]]:
        """Joints and contacts of tokens, made anew where they strike, and what was made anew.

        Args:
            decode: tokens (n, Q) to joints (4 n, 22, 3) and contacts (4 n, 4).
        """
        best = decode(watched.ids)
        found = self._strikes(best, watched)
        ids, journal, first = watched.ids, list[Attempt](), found
        kept, changed = -1, _tokens_of(found, watched, 0)
        for number, (way, reach) in enumerate(_WAYS):
            if not found:
                break
            marked = _tokens_of(found, watched, reach)
            new, seed = self._anew(watched, ids, marked, way, number, progress)
            made = decode(new)
            left = self._strikes(made, watched)
            journal.append(Attempt(way, seed, float(_weight(left))))
            if _weight(left) < _weight(found):
                ids, best, found, kept = new, made, left, number
                changed = changed | marked
        if not first:
            return best, []
        kinds = tuple(dict.fromkeys(f"{strike.tier} {strike.kind}" for strike in first))
        spans = [
            (start * FRAMES_PER_TOKEN, end * FRAMES_PER_TOKEN) for start, end in _runs(changed)
        ]
        return best, [
            AuditRedraw("violence", kinds, start, end, tuple(journal), kept, not found)
            for start, end in spans
        ]

    def _strikes(self, shown: Shown, watched: Watched) -> list[Strike]:
        """What strikes in the tokens that may be made anew."""
        joints, _ = shown
        found = strikes(joints, FPS, self._kinds)
        if watched.editable is None:
            return found
        return [strike for strike in found if _tokens_of([strike], watched, 0).any()]

    def _anew(
        self,
        watched: Watched,
        ids: Array,
        marked: Array,
        way: str,
        number: int,
        progress: ReportProgress,
    ) -> tuple[Array, int]:
        """The tokens with the marked ones drawn anew, window by window, and the seed."""
        seed = derived_seed(watched.seed, _SEED, number)
        result = ids.copy()
        for positions, editable in _windows(marked, len(ids), watched.is_loop):
            first = positions[editable][0]
            text = watched.text if watched.text.ndim == 1 else watched.text[first]
            prompt = watched.prompt
            if way == "target":
                text, prompt = self._target, self._target_prompt
            spec = SampleSpec(text, seed, ids=result[positions], editable=editable, prompt=prompt)
            [row] = self._sampler.sample([spec], progress)
            result[positions[editable]] = row[editable]
        return result, seed


def _weight(found: Sequence[Strike]) -> int:
    return sum(s.end - s.start + _CLEAR * (s.tier == "clear") for s in found)


def _tokens_of(found: Sequence[Strike], watched: Watched, reach: int) -> Array:
    """The tokens (n, bool) of strikes and so many beside them, of those that may be made anew."""
    count = len(watched.ids)
    marked = np.zeros(count, dtype=bool)
    for strike in found:
        first = strike.start // FRAMES_PER_TOKEN - reach
        last = -(-strike.end // FRAMES_PER_TOKEN) + reach
        places = np.arange(first, last)
        if watched.is_loop:
            marked[places % count] = True
        else:
            marked[places[(places >= 0) & (places < count)]] = True
    return marked if watched.editable is None else marked & watched.editable[:count]


def _windows(marked: Array, count: int, is_loop: bool) -> list[tuple[Array, Array]]:
    """Positions (w) of at most `MAX_TOKENS` tokens each, and which are drawn anew there (w, bool).

    A marked token is drawn in one window alone, with what is round it.
    """
    windows = []
    todo = marked.copy()
    # A loop is cut where nothing is marked, if there is such a place.
    shift = int(np.argmin(marked)) if is_loop else 0
    while todo.any():
        turned = np.roll(todo, -shift)
        first = int(np.argmax(turned))
        near = np.flatnonzero(turned[first : first + MAX_TOKENS // 2])
        middle = first + int(near[-1]) // 2
        start = min(max(0, middle - MAX_TOKENS // 2), max(0, count - MAX_TOKENS))
        positions = (np.arange(start, min(count, start + MAX_TOKENS)) + shift) % count
        windows.append((positions, todo[positions]))
        todo[positions] = False
    return windows


def _runs(marked: Array) -> list[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(np.concatenate([[False], marked, [False]]).astype(np.int8)))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))
