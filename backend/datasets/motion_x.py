"""Motion-X's SMPL-X parameters as joints (Lin et al. 2023)."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
from tqdm import tqdm

from backend.datasets.humanml3d import SKELETON_ID
from backend.datasets.layouts import first_folder
from backend.datasets.parameters import Joints, read_smplx_322
from backend.datasets.problems import BrokenFileError, Problem, ProblemTable
from backend.datasets.vectors import JointMotion
from backend.motion.features import bone_offsets
from shared.errors import PlacidError

_FOLDERS: Final = ("motion_data/smplx_322", "smplx_322")


def parameter_folder(root: Path) -> Path:
    """The folder of the (T, 322) files.

    Raises:
        PlacidError: `no_motion_x`.
    """
    folder = first_folder(root, _FOLDERS)
    if folder is None:
        raise PlacidError(
            "no_motion_x", f"{root} has no folder {' or '.join(_FOLDERS)}; name Motion-X's own"
        )
    return folder


def skeleton(folder: Path, joints: Joints) -> np.ndarray | None:
    """Offsets (22, 3) of HumanML3D's skeleton by Motion-X's copy of its motion, if it is there.

    Raises:
        PlacidError: `no_skeleton` when the file is there and broken.
    """
    path = folder / "humanml" / f"{SKELETON_ID}.npy"
    if not path.is_file():
        return None
    try:
        return bone_offsets(joints(read_smplx_322(path))[0])
    except BrokenFileError as error:
        raise PlacidError(
            "no_skeleton", f"{path}: {error}; it gives all motions their bone lengths: mend it"
        ) from error


def joint_motions(folder: Path, joints: Joints, problems: ProblemTable) -> Iterator[JointMotion]:
    """Every file below the folder, in the order of the ids; an id is the path without `.npy`."""
    for path in tqdm(sorted(folder.rglob("*.npy")), desc="Motion-X", unit="motion"):
        name = path.relative_to(folder).with_suffix("").as_posix()
        try:
            moved = joints(read_smplx_322(path))
        except BrokenFileError as error:
            problems.add(Problem(name, path, str(error)))
            continue
        yield JointMotion(name, moved, path)
