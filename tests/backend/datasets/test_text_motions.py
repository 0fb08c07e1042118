"""HumanML3D's files as a user has them, whole and broken."""

from pathlib import Path

import numpy as np
import pytest

from backend.datasets.layouts import HUMANML3D, MOTION_X, find_layout
from backend.datasets.problems import ProblemTable
from backend.datasets.text_motions import (
    Caption,
    read_split,
    read_statistics,
    text_motions,
    with_motions,
)
from shared.errors import PlacidError
from tests.backend.datasets.text_motion_files import (
    CALM,
    CAPTION,
    rows,
    write_item,
    write_split,
)


def read(root: Path, split: str = "test", layout=HUMANML3D):
    problems = ProblemTable()
    return read_split(root, layout, split, problems), problems


def test_entries_come_in_the_split_files_order_with_captions_and_features(tmp_path: Path) -> None:
    write_item(tmp_path, "000002", CALM, CAPTION)
    write_item(tmp_path, "M000002", CAPTION, features=rows(seed=7))
    write_item(tmp_path, "000001", CALM)
    write_split(tmp_path, "test", "000002", "M000002", "000001")
    entries, problems = read(tmp_path)
    assert not len(problems)
    assert [entry.id for entry in entries] == ["000002", "M000002", "000001"]
    assert [entry.mirrored for entry in entries] == [False, True, False]
    assert entries[0].captions[1] == Caption(
        CAPTION, "a person kicks", ("a/DET", "person/NOUN", "kick/VERB")
    )
    np.testing.assert_array_equal(entries[1].features(), rows(seed=7))


def test_caption_times_select_clips_and_lengths_outside_the_bounds_are_left_out(
    tmp_path: Path,
) -> None:
    write_item(
        tmp_path,
        "000001",
        CALM,
        "he kicks#he/PRON kick/VERB#1.0#4.5",
        "too short#too/ADV short/ADJ#0.0#1.0",
        "no time#no/DET time/NOUN#nan#nan",
        features=rows(120),
    )
    write_item(tmp_path, "000002", CALM, features=rows(39))
    write_item(tmp_path, "000003", CALM, features=rows(200))
    write_item(tmp_path, "000004", CALM, features=rows(199))
    write_split(tmp_path, "test", "000001", "000002", "000003", "000004")
    entries, _ = read(tmp_path)
    whole, clip = text_motions(entries[0], HUMANML3D)
    assert (whole.name, clip.name) == ("000001", "1%000001")
    assert [caption.text for caption in whole.captions] == ["a person walks", "no time"]
    assert [caption.text for caption in clip.captions] == ["he kicks"]
    np.testing.assert_array_equal(clip.features, rows(120)[20:90])
    assert [len(text_motions(entry, HUMANML3D)) for entry in entries[1:]] == [0, 0, 1]


def test_motion_x_has_ids_with_folders_and_bare_captions(tmp_path: Path) -> None:
    folders = {"motions": "motion_data/vector_263", "texts": "texts/semantic_labels"}
    write_item(tmp_path, "kungfu/subset_0001/Aerial_Kick_clip_8", "an aerial kick", **folders)
    write_item(tmp_path, "humanml/M000012", CALM, **folders)
    write_split(tmp_path, "test", "kungfu/subset_0001/Aerial_Kick_clip_8", "humanml/M000012")
    assert find_layout(tmp_path) is MOTION_X
    entries, problems = read(tmp_path, layout=MOTION_X)
    assert not len(problems)
    assert entries[0].captions == (Caption("an aerial kick", "an aerial kick"),)
    assert entries[1].mirrored
    assert entries[1].captions[0].text == "a person walks"
    assert with_motions(entries, problems) == entries


def test_every_broken_item_is_named_and_the_others_stay(tmp_path: Path) -> None:
    names = [f"{number:06}" for number in range(1, 11)]
    for name in names:
        write_item(tmp_path, name, CAPTION)
    texts, motions = tmp_path / "texts", tmp_path / "new_joint_vecs"
    (texts / "000001.txt").unlink()
    (texts / "000002.txt").write_bytes("kick it\u2019s#a/DET#0#0".encode("cp1252"))
    (texts / "000003.txt").write_text("a caption alone\n", encoding="utf-8")
    (texts / "000004.txt").write_text("kick#kick/VERB#soon#later\n", encoding="utf-8")
    (texts / "000005.txt").write_text("\n", encoding="utf-8")
    (motions / "000006.npy").unlink()
    np.save(motions / "000007.npy", np.zeros((60, 251), np.float32))
    broken = rows()
    broken[12, 3] = np.nan
    np.save(motions / "000008.npy", broken)
    np.save(motions / "000009.npy", np.array([{}], dtype=object))
    write_split(tmp_path, "test", *names, "../outside")
    entries, problems = read(tmp_path)
    assert [entry.id for entry in with_motions(entries, problems)] == ["000010"]
    said = {problem.item: problem.what for problem in problems}
    assert list(said) == ["../outside", *names[:-1]]
    for name, words in {
        "../outside": "leads out",
        "000001": "missing",
        "000002": "not UTF-8: byte 0x92 at 7",
        "000003": "line 1 is not caption#tokens#from#to",
        "000004": "'soon', 'later'",
        "000005": "no caption",
        "000006": "missing",
        "000007": "(60, 251) instead of (T, 263)",
        "000008": "frame 12 holds NaN",
        "000009": "of object, which is not read",
    }.items():
        assert words in said[name]


def test_strict_stops_at_the_first_broken_item(tmp_path: Path) -> None:
    write_item(tmp_path, "000001", CALM)
    write_split(tmp_path, "test", "000001", "000002")
    with pytest.raises(PlacidError, match=r"000002: .*texts/000002.txt: missing") as error:
        read_split(tmp_path, HUMANML3D, "test", ProblemTable(strict=True))
    assert error.value.code == "broken_data"


def test_an_empty_split_is_a_problem_and_a_missing_one_a_sentence(tmp_path: Path) -> None:
    write_item(tmp_path, "000001", CALM)
    write_split(tmp_path, "val")
    entries, problems = read(tmp_path, "val")
    assert entries == ()
    assert [problem.what for problem in problems] == ["empty split"]
    with pytest.raises(PlacidError, match=r"no split file .*test.txt; there are val"):
        read(tmp_path)
    with pytest.raises(PlacidError, match="no folder"):
        find_layout(tmp_path / "nowhere")
    with pytest.raises(PlacidError, match="known are humanml3d, motion-x"):
        find_layout(tmp_path, "kit")


def test_statistics_are_checked(tmp_path: Path) -> None:
    np.save(tmp_path / "Mean.npy", np.arange(263.0))
    np.save(tmp_path / "Std.npy", np.ones(263))
    mean, std = read_statistics(tmp_path)
    assert mean.dtype == std.dtype == np.float32
    assert mean[262] == 262
    np.save(tmp_path / "Std.npy", np.zeros(263))
    with pytest.raises(PlacidError, match=r"Std.npy holds zeros"):
        read_statistics(tmp_path)
    np.save(tmp_path / "Std.npy", np.ones(251))
    with pytest.raises(PlacidError, match=r"\(251,\) instead of 263"):
        read_statistics(tmp_path)
