"""Where the files of text and motion data sets lie, as data."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from shared.errors import PlacidError

DatasetName = Literal["HumanML3D", "Motion-X"]


@dataclass(frozen=True)
class Layout:
    """The folders of a data set in its 263-d form; of several, the first that exists counts.

    Attributes:
        motions: folders of `ID.npy`, features float (T, 263).
        texts: folders of `ID.txt`, a caption a line.
        splits: folders of `train.txt`, `val.txt`, `test.txt`, an id a line; "." is the top.
        tokens: every line is `caption#tokens#from#to`; otherwise it may be a bare caption.
        frame_rate: frames a second, by which the captions' times are counted.
        shortest, longest: frames of a motion that the published loader keeps, both included.
    """

    name: DatasetName
    motions: tuple[str, ...]
    texts: tuple[str, ...]
    splits: tuple[str, ...]
    tokens: bool
    frame_rate: int = 20
    shortest: int = 40
    longest: int = 199


HUMANML3D: Final = Layout("HumanML3D", ("new_joint_vecs",), ("texts",), (".",), tokens=True)
MOTION_X: Final = Layout(
    "Motion-X",
    ("motion_data/vector_263", "vector_263", "new_joint_vecs"),
    ("texts/semantic_labels", "texts/semantic_label", "semantic_labels", "texts"),
    (".", "splits", "split"),
    tokens=False,
)
LAYOUTS: Final = {"humanml3d": HUMANML3D, "motion-x": MOTION_X}


def find_layout(folder: Path, name: str | None = None) -> Layout:
    """The layout with this name, or the one whose own folders are there.

    Raises:
        PlacidError: `no_dataset` without the folder, `unknown_dataset` for another name.
    """
    if not folder.is_dir():
        raise PlacidError(
            "no_dataset", f"there is no folder {folder}; name the data set's own, with its texts"
        )
    if name is None:
        own = [*MOTION_X.motions[:-1], *MOTION_X.texts[:-1]]
        return MOTION_X if any((folder / part).is_dir() for part in own) else HUMANML3D
    if name.lower() not in LAYOUTS:
        raise PlacidError(
            "unknown_dataset", f"there is no data set {name!r}; known are {', '.join(LAYOUTS)}"
        )
    return LAYOUTS[name.lower()]


def has_layout(folder: Path) -> bool:
    """Whether a folder has a data set's motions or captions in one of the known places."""
    return (
        first_folder(folder, [p for a in LAYOUTS.values() for p in a.motions + a.texts]) is not None
    )


def first_folder(root: Path, names: Iterable[str]) -> Path | None:
    """The first of the folders that exists below `root`."""
    return next((root / name for name in names if (root / name).is_dir()), None)
