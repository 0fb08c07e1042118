"""Motions put end to end: where each goes on, and what is made between them."""

import numpy as np
import pytest

from backend.datasets.joining import LONGEST, SHORTEST, join, transition_length
from backend.motion.features import (
    CONTACTS,
    bone_lengths,
    features_to_joints,
    foot_contacts,
    motion_to_features,
    recover_root,
)
from shared.motion import rotations as quat
from shared.motion.skeleton import FEATURE_OFFSETS, JOINT
from tests.backend.datasets.motions import kicking, standing, walking


def rows_of(joints: np.ndarray) -> np.ndarray:
    return motion_to_features(joints, FEATURE_OFFSETS)


@pytest.fixture(scope="module")
def turned() -> np.ndarray:
    """A walk that turns left by a right angle."""
    return rows_of(walking(41, turn=90))


@pytest.fixture(scope="module")
def straight() -> np.ndarray:
    """A walk straight on."""
    return rows_of(walking(41))


@pytest.fixture(scope="module")
def kicked() -> np.ndarray:
    """A kick, cut in its swing."""
    return rows_of(kicking(41, [20]))[18:]


def test_one_part_stays_what_it_is(turned: np.ndarray) -> None:
    np.testing.assert_array_equal(join([turned]), turned)


def test_transitions_are_longer_the_further_apart_the_poses_are(
    turned: np.ndarray, kicked: np.ndarray
) -> None:
    assert transition_length(turned[-1], turned[-1]) == SHORTEST
    near = transition_length(turned[-1], kicked[0])
    far = kicked[0].copy()
    far[4:67] += 1
    assert SHORTEST < near < transition_length(turned[-1], far) == LONGEST


def test_parts_keep_their_rows_and_transitions_lie_between(
    turned: np.ndarray, kicked: np.ndarray
) -> None:
    before = [part.copy() for part in (turned, kicked)]
    joined = join([turned, kicked, turned])
    first = transition_length(turned[-1], kicked[0])
    second = transition_length(kicked[-1], turned[0])
    assert joined.dtype == np.float32
    assert len(joined) == 2 * len(turned) + len(kicked) + first + second
    # The row in front of a transition tells how its joints move into it: that one is made anew.
    np.testing.assert_array_equal(joined[:39], turned[:39])
    start = len(turned) + first
    end = start + len(kicked)
    np.testing.assert_array_equal(joined[start : end - 1], kicked[:-1])
    np.testing.assert_array_equal(joined[end + second :], turned)
    for part, old in zip((turned, kicked), before, strict=True):
        np.testing.assert_array_equal(part, old)


def test_a_part_goes_on_where_and_how_the_one_before_ended(
    turned: np.ndarray, straight: np.ndarray
) -> None:
    joined = join([turned, straight])
    joints, own = features_to_joints(joined), features_to_joints(straight)
    start = len(joined) - len(straight)
    facing, _ = recover_root(joined)
    back = np.broadcast_to(quat.conjugate(facing[start]), (len(straight), 4))
    wanted = joints[start, 0] + quat.rotate(back, own[:, 0] - own[0, 0])
    np.testing.assert_allclose(joints[start:, 0], wanted, atol=1e-5)
    assert wanted[-1, 0] - wanted[0, 0] > 1  # to the left of +Z is +X
    np.testing.assert_allclose(facing[start], facing[len(turned) - 1], atol=0.05)


@pytest.mark.parametrize("first", ["straight", "turned"])
def test_nothing_jumps_and_no_bone_is_stretched(
    first: str, kicked: np.ndarray, request: pytest.FixtureRequest
) -> None:
    before: np.ndarray = request.getfixturevalue(first)
    joined = join([before, kicked])
    joints = features_to_joints(joined)
    fastest = np.linalg.norm(np.diff(features_to_joints(kicked), axis=0), axis=-1).max()
    assert np.linalg.norm(np.diff(joints, axis=0), axis=-1).max() < 1.1 * fastest
    wanted = np.linalg.norm(FEATURE_OFFSETS[1:], axis=-1)
    start, end = len(before), len(joined) - len(kicked)
    between = joints[start:end]
    np.testing.assert_allclose(bone_lengths(between), wanted, atol=1e-3)
    # From standing to the lifted leg without a detour.
    ankle = joints[start - 1 : end + 1, JOINT["right_ankle"], 1]
    assert (np.diff(ankle) > -0.02).all()


def test_velocities_and_contacts_agree_with_the_places(
    turned: np.ndarray, kicked: np.ndarray
) -> None:
    joined = join([turned, kicked])
    joints = features_to_joints(joined)
    facing, _ = recover_root(joined)
    start = len(turned) - 1
    for frame in range(start, len(turned) + transition_length(turned[-1], kicked[0])):
        step = joints[frame + 1] - joints[frame]
        wanted = quat.rotate(np.broadcast_to(facing[frame], (22, 4)), step)
        np.testing.assert_allclose(joined[frame, 193:259].reshape(22, 3), wanted, atol=1e-5)
    contacts = foot_contacts(joints)
    span = slice(start, len(turned) + 3)
    np.testing.assert_array_equal(joined[span, CONTACTS], contacts[span])


def test_a_body_at_rest_stays_at_rest() -> None:
    still = rows_of(standing(31))
    joints = features_to_joints(join([still, still]))
    assert len(joints) == 60 + SHORTEST
    np.testing.assert_allclose(joints, np.broadcast_to(joints[:1], joints.shape), atol=1e-4)
