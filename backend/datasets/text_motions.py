"""Readers of HumanML3D and of data sets in its form: motions, captions and split files.

Files and rules are those of HumanML3D (Guo et al. 2022) and its loaders. Mirrored motions are
entries of their own, whose ids begin with M. An entry with any broken file is left out whole.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

import numpy as np

from backend.datasets.layouts import Layout, first_folder
from backend.datasets.problems import BrokenFileError, Problem, ProblemTable, reading
from backend.motion.features import FEATURES
from shared.decoding.arrays import read_npy
from shared.decoding.errors import FileKind
from shared.decoding.limits import MAX_TABLE_BYTES, MIB
from shared.decoding.text import read_bytes
from shared.errors import PlacidError


@dataclass(frozen=True)
class Caption:
    """One line of a caption file.

    Attributes:
        line: the whole line, in which the published split looks for keywords.
        text: the caption alone.
        tokens: `word/PART_OF_SPEECH` each; empty where the data set has none.
        span: seconds (from, to) of the motion that it describes; None for all of it.
    """

    line: str
    text: str
    tokens: tuple[str, ...] = ()
    span: tuple[float, float] | None = None


@dataclass(frozen=True)
class Entry:
    """One motion of a split with its captions; the features stay on disk."""

    id: str
    motion: Path
    captions: tuple[Caption, ...]

    @property
    def mirrored(self) -> bool:
        """Whether it is the mirror image of another entry (M000001 of 000001)."""
        return PurePosixPath(self.id).name.startswith("M")

    def features(self) -> np.ndarray:
        """Rows float32 (T, 263), not normalised. Raises BrokenFileError."""
        return read_features(self.motion)


@dataclass(frozen=True, eq=False)
class TextMotion:
    """What a loader gives: rows float32 (t, 263) and the captions of exactly these frames."""

    name: str
    features: np.ndarray
    captions: tuple[Caption, ...]


def read_split(root: Path, layout: Layout, split: str, problems: ProblemTable) -> tuple[Entry, ...]:
    """The entries of a split with readable captions, in the split file's order.

    Raises:
        PlacidError: `no_split`, `no_texts`; and `broken_data` where the table is strict.
    """
    texts = first_folder(root, layout.texts)
    if texts is None:
        raise PlacidError(
            "no_texts",
            f"{root} has no folder {' or '.join(layout.texts)}; unpack the captions of "
            f"{layout.name} there",
        )
    motions = first_folder(root, layout.motions) or root / layout.motions[0]
    entries = []
    for name in _read_ids(root, layout, split, problems):
        path = texts / f"{name}.txt"
        try:
            captions = read_captions(path, layout)
        except BrokenFileError as error:
            problems.add(Problem(name, path, str(error)))
        else:
            entries.append(Entry(name, motions / f"{name}.npy", captions))
    return tuple(entries)


def with_motions(entries: Sequence[Entry], problems: ProblemTable) -> tuple[Entry, ...]:
    """The entries whose motion can be read; every file is read once and none is kept."""
    sound = []
    for entry in entries:
        try:
            entry.features()
        except BrokenFileError as error:
            problems.add(Problem(entry.id, entry.motion, str(error)))
        else:
            sound.append(entry)
    return tuple(sound)


def text_motions(entry: Entry, layout: Layout) -> list[TextMotion]:
    """The samples that the published loader makes of an entry; none when it is too short or long.

    Captions of the whole motion share one sample with the entry's id. Each caption with times has
    a sample of its own, named `LINE%ID` by its line, counted from 0. Raises BrokenFileError.
    """
    rows = entry.features()
    if not layout.shortest <= len(rows) <= layout.longest:
        return []
    samples = []
    whole = tuple(caption for caption in entry.captions if caption.span is None)
    if whole:
        samples.append(TextMotion(entry.id, rows, whole))
    for number, caption in enumerate(entry.captions):
        if caption.span is None:
            continue
        first, last = (int(seconds * layout.frame_rate) for seconds in caption.span)
        part = rows[first:last]
        if layout.shortest <= len(part) <= layout.longest:
            samples.append(TextMotion(f"{number}%{entry.id}", part, (caption,)))
    return samples


def read_array(path: Path) -> np.ndarray:
    """The floating-point numbers of an npy file. Raises BrokenFileError."""
    with reading("an npy file of numbers"):
        return read_npy(path, kinds="f")


def read_features(path: Path) -> np.ndarray:
    """Rows float32 (T, 263) of a file, T at least 1. Raises BrokenFileError."""
    rows = read_array(path)
    if rows.ndim != 2 or rows.shape[1] != FEATURES or not len(rows):
        raise BrokenFileError(f"its shape is {rows.shape} instead of (T, {FEATURES})")
    broken = np.flatnonzero(~np.isfinite(rows).all(axis=1))
    if broken.size:
        raise BrokenFileError(f"frame {broken[0]} holds NaN or infinity")
    return rows.astype(np.float32, copy=False)


def read_captions(path: Path, layout: Layout) -> tuple[Caption, ...]:
    """The captions of a file, empty lines left out. Raises BrokenFileError."""
    lines = [line.strip() for line in _read_text(path).split("\n")]
    captions = tuple(
        _parse_caption(line, number, layout) for number, line in enumerate(lines, 1) if line
    )
    if not captions:
        raise BrokenFileError("no caption in it")
    return captions


_STATISTICS: Final = FileKind(
    "an npy file of numbers",
    "take the data set's own",
    lambda sentence: PlacidError("bad_statistics", sentence),
)


def read_statistics(root: Path) -> tuple[np.ndarray, np.ndarray]:
    """Mean and std float32 (263,) of `Mean.npy` and `Std.npy`.

    Raises:
        PlacidError: `bad_statistics`.
    """
    arrays = []
    for path in (root / "Mean.npy", root / "Std.npy"):
        with _STATISTICS.reading(path):
            row = read_npy(path, MIB)
        if row.shape != (FEATURES,) or not np.isfinite(row).all():
            raise PlacidError(
                "bad_statistics",
                f"{path} holds {row.shape} instead of {FEATURES} finite numbers; take the data "
                "set's own",
            )
        arrays.append(row.astype(np.float32))
    if not (arrays[1] > 0).all():
        raise PlacidError(
            "bad_statistics", f"{root / 'Std.npy'} holds zeros; take the data set's own"
        )
    return arrays[0], arrays[1]


def _read_ids(root: Path, layout: Layout, split: str, problems: ProblemTable) -> list[str]:
    places = [root / folder / f"{split}.txt" for folder in layout.splits]
    path = next((place for place in places if place.is_file()), None)
    if path is None:
        known = sorted({found.stem for place in places for found in place.parent.glob("*.txt")})
        raise PlacidError(
            "no_split",
            f"there is no split file {places[0]}; "
            + (f"there are {', '.join(known)}" if known else "take the data set's own"),
        )
    try:
        names = [line.strip() for line in _read_text(path).split("\n") if line.strip()]
    except BrokenFileError as error:
        problems.add(Problem(split, path, str(error)))
        return []
    if not names:
        problems.add(Problem(split, path, "empty split"))
    inside = []
    for name in names:
        parts = PurePosixPath(name)
        if parts.is_absolute() or ".." in parts.parts:
            problems.add(Problem(name, path, "an id that leads out of the data set's folder"))
        else:
            inside.append(name)
    return inside


def _read_text(path: Path) -> str:
    try:
        with reading("a text"):
            data = read_bytes(path, MAX_TABLE_BYTES)
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        byte = error.object[error.start]
        raise BrokenFileError(f"not UTF-8: byte 0x{byte:02x} at {error.start}") from None


def _parse_caption(line: str, number: int, layout: Layout) -> Caption:
    parts = line.split("#")
    if len(parts) == 1 and not layout.tokens:
        return Caption(line, line)
    if len(parts) != 4:
        raise BrokenFileError(f"line {number} is not caption#tokens#from#to")
    text, tokens, *times = parts
    try:
        start, end = (_seconds(time) for time in times)
    except ValueError:
        raise BrokenFileError(f"line {number} has the times {times[0]!r}, {times[1]!r}") from None
    span = None if start == end == 0 else (start, end)
    return Caption(line, text.strip(), tuple(tokens.split()), span)


def _seconds(text: str) -> float:
    """A time; what is not a number ("nan") counts as 0, as in the published loader."""
    seconds = float(text)
    if math.isnan(seconds):
        return 0.0
    if seconds < 0 or math.isinf(seconds):
        raise ValueError(text)
    return seconds
