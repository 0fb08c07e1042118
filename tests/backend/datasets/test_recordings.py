"""A folder in the layout of the free data: people, takes, what is left out, labels."""

import json
from pathlib import Path

import numpy as np
import pytest

from backend.datasets.problems import ProblemTable
from backend.datasets.recordings import Recordings, toe_slide
from backend.datasets.sources import Clip, assign_splits, read_clips, sources
from tests.backend.datasets.motions import standing, walking


def write(root: Path, folder: str, clips: dict[str, tuple[str, np.ndarray]], **extra: object):
    place = root / "free" / folder
    (place / "npz").mkdir(parents=True)
    lines = []
    for name, (action, joints) in clips.items():
        np.savez(place / "npz" / f"{name}.npz", joints22=joints)
        record = {"clip": name, "npz": f"npz/{name}.npz", "kind": "full_clip", "action": action}
        lines.append(json.dumps({**record, "start": 0, "end": len(joints), **extra}))
        if action == "basketball":
            part = {**record, "kind": "labelled_segment", "action": "basketball pass"}
            lines.append(json.dumps({**part, "start": 5, "end": 30}))
    (place / "captions.jsonl").write_text("\n".join(lines) + "\n")


def read(folder: Recordings, root: Path) -> dict[str, Clip]:
    return {clip.id.partition("/")[2]: clip for clip in folder.read(root)}


def test_names_tell_person_and_take(tmp_path: Path):
    names = ("s_1_2_a", "s_1_2_b", "other")
    write(tmp_path, "toy", {name: ("walk", walking(40)) for name in names})
    found = read(Recordings("toy", person=r"s_(\d+)", take=r"s_(\d+)_(\d+)"), tmp_path)
    assert found["s_1_2_a"].person == found["s_1_2_b"].person == "toy 1"
    assert found["s_1_2_a"].take == found["s_1_2_b"].take == "toy 1 2"
    assert (found["other"].person, found["other"].take) == ("", "toy other")


def test_labels_and_labelled_parts_become_segments(tmp_path: Path):
    clips = {
        "a": ("basketball", standing(60)),
        "b": ("walk stop", walking(60)),
        "c": ("tag game", walking(60)),
    }
    write(tmp_path, "toy", clips)
    found = read(Recordings("toy"), tmp_path)
    whole, part = found["a"].segments
    assert (whole.action.kind, whole.end) == ("basketball", 60)
    assert (part.action.variant, part.start, part.end) == ("pass", 5, 30)
    assert [a.kind for a in found["b"].segments[0].actions] == ["walk_forward", "stop"]
    assert found["c"].segments == ()
    assert {clip.unfit for clip in found.values()} == {""}


def test_what_is_left_out_says_why(tmp_path: Path):
    slide = walking(40, speed=1.5)  # a body that glides
    fast = standing(40)
    fast[20:, 21] += [0, 0.9, 0]
    clips = {"a": ("walk", standing(40)), "b": ("walk", slide), "c": ("walk", fast)}
    write(tmp_path, "toy", clips | {"d": ("walk", standing(40)), "e": ("walk", standing(40))})
    folder = Recordings(
        "toy", person="()", repetitions=3, fastest=12, most_slide=0.5, left_out={"d": "broken"}
    )
    found = read(folder, tmp_path)
    assert found["a"].unfit == ""
    assert found["b"].unfit == "toes on the floor slide at 1.50 m/s"
    assert found["c"].unfit == "a joint moves at 18.0 m/s"
    assert found["d"].unfit == "broken"
    assert found["e"].unfit == "repetition 5 of 'walk' by the same person"


def test_a_flag_leaves_out_whatever_carries_it(tmp_path: Path):
    write(tmp_path, "snu_woody_apache", {"a": ("walk", walking(40))}, flags=["ground_not_flat"])
    problems = ProblemTable()
    assert read_clips(tmp_path, ["snu_woody_apache"], problems) == []
    (row,) = problems
    assert (row.item, row.what) == ("snu_woody_apache/a", "walks on a slope, off the floor")
    assert row.file == tmp_path / "free" / "snu_woody_apache"


def test_planted_toes_do_not_slide_and_lifted_ones_do_not_count():
    joints = walking(40, speed=1.0)
    assert toe_slide(joints) == pytest.approx(1.0, rel=1e-3)
    assert toe_slide(standing(40)) == 0
    joints[:, 10] = standing(1)[0, 10]
    joints[:, 11, 1] += 0.2
    assert toe_slide(joints) == 0


def many(people: int, each: int, kind: str = "walk") -> list[Clip]:
    return [
        Clip(f"{person} {i}", "toy", standing(30 + person), (), "train", f"p{person}", "", kind)
        for person in range(people)
        for i in range(each)
    ]


def test_nobody_is_tested_on_a_movement_of_the_training():
    clips = assign_splits(many(12, 5))
    people: dict[str, set[str]] = {}
    for clip in clips:
        people.setdefault(clip.split, set()).add(clip.person)
    assert {split: len(found) for split, found in people.items()} == {
        "train": 10,
        "test": 1,
        "val": 1,
    }
    assert len(set.union(*people.values())) == 12


def test_two_people_are_parted_by_take():
    clips = assign_splits(many(2, 10))
    splits = [clip.split for clip in clips]
    assert {s: splits.count(s) for s in set(splits)} == {"train": 16, "val": 2, "test": 2}


def test_partners_of_a_take_stay_together_over_classes():
    pairs = [
        Clip(f"{take} {kind}", "toy", standing(30), (), take=f"t{take}", stratum=kind)
        for take in range(20)
        for kind in ("leads", "follows")
    ]
    singles = [Clip(f"s{i}", "toy", standing(30), (), stratum="leads") for i in range(20)]
    splits: dict[str, set[str]] = {}
    for clip in assign_splits([*pairs, *singles]):
        splits.setdefault(clip.take or clip.id, set()).add(clip.split)
    assert all(len(found) == 1 for found in splits.values())


def test_every_source_says_its_licence():
    for source in sources().values():
        assert source.licence
        assert source.tier in ("A", "B", "NC")
        assert 0 < source.weight <= 1
