"""HumanML3D's index: what is refused; whole data sets are made by the prepare command's tests."""

from pathlib import Path, PurePosixPath

import numpy as np
import pytest

from backend.datasets.humanml3d import Cut, cut_joints, joint_motions, read_index, skeleton
from backend.datasets.problems import ProblemTable
from backend.datasets.text_motions import BrokenFileError
from shared.errors import PlacidError
from tests.backend.datasets.motions import standing, walking

HEAD = "source_path,start_frame,end_frame,new_name\n"
ACTED = PurePosixPath("humanact12/humanact12/P1.npy")


def no_body(parameters: object) -> np.ndarray:
    raise AssertionError("joints need no body model")


@pytest.fixture
def archives(tmp_path: Path) -> Path:
    path = tmp_path / ACTED
    path.parent.mkdir(parents=True)
    np.save(path, walking(40))
    return tmp_path


@pytest.mark.parametrize(
    "text",
    [
        "a,b\n1,2\n",
        HEAD + "./pose_data/KIT/a.npy,five,60,000001.npy\n",
        HEAD + "./elsewhere/KIT/a.npy,5,60,000001.npy\n",
        HEAD + "./pose_data/KIT/a.npy,5\n",
    ],
)
def test_another_file_is_not_taken_for_the_index(tmp_path: Path, text: str) -> None:
    path = tmp_path / "index.csv"
    path.write_text(text)
    with pytest.raises(
        PlacidError, match=r"index\.csv is .*not HumanML3D's.*give --index"
    ) as refused:
        read_index(path)
    assert refused.value.code == "bad_index"


def test_a_missing_index_is_named(tmp_path: Path) -> None:
    with pytest.raises(PlacidError, match=r"gone\.csv does not exist"):
        read_index(tmp_path / "gone.csv")


def test_joint_files_are_taken_whole(archives: Path) -> None:
    joints = cut_joints(Cut("000023", ACTED, 5, 20), archives, no_body)
    np.testing.assert_array_equal(joints, walking(40))
    np.save(archives / ACTED, np.zeros((40, 21, 3)))
    with pytest.raises(BrokenFileError, match=r"\(40, 21, 3\) instead of \(T, 22, 3\)"):
        cut_joints(Cut("000023", ACTED, 5, 20), archives, no_body)


def test_every_cut_is_followed_by_its_mirror_image(archives: Path) -> None:
    gone = PurePosixPath("KIT/gone.npy")
    cuts = [Cut("000001", gone, 0, 9), Cut("000002", ACTED, 0, -1)]
    problems = ProblemTable()
    made = list(joint_motions(cuts, archives, no_body, problems))
    assert [motion.id for motion in made] == ["000002", "M000002"]
    np.testing.assert_array_equal(made[1].joints[..., 0].sum(1), -made[0].joints[..., 0].sum(1))
    ((item, file),) = [(problem.item, problem.file) for problem in problems]
    assert (item, file) == ("000001", archives / "KIT/gone.npz")


class TestSkeleton:
    def test_is_that_of_one_motions_first_frame(self, archives: Path) -> None:
        np.save(archives / ACTED, np.concatenate([standing(1) * 1.1, standing(5)]))
        offsets = skeleton([Cut("000021", ACTED, 0, -1)], archives, no_body)
        bones = np.linalg.norm(offsets, axis=1)
        assert bones[4] == pytest.approx(1.1 * 0.4, rel=1e-4)  # hip to knee

    def test_needs_that_motion(self, archives: Path) -> None:
        with pytest.raises(PlacidError, match="the index has no motion 000021; take the whole"):
            skeleton([Cut("000022", ACTED, 0, -1)], archives, no_body)
        with pytest.raises(PlacidError, match=r"gone\.npz: .*unpack the archive KIT first"):
            skeleton([Cut("000021", PurePosixPath("KIT/gone.npy"), 0, 9)], archives, no_body)
        np.save(archives / ACTED, np.zeros((0, 22, 3), np.float32))
        with pytest.raises(PlacidError, match="unpack the archive humanact12 first"):
            skeleton([Cut("000021", ACTED, 0, -1)], archives, no_body)
