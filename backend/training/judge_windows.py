"""Labelled windows of real motion for the trained judge: what each shows, and who moves in it."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from scipy.ndimage import gaussian_filter1d
from tqdm import tqdm

from backend.datasets.gestures import find_bodies, gesture_clips
from backend.datasets.labelling.windows import label
from backend.datasets.preparation import change_tempo, mirror_joints, prepare_clip, sound_clips
from backend.datasets.sources import Clip, Segment, commercial_sources, read_clips
from backend.motion.features import features_to_joints

# What is a strike; in the others of `VIOLENT_KINDS` nobody strikes, or is struck, or only waits.
STRIKES: Final = frozenset({"kick", "punch", "boxing", "karate", "sword", "fight", "slap"})
# Neither: what may or may not look like a strike, with the variants that make it so.
_UNDECIDED: Final = frozenset(
    {"shoot", "archery", "block", "hit_reaction", "fighting_stance", "cast_spell", "soccer_kick"}
    | {"dodge", "take_cover"}
)
_UNDECIDED_VARIANTS: Final = frozenset(
    {("sword", "hold"), ("fight", "knocked_down"), ("boxing", "duck")}
)
_FEWEST_PEOPLE: Final = 3
_SHORTEST, _LONGEST = 24, 120  # frames
_MOST_STRIKES, _MOST = 12, 3  # windows of one kind of one recording
_ROUND_A_CORE: Final = 24  # frames
_GESTURES: Final = 6  # performances of each written gesture


@dataclass(frozen=True, eq=False)
class JudgeWindow:
    """Part of a recording.

    Attributes:
        joints: float32 (T, 22, 3).
        kind: of the action.
        is_strike: None where the label does not say.
        recording: the clip's name.
        person: who moves, or the source where it names nobody.
        take: what was recorded at once.
    """

    joints: np.ndarray
    kind: str
    is_strike: bool | None
    recording: str
    person: str
    take: str


def judge_windows(data: Path, sources: Sequence[str] = ()) -> list[JudgeWindow]:
    """Windows of all recordings and written gestures, a few of each kind from one clip.

    Args:
        data: folder with the sources.
        sources: their names; those that allow commercial use if empty.
    """
    recorded = read_clips(data, sources or commercial_sources())
    written = gesture_clips(list(find_bodies(recorded)), _GESTURES)
    windows: list[JudgeWindow] = []
    for clip in tqdm([*recorded, *written], desc="windows", unit="clip"):
        for part in sound_clips([clip]):
            rows = prepare_clip(part, False, 1.0).features
            if np.isfinite(rows).all():
                windows += _windows(part, features_to_joints(rows).astype(np.float32))
    return windows


def _windows(clip: Clip, joints: np.ndarray) -> Iterator[JudgeWindow]:
    segments = [s for s in label(clip.id, joints, clip.segments) if not s.then]
    kinds = Counter(segment.action.kind for segment in segments)
    met: Counter[str] = Counter()
    for segment in segments:
        kind = segment.action.kind
        met[kind] += 1
        step = -(-kinds[kind] // (_MOST if _is_strike(segment) is False else _MOST_STRIKES))
        start, end = _span(segment)
        if (met[kind] - 1) % step == 0 and end - start >= _SHORTEST:
            # The same people were recorded for several of the CMU sources.
            take = clip.take or clip.id
            person = re.sub(r"^cmu\w* ", "cmu ", clip.person) or clip.source
            yield JudgeWindow(joints[start:end], kind, _is_strike(segment), clip.id, person, take)


def _span(segment: Segment) -> tuple[int, int]:
    if segment.core is None:
        middle = (segment.start + segment.end) // 2
        start = max(segment.start, middle - _LONGEST // 2)
        return start, min(segment.end, start + _LONGEST)
    start = max(segment.start, segment.core[0] - _ROUND_A_CORE)
    return start, min(segment.end, segment.core[1] + _ROUND_A_CORE)


def _is_strike(segment: Segment) -> bool | None:
    action = segment.action
    if action.kind in _UNDECIDED or (action.kind, action.variant) in _UNDECIDED_VARIANTS:
        return None
    return action.kind in STRIKES


def folds(windows: Sequence[JudgeWindow], count: int) -> np.ndarray:
    """The fold (N,) of each window, strikes spread over all.

    A take is in one fold, and so is everything of one kind that one person does where at least
    three people do it; with fewer people a kind is parted by take alone.
    """
    people: dict[str, set[str]] = defaultdict(set)
    for window in windows:
        if window.is_strike is not None:
            people[window.kind].add(window.person)
    groups = _Groups()
    for window in windows:
        if len(people[window.kind]) >= _FEWEST_PEOPLE:
            groups.join(window.take, f"{window.kind} {window.person}")
    names = [groups.find(window.take) for window in windows]
    strikes = Counter(n for n, window in zip(names, windows, strict=True) if window.is_strike)
    others = Counter(n for n, window in zip(names, windows, strict=True) if not window.is_strike)
    load = np.zeros((2, count))
    fold: dict[str, int] = {}
    for name in sorted(others | strikes, key=lambda n: (-strikes[n], -others[n], n)):
        by = 0 if strikes[name] else 1
        fold[name] = int(load[by].argmin())
        load[:, fold[name]] += (strikes[name], others[name])
    return np.array([fold[name] for name in names])


class _Groups:
    """Names that belong together, each group under one of its names."""

    def __init__(self) -> None:
        self._parents: dict[str, str] = {}

    def find(self, name: str) -> str:
        while (parent := self._parents.get(name, name)) != name:
            name = parent
        return name

    def join(self, one: str, other: str) -> None:
        self._parents[self.find(one)] = self.find(other)


def soften(joints: np.ndarray, share: float, tempo: float) -> np.ndarray:
    """The motion slower, and with so much of each joint's way from its mean seen from the pelvis.

    What is left is about what an edited model makes of a strike: a low kick, a slow jab.
    """
    slow = change_tempo(joints, tempo)
    seen = slow - slow[:, :1]
    mean = seen.mean(axis=0)
    return slow[:, :1] + mean + share * (seen - mean)


def vary(joints: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A variant as a model might have made it: mirrored, re-timed, smoothed, softened, noisy."""
    if rng.random() < 0.5:
        joints = mirror_joints(joints)
    share = rng.uniform(0.65, 1.0) if rng.random() < 0.4 else 1.0
    joints = soften(joints, share, rng.uniform(0.7, 1.2))
    if rng.random() < 0.6:
        joints = gaussian_filter1d(joints, rng.uniform(0.4, 1.6), axis=0, mode="nearest")
    if rng.random() < 0.4:
        joints = joints + rng.normal(0.0, rng.uniform(0.002, 0.008), joints.shape)
    return joints.astype(np.float32)
