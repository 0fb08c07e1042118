from pathlib import Path

import numpy as np
import pytest
from sample_motions import walking_motion, walking_pose

from shared.motion.bvh import format_bvh, load_bvh, save_bvh
from shared.motion.motion import MotionError


def test_round_trip_keeps_the_joints(tmp_path: Path) -> None:
    motion = walking_motion()
    save_bvh(motion, tmp_path / "walk.bvh")
    back = load_bvh(tmp_path / "walk.bvh")
    assert back.fps == motion.fps
    assert np.abs(back.joints - motion.joints).max() < 0.001


def test_angles_do_not_jump() -> None:
    text = format_bvh(walking_pose(120), 20.0)
    rows = [row.split() for row in text.partition("Frame Time: 0.05000000\n")[2].splitlines()]
    angles = np.array(rows, dtype=float)[:, 3:]
    assert np.abs(np.diff(angles, axis=0)).max() < 30.0


def test_nothing_is_left_behind(tmp_path: Path) -> None:
    save_bvh(walking_motion(4), tmp_path / "walk.bvh")
    assert [path.name for path in tmp_path.iterdir()] == ["walk.bvh"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no MOTION"),
        ("HIERARCHY\nROOT a\n{\nOFFSET 0 0\n", "not a BVH file"),
        ("HIERARCHY\nMOTION\nFrames: 1\nFrame Time: 0.05\n", "another skeleton"),
        ("HIERARCHY\nMOTION\nFrames: x\n", "not a BVH file"),
    ],
)
def test_foreign_files_are_refused(tmp_path: Path, text: str, reason: str) -> None:
    path = tmp_path / "bad.bvh"
    path.write_text(text)
    with pytest.raises(MotionError, match=reason):
        load_bvh(path)


def test_cut_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "cut.bvh"
    text = format_bvh(walking_pose(10), 20.0)
    path.write_text(text[:-40])
    with pytest.raises(MotionError, match="promises 10 frames of 69 numbers and has 686"):
        load_bvh(path)


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(MotionError, match="does not exist"):
        load_bvh(tmp_path / "none.bvh")
