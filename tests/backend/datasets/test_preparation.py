"""Source clips as training material: variants, what is left out, what comes back from disk."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from backend.datasets.actions import Action
from backend.datasets.preparation import (
    TEMPI,
    change_tempo,
    load_prepared,
    mirror_joints,
    prepare,
    prepare_clip,
    save_prepared,
)
from backend.datasets.sources import Clip, Segment
from backend.motion.features import FEATURES, features_to_joints, motion_to_features
from shared.motion.skeleton import FEATURE_OFFSETS, JOINT
from tests.backend.datasets.motions import kicking, standing, walking

KICK = Segment(20, 61, Action("kick", side="right"), ("kicks with the right leg",), core=(30, 50))
TURN = Segment(0, 61, Action("turn_left"), then=(Action("wave", side="left"),))


def clip(joints: np.ndarray, split: str = "train", *segments: Segment) -> Clip:
    return Clip("a", "toy", joints, segments or (KICK, TURN), split)  # type: ignore[arg-type]


def test_mirroring_exchanges_the_sides() -> None:
    joints = kicking(41, [20], side="right")
    mirrored = mirror_joints(joints)
    np.testing.assert_array_equal(mirrored, kicking(41, [20], side="left"))
    assert mirrored.dtype == np.float32
    np.testing.assert_array_equal(mirror_joints(mirrored), joints)
    turned = walking(41, turn=90)
    assert mirror_joints(turned)[-1, 0, 0] == -turned[-1, 0, 0] != 0


def test_tempo_keeps_the_way_and_changes_the_frames() -> None:
    joints = walking(101)
    for tempo, frames in ((1.15, 88), (0.87, 116), (2.0, 51), (1.0, 101)):
        changed = change_tempo(joints, tempo)
        assert changed.shape == (frames, 22, 3)
        assert changed.dtype == np.float32
        np.testing.assert_allclose(changed[[0, -1]], joints[[0, -1]], atol=1e-6)
        # A steady walk stays steady.
        steps = np.diff(changed[:, 0, 2])
        np.testing.assert_allclose(steps, steps.mean(), rtol=1e-3)
    assert len(change_tempo(joints[:2], 8.0)) == 2


def test_training_clips_have_six_variants_and_held_out_ones_none() -> None:
    made = prepare([clip(kicking(62, [40]))], progress=False)
    names = [item.variant for item in made]
    assert names == [
        *("plain", "plain@0.87", "plain@1.15"),
        *("mirrored", "mirrored@0.87", "mirrored@1.15"),
    ]
    assert {(item.id, item.source, item.split) for item in made} == {("a", "toy", "train")}
    for split in ("val", "test"):
        (kept,) = prepare([clip(kicking(62, [40]), split)], progress=False)
        assert (kept.variant, kept.split) == ("plain", split)
        assert kept.segments == (KICK, TURN)


def test_a_variants_labels_follow_its_motion() -> None:
    made = {item.variant: item for item in prepare([clip(kicking(62, [40]))], progress=False)}
    for name, item in made.items():
        kick, turn = item.segments
        assert item.features.shape == (len(item.features), FEATURES)
        assert kick.end == turn.end == len(item.features), name
        # The leg is highest in the middle of what a crop has to show.
        joints = features_to_joints(item.features)
        side = "left" if name.startswith("mirrored") else "right"
        highest = int(joints[:, JOINT[f"{side}_ankle"], 1].argmax())
        assert kick.core is not None
        assert abs(highest - sum(kick.core) / 2) <= 1, name
        assert kick.action.side == side
        assert kick.captions == (f"kicks with the {side} leg",)
        assert turn.action.kind == ("turn_right" if side == "left" else "turn_left")
        assert turn.then[0].side == ("right" if side == "left" else "left")
    assert len(made) == 2 * len(TEMPI)


def test_features_are_those_of_the_motion_on_the_one_skeleton() -> None:
    joints = 1.3 * walking(41)
    made = prepare_clip(clip(joints), mirrored=False, tempo=1.0)
    np.testing.assert_array_equal(made.features, motion_to_features(joints, FEATURE_OFFSETS))
    assert made.features.dtype == np.float32
    bones = features_to_joints(made.features)
    hip = np.linalg.norm(bones[:, JOINT["left_hip"]] - bones[:, 0], axis=-1)
    np.testing.assert_allclose(hip, np.linalg.norm(FEATURE_OFFSETS[JOINT["left_hip"]]), atol=1e-4)


def test_short_and_broken_clips_are_left_out() -> None:
    short, broken, folded = standing(23), walking(41), walking(41)
    broken[7, 3, 1] = np.nan
    folded[:, JOINT["left_knee"]] = folded[:, JOINT["left_hip"]]  # a bone without direction
    clips = [clip(joints, "val", TURN) for joints in (short, broken, folded, standing(24))]
    (kept,) = prepare([replace(c, id=str(n)) for n, c in enumerate(clips)], progress=False)
    assert kept.id == "3"


def test_clips_come_back_from_their_files(tmp_path: Path) -> None:
    clips = [clip(kicking(62, [40])), replace(clip(walking(50), "val", TURN), id="b")]
    made = prepare(clips, progress=False)
    save_prepared(made, tmp_path / "prepared")
    again = load_prepared(tmp_path / "prepared")
    assert len(again) == len(made) == 7
    for one, other in zip(made, again, strict=True):
        for name in ("id", "source", "split", "variant", "segments"):
            assert getattr(one, name) == getattr(other, name), name
        np.testing.assert_array_equal(one.features, other.features)
        assert other.features.dtype == np.float32


@pytest.mark.parametrize("tempo", TEMPI)
def test_a_span_at_the_end_stays_inside_the_clip(tempo: float) -> None:
    for frames in range(30, 60, 7):
        segment = Segment(0, frames, Action("run"))
        made = prepare_clip(clip(walking(frames), "train", segment), False, tempo)
        assert made.segments[0].end <= len(made.features)
