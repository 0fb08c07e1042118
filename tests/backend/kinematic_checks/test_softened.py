"""Softened strikes: strokes described, scored and told apart from clear ones."""

import msgspec
import numpy as np
import pytest

from backend.kinematic_checks.body_signals import BodySignals
from backend.kinematic_checks.detect import strikes
from backend.kinematic_checks.strokes import strokes
from backend.kinematic_checks.thresholds import shipped_thresholds
from backend.training.judge_windows import soften
from shared.motion.kinematics import forward_kinematics
from tests.backend.datasets.motions import kicking, standing, walking
from tests.backend.kinematic_checks.test_checks import fists, whirl
from tests.sample_motions import walking_motion

FRAMES = 80


def boxing() -> np.ndarray:
    joints = forward_kinematics(fists(left=[15, 45], right=[30, 60]))
    joints[..., 1] -= joints[..., 1].min()
    return joints


def test_a_stroke_is_where_the_limb_is_fast():
    stroke, *_ = strokes(BodySignals(kicking(120, [60], "right", lift=85)), "foot")
    assert stroke.side == "right"
    assert abs(stroke.peak - 60) <= 1
    assert stroke.start < 60 < stroke.end
    assert stroke.values["lift"] == pytest.approx(85, abs=3)
    assert stroke.values["forward"] > 0.5


def test_a_body_at_rest_has_no_strokes():
    body = BodySignals(standing(60))
    assert not strokes(body, "foot")
    assert not strokes(body, "hand")


def test_strokes_do_not_depend_on_where_the_body_looks():
    joints = kicking(120, [60], "left", lift=85)
    turned = joints[..., [2, 1, 0]] * [1.0, 1.0, -1.0]
    for one, other in zip(
        strokes(BodySignals(joints), "foot"), strokes(BodySignals(turned), "foot"), strict=True
    ):
        assert one.values == pytest.approx(other.values, abs=1e-3)


def test_strokes_of_a_mirrored_body_are_those_of_the_other_limb():
    from backend.datasets.preparation import mirror_joints

    joints = boxing()
    plain = strokes(BodySignals(joints), "hand")
    mirrored = strokes(BodySignals(mirror_joints(joints)), "hand")
    other = {"left": "right", "right": "left"}
    assert sorted((s.peak, other[s.side]) for s in plain) == sorted(
        (s.peak, s.side) for s in mirrored
    )
    values = {(s.peak, other[s.side]): s.values for s in plain}
    for stroke in mirrored:
        assert stroke.values == pytest.approx(values[stroke.peak, stroke.side], abs=1e-3)


def test_boxing_is_clear_and_slower_and_shorter_blows_are_softened():
    """A boxer made by formula stands stiff, so the limit for moving like one is lowered."""
    shipped = shipped_thresholds()
    score = msgspec.structs.replace(shipped.soft_blow, limit=-1.5)
    mild = msgspec.structs.replace(shipped, soft_blow=score)
    assert "clear" in {strike.tier for strike in strikes(boxing(), thresholds=mild)}
    soft = soften(boxing(), 0.7, 0.8)
    assert {strike.tier for strike in strikes(soft, thresholds=mild)} == {"softened"}


def test_a_fast_limb_that_moves_like_no_strike_is_none():
    """What is fast and far enough for a check counts only with a stroke that is over its limit."""
    shipped = shipped_thresholds()
    never = {
        name: msgspec.structs.replace(getattr(shipped, name), limit=1e9)
        for name in ("soft_kick", "soft_blow", "soft_slash")
    }
    assert not strikes(boxing(), thresholds=msgspec.structs.replace(shipped, **never))


def test_tiers_and_kinds_can_be_asked_for():
    joints = boxing()
    assert strikes(joints, tiers=("clear",))
    assert not strikes(joints, tiers=("softened",))
    assert not strikes(joints, kinds=("kick",))


@pytest.mark.parametrize(
    "joints",
    [
        walking(120),
        walking(120, turn=170),
        walking_motion(120).joints,
        standing(60),
        forward_kinematics(whirl()),
        forward_kinematics(whirl(leg=0.0)),
    ],
    ids=["glide", "about-turn", "walk", "stand", "dance", "arms"],
)
def test_peaceful_bodies_strike_in_neither_tier(joints: np.ndarray):
    assert not strikes(joints)
