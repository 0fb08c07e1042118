"""Labelled clips from the registered motion sources, with a fixed split by person and take.

A source is one module of `backend.datasets.readers` that registers a function under a name;
nothing else has to change when one is added.
"""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Literal

import numpy as np

from backend.datasets.actions import Action
from backend.datasets.problems import Problem, ProblemTable
from shared.errors import PlacidError
from shared.registry import Registry

Split = Literal["train", "val", "test"]
Tier = Literal["A", "B", "NC"]

_VAL_SHARE: Final = 0.08
_TEST_SHARE: Final = 0.12
# Below this many people or takes a class gives up the shortest, to train on most of its minutes.
_RARE: Final = 8
_FEWEST: Final = 3


class SourceError(PlacidError, ValueError):
    """Motion data that cannot be read; the message names the file and the remedy."""

    def __init__(self, message: str) -> None:
        super().__init__("bad_source", message)


@dataclass(frozen=True)
class Segment:
    """A labelled span of a clip.

    Attributes:
        start, end: frames [start, end) of the clip.
        action: what is done, or done first.
        captions: captions written by people for this span; often none.
        then: what follows `action` in this span. Such a span is only described as a whole.
        core: frames [start, end) of the clip that a crop has to contain to show the action;
            None when every crop shows it (walking, dancing, boxing, ...).
        pace: m/s by which slow and fast ones of a kind are told apart; None where there are none.
        whole: whether it begins and ends where the action does, and so tells how long that takes.
    """

    start: int
    end: int
    action: Action
    captions: tuple[str, ...] = ()
    then: tuple[Action, ...] = ()
    core: tuple[int, int] | None = None
    pace: float | None = None
    whole: bool = False

    @property
    def actions(self) -> tuple[Action, ...]:
        """Everything that is done in the span, in order."""
        return (self.action, *self.then)


@dataclass(frozen=True, eq=False)
class Clip:
    """A recording: float32 joints (T, 22, 3) in metres, Y up, 20 fps, placed as in the source.

    Attributes:
        person: who was recorded, or with whom; empty where each clip stands for itself.
        take: what was recorded at once, such as both partners of a dance; empty for the clip alone.
        stratum: the class that the split is balanced over; the kind of the first segment if empty.
        unfit: why nothing is to be learned from it; empty for a sound clip.
        varied: whether mirrored and re-timed copies are trained on as well.
    """

    id: str
    source: str
    joints: np.ndarray
    segments: tuple[Segment, ...]
    split: Split = "train"
    person: str = ""
    take: str = ""
    stratum: str = ""
    unfit: str = ""
    varied: bool = True


Reader = Callable[[Path], Iterable[Clip]]


@dataclass(frozen=True)
class Source:
    """A registered data set.

    Attributes:
        licence: its name, and what it asks for.
        tier: A where the terms speak of the recordings, B where a permissive licence covers the
            repository that holds them, NC where it forbids commercial use.
        weight: how often it is met in training beside others of as many minutes.
        folder: where it lies below the data folder.
    """

    name: str
    read: Reader
    licence: str
    tier: Tier
    weight: float
    folder: str


_SOURCES: Final[Registry[Source]] = Registry("motion source", "backend.datasets.readers")


def register_source(
    name: str, licence: str, tier: Tier, folder: str = "", weight: float = 1.0
) -> Callable[[Reader], Reader]:
    """Register a function that reads all clips below the data folder, under a source name."""

    def add(reader: Reader) -> Reader:
        _SOURCES.register(name, Source(name, reader, licence, tier, weight, folder or name))
        return reader

    return add


def sources() -> dict[str, Source]:
    """All registered sources by name, sorted."""
    return dict(sorted(_SOURCES.items()))


def commercial_sources() -> tuple[str, ...]:
    """The sources that a model may learn from which is used commercially; the default's."""
    return tuple(name for name, source in sources().items() if source.tier != "NC")


def read_clips(
    root: Path, names: Sequence[str], problems: ProblemTable | None = None
) -> list[Clip]:
    """Read the named sources below `root` and assign every clip to train, val or test.

    The split of a clip depends on its own source only, so leaving a source out moves no clip.

    Args:
        problems: takes up the clips that their readers found unfit, with the reasons.

    Raises:
        PlacidError: `unknown_motion_source`, with the nearest name.
        SourceError: for data that cannot be read.
    """
    clips: list[Clip] = []
    for name in names:
        source = _SOURCES.find(name)
        try:
            own = list(source.read(root))
        except FileNotFoundError as error:
            raise SourceError(
                f"{error.filename} is missing; give the folder that holds the {name} data"
            ) from error
        except (KeyError, ValueError, OSError) as error:
            if isinstance(error, SourceError):
                raise
            raise SourceError(f"the {name} data below {root} cannot be read: {error!r}") from error
        for clip in own:
            if clip.unfit and problems is not None:
                problems.add(Problem(clip.id, root / source.folder, clip.unfit))
        clips += assign_splits([clip for clip in own if not clip.unfit])
    return clips


def assign_splits(clips: Sequence[Clip]) -> list[Clip]:
    """Split clips about 80/8/12 within each class, the same every time.

    A class is split by person where it has at least three, else by take, so that nobody is tested
    on a movement that he or she was trained on. With fewer takes than three it keeps what its
    reader said, which is training unless stated; otherwise it has at least one of each. A take
    that belongs to several classes stays together: test goes before validation.
    """
    classes: dict[str, list[Clip]] = defaultdict(list)
    for clip in clips:
        classes[clip.stratum or clip.segments[0].action.kind].append(clip)
    split: dict[str, Split] = {}
    for members in classes.values():
        for unit, part in _split_class(members):
            split |= dict.fromkeys((clip.id for clip in unit), part)
    takes: dict[str, set[Split]] = defaultdict(set)
    for clip in clips:
        takes[_take(clip)].add(split.get(clip.id, clip.split))
    order: tuple[Split, ...] = ("test", "val", "train")
    whole = {take: next(part for part in order if part in found) for take, found in takes.items()}
    return [replace(clip, split=whole[_take(clip)]) for clip in clips]


def _take(clip: Clip) -> str:
    return clip.take or clip.id


def _split_class(members: Sequence[Clip]) -> Iterator[tuple[list[Clip], Split]]:
    """The held-out units of a class."""
    people, takes = defaultdict(list), defaultdict(list)
    for clip in members:
        people[clip.person or _take(clip)].append(clip)
        takes[_take(clip)].append(clip)
    units = people if len(people) >= _FEWEST else takes
    if len(units) < _FEWEST:
        return
    names = sorted(units, key=lambda name: hashlib.sha256(name.encode()).digest())
    if len(names) < _RARE:
        names.sort(key=lambda name: (sum(len(clip.joints) for clip in units[name]), name))
    tests = max(1, round(_TEST_SHARE * len(names)))
    vals = max(1, round(_VAL_SHARE * len(names)))
    for number, name in enumerate(names[: tests + vals]):
        yield units[name], "test" if number < tests else "val"
