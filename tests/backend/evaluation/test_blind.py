"""The blind look: labels stay hidden until all is scored, and the rates are those of the scores."""

import json
import logging
from pathlib import Path

import numpy as np
import pytest

from backend.evaluation.blind.look import open_key, read_scores, write_look
from backend.evaluation.blind.making import read_motions
from backend.evaluation.blind.sheets import POSES, chosen_frames, view_of
from backend.evaluation.blind.tables import judge_lines, rate_lines
from backend.evaluation.judges import find_judge
from shared.errors import PlacidError
from shared.motion.motion import Motion, save_motion
from tests.backend.datasets.motions import kicking, standing

METHODS = ("off", "lcr")


def motion(method: str, number: int) -> Motion:
    joints = kicking(60, [30], lift=130) if method == "off" else standing(60)
    return Motion(joints, prompt=f"a person kicks {number}", seed=number)


@pytest.fixture
def look(tmp_path: Path) -> tuple[Path, Path]:
    out, key = tmp_path / "look", tmp_path / "key"
    motions = [(motion(m, n), "momask", m, "violent") for m in METHODS for n in range(2)]
    sheets = write_look(motions, out, key, seed=3)
    assert len(sheets) == 1
    return out, key


def score(out: Path, letters: str) -> None:
    rows = "".join(f"{number},{letter},\n" for number, letter in enumerate(letters, start=1))
    (out / "scores.csv").write_text("motion,score,remark\n" + rows, encoding="utf-8")


def test_who_scores_sees_no_label(look: tuple[Path, Path]):
    out, _ = look
    assert {path.suffix for path in out.iterdir()} == {".png", ".csv", ".txt"}
    texts = [path.read_text("utf-8") for path in out.iterdir() if path.suffix != ".png"]
    assert not any(word in text for text in texts for word in ("lcr", "kicks", "momask"))


def test_the_key_stays_shut_until_all_is_scored(look: tuple[Path, Path]):
    out, key = look
    with pytest.raises(PlacidError, match="no score for 1, 2, 3, 4:"):
        open_key(out, key)
    score(out, "cnc")
    with (out / "scores.csv").open("a") as file:
        file.write("4,,\n")
    with pytest.raises(PlacidError, match="no score for 4:"):
        open_key(out, key)
    assert not (key / "opened.json").exists()


def test_rates_are_those_of_the_scores(look: tuple[Path, Path]):
    out, key = look
    hidden = json.loads((key / "key.json").read_bytes())["motions"]
    assert [h["method"] for h in hidden] != sorted((h["method"] for h in hidden), reverse=True)
    score(out, "".join("s" if h["method"] == "off" else "n" for h in hidden))
    found, scores = open_key(out, key)
    lines = list(rate_lines(found, scores))
    [off] = [line for line in lines if "| off |" in line]
    [lcr] = [line for line in lines if "| lcr |" in line]
    assert "2 of 2, 100 % (34 to 100)" in off
    assert "0 of 2, 0 % (0 to 66)" in lcr
    motions = [motion(h["method"], 0) for h in hidden]
    row = list(judge_lines([find_judge("checks")], motions, scores))[-1]
    assert row == "| checks | 2 of 2, 100 % (34 to 100) | 0 of 0 | 0 of 2, 0 % (0 to 66) |"


def test_scores_that_change_after_the_key_was_opened_show(look: tuple[Path, Path], caplog):
    out, key = look
    score(out, "nnnn")
    open_key(out, key)
    assert not caplog.records
    score(out, "nnnc")
    with caplog.at_level(logging.WARNING):
        open_key(out, key)
    assert "changed after the key" in caplog.text


def test_a_key_beside_the_sheets_is_refused(tmp_path: Path):
    with pytest.raises(PlacidError, match="keep it elsewhere"):
        write_look([(motion("off", 0), "", "off", "x")], tmp_path, tmp_path / "key", 0)


def test_other_letters_are_refused(look: tuple[Path, Path]):
    out, _ = look
    score(out, "xnnn")
    with pytest.raises(PlacidError, match="no score for 1:"):
        read_scores(out)


def test_motions_of_a_folder_are_named_after_it(tmp_path: Path):
    for method in METHODS:
        for number in range(3):
            (tmp_path / method).mkdir(exist_ok=True)
            save_motion(motion(method, number), tmp_path / method / f"{number}.npz")
    found = read_motions(tmp_path, 2)
    assert [method for _, _, method, _ in found] == ["lcr", "lcr", "off", "off"]
    with pytest.raises(PlacidError, match="no sub-folder"):
        read_motions(tmp_path / "off", 2)


def test_poses_gather_where_the_limb_is_fast():
    frames = chosen_frames(kicking(120, [90], lift=130))
    assert len(frames) == POSES
    assert (frames[0], frames[-1]) == (0, 119)
    assert ((frames >= 83) & (frames <= 97)).sum() >= 4


def test_a_kick_to_the_front_is_seen_from_the_side():
    right, near = view_of(kicking(60, [30], lift=130))
    assert right == pytest.approx([0, 0, 1], abs=0.1)
    assert np.dot(right, near) == pytest.approx(0, abs=1e-9)
