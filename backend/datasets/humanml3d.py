"""HumanML3D from its sources: AMASS archives cut as `index.csv` says (Guo et al. 2022)."""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

import numpy as np
from tqdm import tqdm

from backend.datasets.parameters import Joints, read_amass
from backend.datasets.preparation import mirror_joints
from backend.datasets.problems import BrokenFileError, Problem, ProblemTable
from backend.datasets.text_motions import read_array
from backend.datasets.vectors import JointMotion
from backend.motion.features import bone_offsets
from shared.decoding.errors import FileKind
from shared.decoding.limits import MAX_TABLE_BYTES
from shared.decoding.text import read_text
from shared.errors import PlacidError
from shared.motion.skeleton import JOINT_COUNT

FRAME_RATE: Final = 20
SKELETON_ID: Final = "000021"  # whose first frame gives all motions their bone lengths
_JOINT_FILES: Final = "humanact12"  # comes as joints, and is not cut
# Frames that the published preparation cuts off before it counts: calibration poses.
_CALIBRATION: Final = {
    "Eyes_Japan_Dataset": 60,
    "MPI_HDM05": 60,
    "TotalCapture": 20,
    "MPI_Limits": 20,
    "Transitions_mocap": 10,
}


@dataclass(frozen=True)
class Cut:
    """One motion: frames [start, end) of a source, counted at 20 a second.

    source: path below AMASS's folder, such as `KIT/3/kick_high_left02_poses.npy`.
    """

    id: str
    source: PurePosixPath
    start: int
    end: int


_INDEX: Final = FileKind(
    "HumanML3D's index.csv",
    "give --index that file",
    lambda sentence: PlacidError("bad_index", sentence),
)


def read_index(path: Path) -> tuple[Cut, ...]:
    """The cuts of HumanML3D's `index.csv`.

    Raises:
        PlacidError: `bad_index`.
    """
    with _INDEX.reading(path):
        lines = read_text(path, MAX_TABLE_BYTES).splitlines()
        return tuple(
            Cut(
                PurePosixPath(row["new_name"] or "").stem,
                PurePosixPath(row["source_path"] or "").relative_to("pose_data"),
                int(row["start_frame"] or ""),
                int(row["end_frame"] or ""),
            )
            for row in csv.DictReader(lines)
        )


def cut_joints(cut: Cut, archives: Path, joints: Joints) -> np.ndarray:
    """Joints float32 (T, 22, 3) of a cut, Y up. Raises BrokenFileError."""
    path = source_file(cut, archives)
    if cut.source.parts[0] == _JOINT_FILES:
        return _read_joints(path)
    parameters = read_amass(path, FRAME_RATE)
    x, y, z = np.moveaxis(joints(parameters), -1, 0)
    placed = np.stack([-x, z, y], axis=-1)
    skipped = _CALIBRATION.get(cut.source.parts[0], 0)
    return placed[skipped:][cut.start : cut.end]


def source_file(cut: Cut, archives: Path) -> Path:
    """The file that a cut is made from."""
    path = archives / cut.source
    return path if cut.source.parts[0] == _JOINT_FILES else path.with_suffix(".npz")


def skeleton(cuts: Sequence[Cut], archives: Path, joints: Joints) -> np.ndarray:
    """Offsets (22, 3) of the skeleton that HumanML3D puts every motion on.

    Raises:
        PlacidError: `no_skeleton` when its motion cannot be read.
    """
    cut = next((cut for cut in cuts if cut.id == SKELETON_ID), None)
    if cut is None:
        raise PlacidError("no_skeleton", f"the index has no motion {SKELETON_ID}; take the whole")
    try:
        pose = cut_joints(cut, archives, joints)[:1]
        if not len(pose):
            raise BrokenFileError("no frame in it")
    except BrokenFileError as error:
        raise PlacidError(
            "no_skeleton",
            f"{source_file(cut, archives)}: {error}; its motion {SKELETON_ID} gives all others "
            f"their bone lengths, so unpack the archive {cut.source.parts[0]} first",
        ) from error
    return bone_offsets(pose[0])


def joint_motions(
    cuts: Sequence[Cut], archives: Path, joints: Joints, problems: ProblemTable
) -> Iterator[JointMotion]:
    """Every cut, and behind it its mirror image under M and its id."""
    for cut in tqdm(cuts, desc="HumanML3D", unit="motion"):
        path = source_file(cut, archives)
        try:
            moved = cut_joints(cut, archives, joints)
        except BrokenFileError as error:
            problems.add(Problem(cut.id, path, str(error)))
            continue
        yield JointMotion(cut.id, moved, path)
        yield JointMotion(f"M{cut.id}", mirror_joints(moved), path)


def _read_joints(path: Path) -> np.ndarray:
    moved = read_array(path)
    if moved.ndim != 3 or moved.shape[1] < JOINT_COUNT or moved.shape[2] != 3:
        raise BrokenFileError(f"its shape is {moved.shape} instead of (T, {JOINT_COUNT}, 3)")
    return moved[:, :JOINT_COUNT].astype(np.float32)
