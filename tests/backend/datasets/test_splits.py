"""Forget and retain lists, and the command that writes them."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
from command_line import run_backend

from backend.commands.splits import splits
from backend.datasets import splits as splits_module
from backend.datasets.layouts import HUMANML3D
from backend.datasets.problems import ProblemTable
from backend.datasets.splits import IdList, PublishedList, forget_and_retain
from backend.datasets.text_motions import read_split
from backend.unlearning.concept import find_concept
from shared.errors import PlacidError
from tests.backend.datasets.text_motion_files import CALM, CAPTION, write_item, write_split

WHITE = "a person in a white shirt#a/DET person/NOUN white/ADJ shirt/NOUN#0.0#0.0"
SLASH = "a person slashes#a/DET person/NOUN slash/VERB#0.0#0.0"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Published: "hit" is in "white", "slash" is no keyword. By word it is the other way round."""
    write_item(tmp_path, "000004", CALM, CAPTION)
    write_item(tmp_path, "000001", WHITE)
    write_item(tmp_path, "000002", CALM)
    write_item(tmp_path, "000003", SLASH)
    write_item(tmp_path, "M000004", CAPTION)
    write_split(tmp_path, "test", "000004", "000001", "000002", "000003", "M000004")
    return tmp_path


def test_published_finds_substrings_and_word_finds_words(data: Path) -> None:
    entries = read_split(data, HUMANML3D, "test", ProblemTable(strict=True))
    violence = find_concept("violence")
    matches = violence.as_published("HumanML3D").matches
    forget, retain = forget_and_retain(entries, matches, "published")
    assert forget.ids == ("000004", "000001", "M000004")
    assert retain.ids == ("000002", "000003")
    forget, retain = forget_and_retain(entries, violence.matches, "word")
    assert forget.ids == ("000004", "000003", "M000004")
    assert retain.ids == ("000001", "000002")


def test_only_the_published_rule_looks_at_the_tokens(tmp_path: Path) -> None:
    write_item(tmp_path, "000001", "someone strikes#someone/PRON kick/VERB#0.0#0.0")
    write_split(tmp_path, "test", "000001")
    entries = read_split(tmp_path, HUMANML3D, "test", ProblemTable(strict=True))
    kick = find_concept("kick").matches
    assert forget_and_retain(entries, kick, "published")[0].ids == ("000001",)
    assert forget_and_retain(entries, kick, "word")[0].ids == ()


def test_the_hash_is_that_of_the_written_file(tmp_path: Path) -> None:
    ids = IdList(("000004", "M000004"))
    ids.save(tmp_path / "ids.txt")
    written = (tmp_path / "ids.txt").read_bytes()
    assert written == b"000004\nM000004\n"
    assert ids.sha256 == hashlib.sha256(written).hexdigest()
    assert ids.without(["000004"]).ids == ("M000004",)


def test_the_command_writes_lists_and_says_that_they_are_not_the_published_ones(
    data: Path, tmp_path: Path
) -> None:
    code, output, errors = run_backend(
        "splits", data, "--concept", "violence", "--out", tmp_path / "lists"
    )
    assert code == 0, errors
    written = (tmp_path / "lists" / "test-violence-published-forget.txt").read_bytes()
    assert written == b"000004\n000001\nM000004\n"
    assert hashlib.sha256(written).hexdigest() in output
    assert "do NOT reproduce" in output
    assert "304 ids with SHA-256 03dd3d493e41a2d46c388c8e9d78a0a3e90ddc0a" in output
    assert "problem" not in output


def test_a_reproduced_list_is_said_to_be_the_published_one(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    known = PublishedList(3, IdList(("000004", "000001", "M000004")).sha256)
    monkeypatch.setitem(splits_module.PUBLISHED_LISTS, ("HumanML3D", "test", "violence"), known)
    # A broken motion is missing in the list that is written, not in the one that is compared.
    (data / "new_joint_vecs" / "000001.npy").unlink()
    splits(data, tmp_path / "lists")
    said = capsys.readouterr().out
    assert "reproduce the published forget list of 3 ids" in said
    written = tmp_path / "lists" / "test-violence-published-forget.txt"
    assert written.read_text() == "000004\nM000004\n"
    table = (tmp_path / "lists" / "problems.csv").read_text().splitlines()
    assert table[0] == "item,file,problem"
    assert table[1].startswith("000001,")
    assert table[1].endswith(",missing")
    assert "1 left out" in said


def test_strict_stops_with_a_sentence_and_writes_nothing(data: Path, tmp_path: Path) -> None:
    np.save(data / "new_joint_vecs" / "000002.npy", np.zeros((50, 22, 3), np.float32))
    code, _, errors = run_backend("splits", data, "--strict", "--out", tmp_path / "lists")
    assert code == 1
    assert errors.startswith("backend: 000002: ")
    assert "(50, 22, 3) instead of (T, 263)" in errors
    assert not (tmp_path / "lists").exists()


def test_an_empty_list_is_a_problem(data: Path, tmp_path: Path) -> None:
    write_split(data, "val", "000002")
    splits(data, tmp_path / "lists", split="val")
    assert (tmp_path / "lists" / "val-violence-published-forget.txt").read_text() == ""
    assert "empty: no motion to forget" in (tmp_path / "lists" / "problems.csv").read_text()
    with pytest.raises(PlacidError, match="empty: no motion to forget"):
        splits(data, tmp_path / "strict", split="val", strict=True)


def test_captions_alone_are_enough_for_the_lists(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (data / "new_joint_vecs").rename(data / "elsewhere")
    splits(data, tmp_path / "lists", match="word", strict=True)
    said = capsys.readouterr().out
    assert "only the captions were read" in said
    assert "published forget list" not in said
    written = tmp_path / "lists" / "test-violence-word-retain.txt"
    assert written.read_text() == "000001\n000002\n"
    with pytest.raises(PlacidError, match="use published or word"):
        splits(data, tmp_path / "lists", match="regex")
