"""Windows of real motion that are known to show, or not to show, what a kinematic check finds."""

import hashlib
import itertools
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from backend.datasets.actions import Action
from backend.datasets.sources import Clip, Segment
from backend.kinematic_checks.body_signals import BodySignals
from backend.motion import features
from shared.motion.skeleton import FEATURE_OFFSETS, Side

# Six seconds: about the length of a generated motion.
_LONGEST: Final = 120
_SHORTEST: Final = 20
# One source has hundreds of near-identical clips of a few classes.
_MOST_PER_KIND: Final = 30

_LIVELY: Final = frozenset({"animal", "basketball", "climb", "dance", "karate", "tell_story"})
_ACROBATIC: Final = frozenset({"cartwheel", "flip", "handspring", "roll", "spin"})
_FIGHTING: Final = frozenset({"boxing", "karate", "kick", "punch", "sword"})
_ARMS_UP: Final = frozenset(
    {"arm_circles", "balance", "direct_traffic", "jumping_jack", "reach_up", "side_bend"}
    | {"side_reach", "signals", "toe_touch", "up_down", "warm_up", "wash_windows"}
)

# Kinds that may or may not contain the action of a check: they count for nothing there.
UNDECIDED: Final[dict[str, frozenset[str]]] = {
    "walk_forward": _LIVELY
    | {"turn_left", "turn_right", "walk_around", "walk_diagonal_left", "walk_diagonal_right"}
    | {"punch", "boxing", "sit", "crawl", "stop"},
    "walk_backward": _LIVELY | {"walk_around", "boxing", "punch", "sit"},
    "run": _LIVELY | {"handspring", "stop", "walk_around"},
    "turn_left": _LIVELY | _ACROBATIC | _FIGHTING | {"walk_around", "sit", "mop"},
    "turn_right": _LIVELY | _ACROBATIC | _FIGHTING | {"walk_around", "sit", "mop"},
    "jump": _LIVELY | _ACROBATIC | {"jumping_jack", "reach_up", "step_over", "karate"},
    "wave": _LIVELY | {"direct_traffic", "signals", "call", "laugh", "warm_up"},
    "raise_hand": _LIVELY
    | _ACROBATIC
    | _ARMS_UP
    | {"wave", "call", "laugh", "pick_up", "sword", "wash_self"},
    "bow": _LIVELY | {"wash_self", "warm_up", "laugh", "sit", "guide", "call"},
    "dance": frozenset({"animal", "spin", "walk_around", "tell_story"}),
    "kick": frozenset({"karate", "animal"}),
    "punch": frozenset({"karate", "sword", "animal"}),
    "boxing": frozenset({"karate", "punch", "animal"}),
    "swing": frozenset({"karate", "animal"}),
}
# Kinds that show the action under another name.
_SHOWS: Final = {"punch": frozenset({"punch", "boxing"}), "swing": frozenset({"sword"})}


@dataclass(frozen=True, eq=False)
class Window:
    """At most six seconds of one labelled segment, on Placid's skeleton."""

    clip: str
    source: str
    split: str
    actions: tuple[Action, ...]
    body: BodySignals

    def shows(self, check: str) -> bool | None:
        """Whether it shows the action of a check; None when the labels do not say."""
        kinds = {action.kind for action in self.actions}
        if kinds & _SHOWS.get(check, {check}) or (check == "run" and self._runs):
            known = not any(a.variant == "jackson" for a in self.actions)
            return True if known and len(self.actions) == 1 else None
        return False if len(self.actions) == 1 and not kinds & UNDECIDED[check] else None

    @property
    def side(self) -> Side | None:
        """The limb that acts, when the label says."""
        return self.actions[0].side

    @property
    def _runs(self) -> bool:
        return any(action.variant == "run" for action in self.actions)


def labelled_windows(clips: Iterable[Clip]) -> list[Window]:
    """Cut the labelled segments of clips into windows, near-identical ones thinned out."""
    counts: Counter[tuple[str, str, str, Side | None]] = Counter()
    windows: list[Window] = []
    for clip in sorted(clips, key=lambda clip: hashlib.sha256(clip.id.encode()).digest()):
        if not clip.segments:
            continue
        first = clip.segments[0].action
        key = (clip.source, clip.split, first.kind, first.side)
        counts[key] += 1
        if len(clip.joints) >= _SHORTEST and counts[key] <= _MOST_PER_KIND:
            windows += _windows(clip)
    return windows


def _windows(clip: Clip) -> Iterator[Window]:
    joints = features.normalise_placement(features.uniform_skeleton(clip.joints, FEATURE_OFFSETS))
    for segment in clip.segments:
        for start, end in _cuts(segment):
            if end - start >= _SHORTEST and np.isfinite(joints[start:end]).all():
                body = BodySignals(joints[start:end])
                yield Window(clip.id, clip.source, clip.split, segment.actions, body)


def _cuts(segment: Segment) -> list[tuple[int, int]]:
    length = segment.end - segment.start
    if length <= _LONGEST:
        return [(segment.start, segment.end)]
    if segment.then:
        return []
    if segment.core:
        middle = sum(segment.core) // 2
        start = min(max(segment.start, middle - _LONGEST // 2), segment.end - _LONGEST)
        return [(start, start + _LONGEST)]
    parts = -(-length // _LONGEST)
    edges = np.linspace(segment.start, segment.end, parts + 1).astype(int).tolist()
    return list(itertools.pairwise(edges))
