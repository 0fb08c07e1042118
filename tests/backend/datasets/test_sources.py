from pathlib import Path

import numpy as np
import pytest

from backend.datasets.actions import Action, mirror_action
from backend.datasets.readers.deepmimic import pose, repeat
from backend.datasets.sources import SourceError, commercial_sources, read_clips, sources
from shared.errors import PlacidError
from shared.motion.skeleton import JOINT
from tests.backend.datasets.motions import (
    kicking,
    standing,
    walking,
    write_bandai,
    write_cmu,
    write_deepmimic,
)

DEEPMIMIC = (
    *("backflip", "cartwheel", "crawl", "dance_a", "dance_b", "getup_facedown", "getup_faceup"),
    *("jump", "kick", "punch", "roll", "run", "spin", "spinkick", "walk"),
)


def only(clips, name):
    return next(clip for clip in clips if clip.id == name)


def test_all_sources_but_one_may_be_used_commercially():
    names = set(sources())
    assert {"bandai", "cmu", "deepmimic", "snu_woody_apache", "ui_prmd_pddl"} <= names
    assert len(names) == 16
    assert set(commercial_sources()) == names - {"bandai"}


def test_bandai_labels_become_actions_with_side_style_and_measured_speed(tmp_path: Path):
    write_bandai(
        tmp_path,
        {
            "a": ("wave-left-hand", "elderly", standing(40)),
            "b": ("walk", "normal", walking(60, speed=0.4)),
            "c": ("walk-turn-right", "happy", walking(120, turn=-90)),
        },
    )
    clips = read_clips(tmp_path, ["bandai"])
    assert only(clips, "a").segments[0].action == Action("wave", side="left", style="old")
    assert only(clips, "b").segments[0].action == Action("walk_forward", speed="slow")
    turn, *straight = only(clips, "c").segments
    assert turn.action == Action("turn_right", style="happy")
    assert turn.core is not None
    assert 40 <= turn.core[0] < 55 < turn.core[1] <= 80
    assert [segment.action.kind for segment in straight] == ["walk_forward"] * 2
    assert straight[0].end <= turn.core[0] < turn.core[1] <= straight[1].start


def test_strikes_are_found_in_bandai_kicks(tmp_path: Path):
    write_bandai(tmp_path, {"k": ("kick", "normal", kicking(200, [50, 140], side="left"))})
    segments = read_clips(tmp_path, ["bandai"])[0].segments
    events = [segment for segment in segments if segment.core]
    assert [segment.action.side for segment in events] == ["left", "left"]
    for peak, segment in zip((50, 140), events, strict=True):
        assert segment.start < segment.core[0] <= peak < segment.core[1] < segment.end


def test_cmu_descriptions_spans_and_strikes(tmp_path: Path):
    strike = {"kind": "strike_event", "start": 30, "end": 70, "peak": 50, "strike": "punch"}
    human = [{"text": "A man boxes.", "origin": "kit_ml"}, {"text": "x", "origin": "derived"}]
    label = {"kind": "mocap6_segment", "start": 0, "end": 40}
    write_cmu(
        tmp_path,
        {
            "01": ("boxing", standing(120), [{**strike, "side": "left"}]),
            "02": ("run, leap", standing(60), []),
            "03": (
                "jumping jacks, squats",
                standing(80),
                [{**label, "captions": [{"text": "t", "label": "Squat"}]}],
            ),
            "04": ("walk", walking(120, turn=95), [{"kind": "full_clip", "captions": human}]),
            "05": ("bear (human subject)", standing(60), []),
        },
    )
    clips = read_clips(tmp_path, ["cmu"])
    boxing = only(clips, "cmu_01").segments
    assert [segment.action for segment in boxing] == [Action("boxing"), Action("punch", "left")]
    assert boxing[0].core is None
    assert boxing[1].core[0] < 50 < boxing[1].core[1]
    leap = only(clips, "cmu_02").segments[0]
    assert [action.kind for action in leap.actions] == ["run", "jump"]
    spans = only(clips, "cmu_03").segments
    assert [(s.start, s.end, s.action.kind) for s in spans] == [(0, 40, "squat")]
    assert only(clips, "cmu_04").segments[0].action.kind == "turn_left"
    assert only(clips, "cmu_05").segments[0].action == Action("animal", variant="bear")


def test_captions_by_people_are_kept_without_full_stop(tmp_path: Path):
    write_cmu(tmp_path, {"01": ("dance", standing(60), [])})
    path = tmp_path / "cmu" / "captions.jsonl"
    human = '[{"text": "a person dances.", "origin": "kit_ml"}]'
    path.write_text(path.read_text().replace('"captions": []', f'"captions": {human}'))
    assert read_clips(tmp_path, ["cmu"])[0].segments[0].captions == ("a person dances",)


