"""Motions mirrored, cut and sped up."""

import numpy as np
import pytest
from sample_motions import walking_motion

from shared.motion.changes import Change
from shared.motion.contacts import foot_contacts
from shared.motion.kinematics import solve
from shared.motion.motion import MotionError
from shared.motion.skeleton import JOINT


def test_nothing_changes_without_a_change():
    motion = walking_motion(30)
    assert Change().apply(motion) is motion


@pytest.mark.parametrize("up", ["Y", "Z"])
def test_a_mirrored_motion_is_a_body_and_twice_mirrored_the_same(up):
    motion = walking_motion(30).with_up(up)
    mirrored = Change(mirror=True).apply(motion)
    left, right = JOINT["left_wrist"], JOINT["right_wrist"]
    before, after = motion.with_up("Y").joints, mirrored.with_up("Y").joints
    np.testing.assert_allclose(after[:, left, 0], -before[:, right, 0], atol=1e-6)
    np.testing.assert_allclose(after[:, left, 1:], before[:, right, 1:], atol=1e-6)
    np.testing.assert_array_equal(foot_contacts(mirrored), foot_contacts(motion)[:, [2, 3, 0, 1]])
    assert len(solve(mirrored)) == 30
    again = Change(mirror=True).apply(mirrored)
    np.testing.assert_allclose(again.joints, motion.joints, atol=1e-6)


def test_cuts_leave_the_middle_which_begins_where_the_whole_did():
    motion = walking_motion(60)
    cut = Change(cut_start=1.0, cut_end=0.5).apply(motion)
    assert len(cut) == 60 - 20 - 10
    np.testing.assert_allclose(cut.joints[0, 0, [0, 2]], motion.joints[0, 0, [0, 2]], atol=1e-6)
    np.testing.assert_allclose(cut.joints[..., 1], motion.joints[20:50, :, 1], atol=1e-6)
    with pytest.raises(MotionError, match=r"leaves nothing of 3\.0 s"):
        Change(cut_start=2.0, cut_end=1.0).apply(motion)


def test_a_faster_motion_takes_less_time():
    motion = walking_motion(60)
    fast = Change(speed=2.0).apply(motion)
    assert fast.seconds == pytest.approx(1.5)
    np.testing.assert_allclose(fast.joints, motion.joints)
    assert Change(speed=2.0, cut_start=1.0).played_at(2.0) == 0.5
