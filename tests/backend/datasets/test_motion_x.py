"""Motion-X's parameter files: where they are looked for, and what becomes of broken ones."""

from pathlib import Path

import numpy as np
import pytest

from backend.datasets.motion_x import joint_motions, parameter_folder, skeleton
from backend.datasets.parameters import SMPLX_322, BodyParameters
from backend.datasets.problems import ProblemTable
from shared.errors import PlacidError
from tests.backend.datasets.motions import standing


def body(parameters: BodyParameters) -> np.ndarray:
    """A body at rest for each frame, as tall as the first beta says."""
    return standing(len(parameters.poses)) * parameters.betas.flat[0]


def write(path: Path, frames: int, tall: float = 1.0) -> None:
    rows = np.zeros((frames, SMPLX_322), np.float32)
    rows[:, -10:] = tall
    path.parent.mkdir(parents=True, exist_ok=True)
    np.save(path, rows)


def test_the_folder_may_be_given_with_or_without_motion_data(tmp_path: Path) -> None:
    with pytest.raises(PlacidError, match="has no folder motion_data/smplx_322 or smplx_322"):
        parameter_folder(tmp_path)
    for name in ("smplx_322", "motion_data/smplx_322"):
        (tmp_path / name).mkdir(parents=True)
        assert parameter_folder(tmp_path) == tmp_path / name


def test_an_id_is_the_path_and_broken_files_are_named(tmp_path: Path) -> None:
    write(tmp_path / "kungfu" / "part_1" / "Kick_2.npy", 7)
    write(tmp_path / "dance" / "b.npy", 5)
    (tmp_path / "dance" / "a.npy").write_bytes(b"junk")
    problems = ProblemTable()
    made = list(joint_motions(tmp_path, body, problems))
    assert [(m.id, m.joints.shape) for m in made] == [
        ("dance/b", (5, 22, 3)),
        ("kungfu/part_1/Kick_2", (7, 22, 3)),
    ]
    assert [(p.item, p.file) for p in problems] == [("dance/a", tmp_path / "dance" / "a.npy")]


def test_the_skeleton_is_that_of_the_copy_of_humanml3ds_motion(tmp_path: Path) -> None:
    assert skeleton(tmp_path, body) is None
    path = tmp_path / "humanml" / "000021.npy"
    write(path, 3, tall=1.5)
    offsets = skeleton(tmp_path, body)
    assert offsets is not None
    assert np.linalg.norm(offsets[4]) == pytest.approx(1.5 * 0.4, rel=1e-4)  # hip to knee
    path.write_bytes(b"junk")
    with pytest.raises(PlacidError, match=r"000021\.npy: .*mend it") as refused:
        skeleton(tmp_path, body)
    assert refused.value.code == "no_skeleton"
