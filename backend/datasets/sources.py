"""Labelled clips from the registered motion sources, with a fixed split by clip.

A source is one module of `backend.datasets.readers` that registers a function under a name;
nothing else has to change when one is added.
"""

import hashlib
import importlib
import pkgutil
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Final, Literal

import numpy as np

from backend.datasets import readers
from backend.datasets.actions import Action

FPS: Final = 20.0
Split = Literal["train", "val", "test"]

_VAL_SHARE: Final = 0.08
_TEST_SHARE: Final = 0.12
# Below this many clips a class gives up its shortest clips, so that most minutes stay in training.
_RARE: Final = 8


class SourceError(ValueError):
    """Motion data that cannot be read; the message names the file and the remedy."""


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
    """

    start: int
    end: int
    action: Action
    captions: tuple[str, ...] = ()
    then: tuple[Action, ...] = ()
    core: tuple[int, int] | None = None

    @property
    def actions(self) -> tuple[Action, ...]:
        """Everything that is done in the span, in order."""
        return (self.action, *self.then)


@dataclass(frozen=True, eq=False)
class Clip:
    """A recording: float32 joints (T, 22, 3) in metres, Y up, 20 fps, placed as in the source."""

    id: str
    source: str
    joints: np.ndarray
    segments: tuple[Segment, ...]
    split: Split = "train"


Reader = Callable[[Path], Iterable[Clip]]
_READERS: dict[str, Reader] = {}


def register_source(name: str) -> Callable[[Reader], Reader]:
    """Register a function that reads all clips below the data folder, under a source name."""

    def add(reader: Reader) -> Reader:
        _READERS[name] = reader
        return reader

    return add


def source_names() -> tuple[str, ...]:
    """The names of all registered sources, sorted."""
    for module in pkgutil.iter_modules(readers.__path__, readers.__name__ + "."):
        importlib.import_module(module.name)
    return tuple(sorted(_READERS))


def read_clips(root: Path, sources: Sequence[str]) -> list[Clip]:
    """Read the named sources below `root` and assign every clip to train, val or test.

    The split of a clip depends on its own source only, so leaving a source out moves no clip.

    Raises:
        SourceError: for an unknown source name or data that cannot be read.
    """
    known = source_names()
    clips: list[Clip] = []
    for name in sources:
        if name not in known:
            guess = get_close_matches(name, known, 1)
            hint = f"did you mean {guess[0]!r}?" if guess else f"choose from {', '.join(known)}"
            raise SourceError(f"there is no motion source {name!r}; {hint}")
        try:
            clips += assign_splits(list(_READERS[name](root)))
        except FileNotFoundError as error:
            raise SourceError(
                f"{error.filename} is missing; give the folder that holds the {name} data"
            ) from error
        except (KeyError, ValueError, OSError) as error:
            if isinstance(error, SourceError):
                raise
            raise SourceError(f"the {name} data below {root} cannot be read: {error!r}") from error
    return clips


def assign_splits(clips: Sequence[Clip]) -> list[Clip]:
    """Split clips about 80/8/12 within each class of their first segment, the same every time.

    A class of three clips or more has at least one validation and one test clip; a smaller one
    keeps what its reader said, which is training unless stated.
    """
    classes: dict[str, list[Clip]] = defaultdict(list)
    for clip in clips:
        classes[clip.segments[0].action.kind].append(clip)
    split: dict[str, Split] = {}
    for members in classes.values():
        if len(members) < 3:
            continue
        if len(members) < _RARE:
            members.sort(key=lambda clip: (len(clip.joints), clip.id))
        else:
            members.sort(key=lambda clip: hashlib.sha256(clip.id.encode()).digest())
        tests = max(1, round(_TEST_SHARE * len(members)))
        vals = max(1, round(_VAL_SHARE * len(members)))
        split |= dict.fromkeys((clip.id for clip in members[:tests]), "test")
        split |= dict.fromkeys((clip.id for clip in members[tests : tests + vals]), "val")
    return [replace(clip, split=split.get(clip.id, clip.split)) for clip in clips]
