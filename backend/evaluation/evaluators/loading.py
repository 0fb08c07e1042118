"""Which evaluator to measure with, and where its files lie."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec

from backend.checkpoints.official.layout import Part, find_parts
from backend.datasets.layouts import DatasetName
from backend.evaluation.evaluators import Evaluator
from backend.evaluation.evaluators.embedded import load_evaluator
from backend.evaluation.evaluators.official import load_official_evaluator
from backend.text.encoding import TextEncoder
from shared.errors import PlacidError

_GLOVE: Final = "glove"
# What the folder of a data set's networks may be called.
_FOLDERS: Final[dict[DatasetName, tuple[str, ...]]] = {
    "HumanML3D": ("t2m", "humanml3d"),
    "Motion-X": ("motionx", "motion-x", "motion_x"),
}


class EvaluatorPlace(msgspec.Struct, frozen=True):
    """Where an evaluator lies.

    Attributes:
        folder: as `backend train evaluator` writes; for the published evaluator the folder that
            has `text_mot_match` and `Comp_v6_KLD005`.
        glove: folder of the GloVe files; None for an evaluator that needs none.
    """

    folder: Path
    glove: Path | None = None


def open_evaluator(
    place: EvaluatorPlace,
    encoder: TextEncoder | None = None,
    tokens: Mapping[str, Sequence[str]] | None = None,
) -> Evaluator:
    """Load an evaluator.

    Args:
        encoder: a sentence encoder that is loaded already, for the embedded evaluator.
        tokens: of all captions that the published evaluator will be asked for.

    Raises:
        PlacidError: for files that are missing or damaged.
    """
    if place.glove is None:
        return load_evaluator(place.folder, encoder)
    return load_official_evaluator(place.folder, place.glove, tokens or {})


def find_official(checkpoint: Path, dataset: DatasetName) -> EvaluatorPlace:
    """The published evaluator in the folder of an official release, with its GloVe files.

    Raises:
        PlacidError: `no_evaluator`, `no_glove`, or `ambiguous_checkpoints` where several
            evaluators could be meant.
    """
    parts = [part for part in find_parts(checkpoint) if part.kind == "evaluator"]
    if not parts:
        raise PlacidError(
            "no_evaluator",
            f"{checkpoint} has no published evaluator, which measures motions of {dataset}; unpack "
            "the folders text_mot_match and Comp_v6_KLD005 there, and name it with --checkpoints",
        )
    return EvaluatorPlace(_only(parts, checkpoint, dataset).folder.parent, find_glove(checkpoint))


def _only(parts: Sequence[Part], checkpoint: Path, dataset: DatasetName) -> Part:
    """The only evaluator, or the only one in a folder named after the data set."""
    if len(parts) == 1:
        return parts[0]
    own = [part for part in parts if part.folder.parent.name.lower() in _FOLDERS[dataset]]
    if len(own) != 1:
        places = ", ".join(str(part.folder.relative_to(checkpoint)) for part in parts)
        raise PlacidError(
            "ambiguous_checkpoints",
            f"{checkpoint} has more than one evaluator ({places}); keep the one of {dataset}",
        )
    return own[0]


def find_glove(checkpoint: Path) -> Path:
    """The folder `glove` in a release's folder or, as in the published code, beside it.

    Raises:
        PlacidError: `no_glove`.
    """
    for folder in (checkpoint, *checkpoint.resolve().parents[:2]):
        if (folder / _GLOVE).is_dir():
            return folder / _GLOVE
    raise PlacidError(
        "no_glove",
        f"{checkpoint} has no folder {_GLOVE}, nor is one beside it; unpack the official GloVe "
        f"files (glove.zip) into {checkpoint / _GLOVE}",
    )
