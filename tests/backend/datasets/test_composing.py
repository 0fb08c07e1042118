"""The legs of one motion and the arms of another."""

import numpy as np

from backend.datasets import gestures
from backend.datasets.actions import Action
from backend.datasets.composing import compose
from backend.datasets.preparation import PreparedClip
from backend.datasets.samples import SamplePool
from backend.datasets.sources import Segment
from backend.motion.features import bone_lengths, features_to_joints, motion_to_features
from shared.motion.skeleton import BONE_LENGTHS, FEATURE_OFFSETS, JOINT
from tests.backend.datasets.motions import standing, walking


def raised(frames: int) -> np.ndarray:
    """A body that holds its right hand above the head."""
    joints = standing(frames)
    shoulder = joints[:, JOINT["right_shoulder"]]
    for part, height in (("elbow", 0.28), ("wrist", 0.52)):
        joints[:, JOINT[f"right_{part}"]] = shoulder + np.array([0, height, 0], np.float32)
    return joints


def rows(joints: np.ndarray) -> np.ndarray:
    return motion_to_features(joints, FEATURE_OFFSETS)


def test_the_path_and_the_legs_are_ones_the_arms_the_others() -> None:
    legs = rows(walking(81, turn=90))
    made = compose(legs, rows(raised(101)))
    assert made.shape == (80, 263)
    joints, own = features_to_joints(made), features_to_joints(legs)
    below = [
        JOINT[f"{side}_{part}"] for side in ("left", "right") for part in ("hip", "knee", "ankle")
    ]
    np.testing.assert_allclose(joints[:, [0, *below]], own[:, [0, *below]], atol=1e-3)
    middle = joints[20:60]
    assert (middle[:, JOINT["right_wrist"], 1] > middle[:, JOINT["head"], 1]).all()
    assert (middle[:, JOINT["left_wrist"], 1] < middle[:, JOINT["spine3"], 1]).all()
    np.testing.assert_allclose(bone_lengths(joints), BONE_LENGTHS[1:], atol=1e-3)


def test_the_arms_turn_with_the_body() -> None:
    forward = standing(81)
    for side in ("left", "right"):
        shoulder = forward[:, JOINT[f"{side}_shoulder"]]
        for part, reach in (("elbow", 0.28), ("wrist", 0.52)):
            forward[:, JOINT[f"{side}_{part}"]] = shoulder + np.array([0, 0, reach], np.float32)
    joints = features_to_joints(compose(rows(walking(81, turn=90)), rows(forward)))
    held = joints[-20:, JOINT["left_wrist"]] - joints[-20:, JOINT["left_shoulder"]]
    # Ahead of a body that has turned left is +X.
    assert (held[:10, 0] > 0.4).all()


def test_begins_and_ends_in_the_walkers_arms() -> None:
    legs, arms = rows(walking(81)), rows(raised(81))
    joints = features_to_joints(compose(legs, arms))
    wrist = joints[:, JOINT["right_wrist"], 1]
    assert np.abs(np.diff(wrist)).max() < 0.25
    assert wrist[0] < wrist[20] - 0.3 > wrist[-1] - 0.6


def test_gestures_are_also_done_while_walking() -> None:
    wave = Segment(0, 60, Action("wave", side="right"), core=(10, 50))
    walk = Segment(0, 80, Action("walk_forward", count=4))
    clips = [
        PreparedClip("g", gestures.SOURCE, "train", "plain", rows(raised(61)), (wave,)),
        PreparedClip("w", "toy", "train", "plain", rows(walking(81)), (walk,)),
    ]
    pool = SamplePool(clips, "train")
    drawn = [pool.draw(np.random.default_rng(seed)) for seed in range(120)]
    both = [sample for sample in drawn if sample.at_once]
    assert len(both) > 10
    for sample in both:
        legs, arms = sample.actions
        assert (legs.kind, legs.count, arms.kind) == ("walk_forward", None, "wave")
        joints = features_to_joints(sample.features)
        assert joints[30, JOINT["right_wrist"], 1] > joints[30, JOINT["head"], 1]
        assert joints[-1, 0, 2] - joints[0, 0, 2] > 1
    said = {sample.caption(np.random.default_rng(n)) for n, sample in enumerate(both)}
    assert any(" while " in text for text in said)
    assert any("hand" in text or "wav" in text for text in said)
