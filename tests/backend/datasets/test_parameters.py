"""Broken archives of AMASS and files of Motion-X; whole ones are read by the prepare commands."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backend.datasets.parameters import read_amass, read_smplx_322
from backend.datasets.text_motions import BrokenFileError

WHOLE: dict[str, Any] = {
    "poses": np.zeros((100, 156)),
    "trans": np.zeros((100, 3)),
    "betas": np.arange(16.0),
    "gender": np.array(b"female"),
    "mocap_framerate": np.array(59.9),
}


def test_every_nth_frame_and_ten_betas_are_taken(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", **WHOLE)
    parameters = read_amass(tmp_path / "a.npz", 20)
    assert parameters.poses.shape == (50, 66)
    assert parameters.trans.shape == (50, 3)
    np.testing.assert_array_equal(parameters.betas, np.arange(10.0))
    assert parameters.gender == "female"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"poses": np.zeros((100, 60))}, "the shapes are"),
        ({"trans": np.zeros((99, 3))}, "the shapes are"),
        ({"betas": np.full(16, np.nan)}, "NaN"),
        ({"poses": np.zeros((100, 156), int)}, "no floating-point"),
        ({"mocap_framerate": np.array(0.0)}, "0.0 frames a second"),
        ({"mocap_framerate": np.array("fast")}, "mocap_framerate' of str128"),
        ({"gender": np.array([{}], dtype=object)}, "gender' of object"),
    ],
)
def test_a_wrong_array_is_named(tmp_path: Path, changes: dict[str, Any], words: str) -> None:
    np.savez(tmp_path / "a.npz", **(WHOLE | changes))
    with pytest.raises(BrokenFileError, match=words):
        read_amass(tmp_path / "a.npz", 20)


def test_a_file_of_another_kind_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    with pytest.raises(BrokenFileError, match="missing"):
        read_amass(path, 20)
    np.savez(path, poses=WHOLE["poses"])
    with pytest.raises(BrokenFileError, match="no array 'trans'"):
        read_amass(path, 20)
    np.savez(path, **WHOLE)
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(BrokenFileError, match="not a whole npz"):
        read_amass(path, 20)
    with path.open("wb") as file:
        np.save(file, WHOLE["poses"])
    with pytest.raises(BrokenFileError, match="not a whole npz"):
        read_amass(path, 20)


def test_motion_x_rows_are_checked(tmp_path: Path) -> None:
    path = tmp_path / "a.npy"
    for rows, words in (
        (np.zeros((5, 263)), r"\(5, 263\) instead of \(T, 322\)"),
        (np.zeros((0, 322)), "no frame"),
        (np.full((5, 322), np.inf), "NaN or infinity"),
    ):
        np.save(path, rows)
        with pytest.raises(BrokenFileError, match=words):
            read_smplx_322(path)
    path.write_bytes(b"")
    with pytest.raises(BrokenFileError, match="not an npy"):
        read_smplx_322(path)
