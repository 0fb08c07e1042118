import numpy as np

from backend.datasets.glitches import jumps, mend
from tests.backend.datasets.motions import kicking, walking


def test_a_joint_that_is_elsewhere_for_a_frame_comes_back():
    joints = walking(40)
    broken = joints.copy()
    broken[20, 21] += [0.9, 0, 0]
    broken[30, 5] += [0, 0.7, 0]
    np.testing.assert_allclose(mend(broken), joints, atol=1e-5)


def test_the_ends_go_on_as_the_frames_beside_them_do():
    joints = walking(40)
    for end in (0, -1):
        broken = joints.copy()
        broken[end, 20] += [0, 0.8, 0]
        np.testing.assert_allclose(mend(broken), joints, atol=1e-5)


def test_a_fast_kick_is_no_glitch():
    joints = kicking(60, [30])
    np.testing.assert_array_equal(mend(joints), joints)
    assert not jumps(joints).size


def test_a_joint_that_stays_elsewhere_is_found():
    joints = walking(40)
    joints[25:, [18, 20]] += [0, 0.6, 0]
    np.testing.assert_array_equal(jumps(mend(joints)), [24])


def test_three_frames_are_left_alone():
    joints = walking(3)
    np.testing.assert_array_equal(mend(joints), joints)
    assert not jumps(joints).size