def test_an_unknown_description_is_named(tmp_path: Path):
    write_cmu(tmp_path, {"01": ("juggling knives", standing(30), [])})
    with pytest.raises(SourceError, match="juggling knives"):
        read_clips(tmp_path, ["cmu"])


def test_deepmimic_is_posed_upright_with_left_on_the_left(tmp_path: Path):
    write_deepmimic(tmp_path, DEEPMIMIC)
    clips = read_clips(tmp_path, ["deepmimic"])
    assert len(clips) == len(DEEPMIMIC)
    joints = only(clips, "deepmimic_jump").joints
    assert joints.shape == (21, 22, 3)  # 31 frames at 30 fps last one second
    assert joints.dtype == np.float32
    first = joints[0]
    assert first[JOINT["head"], 1] > first[JOINT["neck"], 1] > first[JOINT["pelvis"], 1]
    # The body faces +X, so its right is +Z.
    assert first[JOINT["right_wrist"], 2] > 0.1 > -0.1 > first[JOINT["left_wrist"], 2]
    assert first[JOINT["left_foot"], 0] > first[JOINT["left_ankle"], 0] + 0.1
    thigh = np.linalg.norm(joints[:, JOINT["left_hip"]] - joints[:, JOINT["left_knee"]], axis=-1)
    np.testing.assert_allclose(thigh, 0.421546, atol=1e-5)


def test_hinge_angles_bend_knees_back_and_elbows_forward(tmp_path: Path):
    frames = np.zeros((2, 44))
    frames[:, 0] = 0.05
    frames[:, [4, 8, 12, 16, 21, 25, 30, 35, 39]] = 1.0
    frames[:, 20] = frames[:, 34] = -np.pi / 2
    frames[:, 29] = frames[:, 43] = np.pi / 2
    joints = pose(frames)[0]
    for side in ("left", "right"):
        assert joints[JOINT[f"{side}_ankle"], 0] < joints[JOINT[f"{side}_knee"], 0] - 0.4
        assert joints[JOINT[f"{side}_wrist"], 0] > joints[JOINT[f"{side}_elbow"], 0] + 0.2


def test_frames_of_another_width_are_refused():
    with pytest.raises(ValueError, match="44"):
        pose(np.zeros((3, 30)))


def test_repeated_cycles_go_on_where_the_last_one_ended():
    frames = np.zeros((4, 44))
    frames[:, 1] = [0.0, 1.0, 2.0, 3.0]
    np.testing.assert_array_equal(repeat(frames, 3)[:, 1], np.arange(10.0))


def many(count: int, content: str) -> dict:
    return {f"{content}_{i:03d}": (content, "normal", standing(30 + i)) for i in range(count)}


def test_the_split_is_stratified_and_independent_of_the_order(tmp_path: Path):
    clips = many(50, "wave-left-hand") | many(3, "bow") | many(2, "dance-short")
    write_bandai(tmp_path / "a", clips)
    write_bandai(tmp_path / "b", dict(reversed(list(clips.items()))))
    split = {clip.id: clip.split for clip in read_clips(tmp_path / "a", ["bandai"])}
    assert split == {clip.id: clip.split for clip in read_clips(tmp_path / "b", ["bandai"])}
    waves = [part for name, part in split.items() if name.startswith("wave")]
    assert (waves.count("test"), waves.count("val"), waves.count("train")) == (6, 4, 40)
    # A rare class gives up its shortest clips.
    assert [split[f"bow_{i:03d}"] for i in range(3)] == ["test", "val", "train"]
    assert {split[f"dance-short_{i:03d}"] for i in range(2)} == {"train"}


def test_leaving_a_source_out_moves_no_clip(tmp_path: Path):
    write_bandai(tmp_path, many(20, "run"))
    write_deepmimic(tmp_path, DEEPMIMIC)
    alone = {clip.id: clip.split for clip in read_clips(tmp_path, ["bandai"])}
    both = {clip.id: clip.split for clip in read_clips(tmp_path, ["deepmimic", "bandai"])}
    assert alone.items() <= both.items()


def test_an_unknown_source_is_answered_with_the_nearest_name(tmp_path: Path):
    with pytest.raises(PlacidError, match="did you mean 'bandai'"):
        read_clips(tmp_path, ["bandia"])


def test_a_missing_folder_is_named(tmp_path: Path):
    with pytest.raises(SourceError, match=r"captions\.jsonl is missing"):
        read_clips(tmp_path, ["cmu"])


@pytest.mark.parametrize(
    ("action", "mirrored"),
    [
        (Action("turn_left", style="old"), Action("turn_right", style="old")),
        (Action("walk_diagonal_right"), Action("walk_diagonal_left")),
        (Action("kick", side="left"), Action("kick", side="right")),
        (Action("raise_hand", side="both"), Action("raise_hand", side="both")),
        (Action("walk_forward"), Action("walk_forward")),
    ],
)
def test_mirroring_an_action(action, mirrored):
    assert mirror_action(action) == mirrored
    assert mirror_action(mirrored) == action
