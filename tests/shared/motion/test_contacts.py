"""Which feet stand, from positions and from contacts that know speeds alone."""

from dataclasses import replace

import numpy as np
from sample_motions import walking_motion

from shared.motion.contacts import foot_contacts, standing_feet
from shared.motion.motion import Motion
from shared.motion.skeleton import JOINT

LEFT = [JOINT["left_ankle"], JOINT["left_foot"]]


def still_motion(frames: int = 30) -> Motion:
    return Motion(np.repeat(walking_motion().joints[:1], frames, axis=0))


def test_contacts_are_where_a_foot_stands() -> None:
    motion = still_motion()
    motion.joints[10:20, LEFT, 1] += 0.2
    contacts = foot_contacts(motion)
    assert contacts[:8].all()
    assert not contacts[11:19, :2].any()
    assert contacts[:, 2:].all()


def test_a_foot_that_is_held_up_all_the_time_does_not_stand() -> None:
    motion = still_motion()
    motion.joints[:, LEFT, 1] += 0.3
    told = replace(motion, contacts=np.ones((30, 4), dtype=bool))
    for contacts in (foot_contacts(motion), standing_feet(motion), standing_feet(told)):
        assert not contacts[:, :2].any()
        assert contacts[:, 2:].all()


def test_a_heel_that_rises_still_carries_when_the_motion_says_so() -> None:
    motion = still_motion()
    motion.joints[:, LEFT[0], 1] += 0.07
    told = replace(motion, contacts=np.ones((30, 4), dtype=bool))
    assert standing_feet(told).all()


def test_a_foot_at_the_top_of_a_jump_does_not_stand() -> None:
    """It is still there for a moment, and no higher than a heel that rises."""
    motion = still_motion()
    motion.joints[12:18, :, 1] += 0.08
    told = replace(motion, contacts=np.ones((30, 4), dtype=bool))
    standing = standing_feet(told)
    assert standing[:12].all()
    assert not standing[12:18].any()
