"""Which data set a folder holds."""

from pathlib import Path

import pytest

from backend.datasets.layouts import (
    HUMANML3D,
    MOTION_X,
    Layout,
    find_layout,
    first_folder,
    has_layout,
)
from shared.errors import PlacidError


@pytest.mark.parametrize(
    ("folders", "layout"),
    [
        (["new_joint_vecs", "texts"], HUMANML3D),
        (["motion_data/vector_263", "texts"], MOTION_X),
        (["new_joint_vecs", "texts/semantic_labels"], MOTION_X),
        (["vector_263"], MOTION_X),
    ],
)
def test_a_data_set_is_known_by_its_own_folders(
    tmp_path: Path, folders: list[str], layout: Layout
) -> None:
    assert not has_layout(tmp_path)
    for folder in folders:
        (tmp_path / folder).mkdir(parents=True)
    assert find_layout(tmp_path) is layout
    assert has_layout(tmp_path)


def test_a_name_decides_against_the_folders_in_any_case(tmp_path: Path) -> None:
    (tmp_path / "vector_263").mkdir()
    assert find_layout(tmp_path, "HumanML3D") is HUMANML3D
    (tmp_path / "new_joint_vecs").mkdir()
    assert find_layout(tmp_path, "motion-x") is MOTION_X


def test_another_name_and_a_missing_folder_are_named(tmp_path: Path) -> None:
    with pytest.raises(PlacidError, match="no data set 'kit'; known are humanml3d, motion-x"):
        find_layout(tmp_path, "kit")
    with pytest.raises(PlacidError, match=r"there is no folder .*gone; name the data set's own"):
        find_layout(tmp_path / "gone")


def test_the_first_folder_that_is_there_counts(tmp_path: Path) -> None:
    (tmp_path / "a").touch()  # a file of that name is none
    assert first_folder(tmp_path, ("a", "b", "c")) is None
    for name in ("c", "b"):
        (tmp_path / name).mkdir()
    assert first_folder(tmp_path, ("a", "b", "c")) == tmp_path / "b"
