"""The 263-d features against vectors made by the published preparation code."""

from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from backend.motion import features as feat
from backend.motion import rotations_6d as six
from shared.motion import rotations as quat
from shared.motion.skeleton import FEATURE_OFFSETS, JOINT, MIRROR, PARENTS
from tests.backend.datasets.motions import standing

GOLDEN = np.load(Path(__file__).parents[2] / "golden" / "golden_features.npz")
TOLERANCE = {"rtol": 1e-4, "atol": 1e-4}


def check(actual: np.ndarray, name: str) -> None:
    np.testing.assert_allclose(actual, GOLDEN[name], **TOLERANCE, err_msg=name)


def test_skeleton_normalisation() -> None:
    for convention in get_args(feat.Convention):
        made = feat.uniform_skeleton(GOLDEN["synth_joints"], GOLDEN["tgt_offsets"], convention)
        check(made, "synth_uniform")


def test_features_of_raw_motion() -> None:
    rows = feat.motion_to_features(
        GOLDEN["synth_joints"], GOLDEN["tgt_offsets"], convention="files"
    )
    check(rows, "synth_data")


def test_placement() -> None:
    check(feat.normalise_placement(GOLDEN["synth_uniform"], convention="files"), "synth_global")


def test_extraction_and_its_parts() -> None:
    rows = feat.extract_features(GOLDEN["synth_global"], convention="files")
    check(rows, "synth_extract")
    check(rows[:, 1:3], "synth_lvel")
    local = rows[:, 4:67].reshape(-1, 21, 3)
    np.testing.assert_allclose(local, GOLDEN["synth_local"][:-1, 1:], **TOLERANCE)


@pytest.mark.parametrize(("smooth", "name"), [(False, "synth_ik_raw"), (True, "synth_ik_smooth")])
def test_inverse_kinematics(smooth: bool, name: str) -> None:
    joints = GOLDEN["synth_global"]
    root = feat.published_facing(joints, smooth)
    for convention in get_args(feat.Convention):
        check(feat.inverse_kinematics(joints, root, convention), name)


def test_forward_kinematics() -> None:
    root = GOLDEN["synth_global"][:, 0]
    check(feat.forward_kinematics(GOLDEN["synth_ik_raw"], root, GOLDEN["tgt_offsets"]), "synth_fk")


def test_recovery_of_the_root() -> None:
    facing, position = feat.recover_root(GOLDEN["synth_data"])
    check(facing, "synth_root_quat")
    check(position, "synth_root_pos")


def test_recovery_of_joints() -> None:
    rows = GOLDEN["synth_data"]
    check(feat.features_to_joints(rows), "synth_ric")
    check(feat.features_to_joints(np.stack([rows[5:25]] * 2)), "synth_ric_batch")
    check(feat.features_to_joints_by_rotation(rows, GOLDEN["tgt_offsets"]), "synth_rot")


def test_round_trip_is_below_a_millimetre() -> None:
    placed = feat.normalise_placement(GOLDEN["synth_uniform"])
    again = feat.features_to_joints(feat.extract_features(placed))
    assert np.sqrt(np.square(again - placed[:-1]).sum(axis=-1).mean()) < 1e-3


def test_mirroring() -> None:
    joints = GOLDEN["synth_joints"][:5]
    check(joints[:, list(MIRROR)] * np.array([-1, 1, 1], dtype=np.float32), "synth_mirror")


def test_statistics() -> None:
    mean, std = feat.feature_statistics(GOLDEN["toy_data"])
    check(mean, "toy_mean")
    check(std, "toy_std")
    check(feat.emphasised_std(std), "toy_std_featbias5")


def test_quaternions() -> None:
    q, r = GOLDEN["quat_in_q"], GOLDEN["quat_in_r"]
    v, w = GOLDEN["quat_in_v"], GOLDEN["quat_in_v2"]
    check(quat.conjugate(q), "quat_qinv")
    check(quat.multiply(q, r), "quat_qmul")
    check(quat.rotate(q, v), "quat_qrot")
    check(six.between(v, w), "quat_between")
    check(quat.to_matrix(q), "quat_mat")
    check(six.to_6d(q), "quat_cont6d")
    check(six.matrix_from_6d(GOLDEN["cont6d_in"]), "cont6d_mat")
    check(quat.continuous(np.concatenate([q, -q, q[::-1]])), "quat_qfix")


@pytest.mark.parametrize("order", ["xyz", "zyx", "yzx"])
def test_matrices_as_angles(order: str) -> None:
    turned = Rotation.from_matrix(quat.to_matrix(GOLDEN["quat_in_q"].reshape(-1, 4)))
    angles = turned.as_euler(order.upper(), degrees=True)
    check(angles[:, [order.index(axis) for axis in "xyz"]], f"quat_euler_{order}")


def test_the_skeleton_is_the_published_one() -> None:
    np.testing.assert_array_equal(PARENTS, GOLDEN["parents"])


def test_a_body_that_faces_straight_back_is_turned_round() -> None:
    joints = standing(30)
    joints[15:] *= np.array([-1, 1, -1], dtype=np.float32)
    for motion in (joints, joints[::-1]):
        assert np.isfinite(feat.motion_to_features(motion, FEATURE_OFFSETS)).all()


def test_opposite_vectors_have_no_smallest_rotation() -> None:
    z = np.array([0, 0, 1], np.float32)
    result = six.between(np.stack([z, z]), np.stack([z, -z]))
    np.testing.assert_allclose(result, GOLDEN["quat_between_special"][:2], **TOLERANCE)


def rolled(angles: np.ndarray) -> np.ndarray:
    """A standing body turned about Y by angles (T,) in radians, left positive."""
    joints = standing(len(angles))
    cos, sin = np.cos(angles)[:, None], np.sin(angles)[:, None]
    x, z = joints[..., 0].copy(), joints[..., 2].copy()
    joints[..., 0], joints[..., 2] = cos * x + sin * z, cos * z - sin * x
    return joints


def test_the_first_row_turns_no_more_than_the_others() -> None:
    # A quick look to the side at the start: the smoothed heading is elsewhere soon.
    angles = np.concatenate([np.zeros(3), np.full(97, 2.5)])
    old, new = (
        np.abs(feat.motion_to_features(rolled(angles), FEATURE_OFFSETS, convention)[:20, 0])
        for convention in ("humanml3d", "placid")
    )
    assert old[0] > 5 * old[1:].max()
    assert new[0] < 1.5 * new[1:].max()


def test_a_fast_spin_is_one_steady_turn() -> None:
    spin = rolled(np.linspace(0, 8 * np.pi, 80))  # four turns in four seconds
    rows = feat.motion_to_features(spin, FEATURE_OFFSETS)
    steps = -2 * rows[:, 0]  # half angles, negative to the left
    np.testing.assert_allclose(steps, 8 * np.pi / 79, atol=1e-3)
    again = feat.features_to_joints(rows)
    placed = feat.normalise_placement(feat.uniform_skeleton(spin, FEATURE_OFFSETS))
    np.testing.assert_allclose(again, placed[:-1], atol=1e-3)


def test_a_body_on_its_side_keeps_the_facing_it_had() -> None:
    joints = standing(60)
    lying = joints[20:40] - joints[20:40, :1]
    joints[20:40] = lying[..., [1, 0, 2]] * np.array([1, -1, 1], np.float32)  # head to the left
    facing = feat.body_facing(joints)
    np.testing.assert_allclose(facing, np.broadcast_to([1, 0, 0, 0], facing.shape), atol=1e-4)


def test_a_bone_opposite_to_rest_is_turned_round() -> None:
    joints = standing(30)
    foot, ankle = JOINT["left_foot"], JOINT["left_ankle"]
    length = np.linalg.norm(joints[0, foot] - joints[0, ankle])
    joints[:, foot] = joints[:, ankle] - np.array([0, 0, length], np.float32)
    assert not np.isfinite(feat.motion_to_features(joints, FEATURE_OFFSETS, "humanml3d")).all()
    rows = feat.motion_to_features(joints, FEATURE_OFFSETS)
    assert np.isfinite(rows).all()
    by_turning = feat.features_to_joints_by_rotation(rows, FEATURE_OFFSETS)
    np.testing.assert_allclose(by_turning, feat.features_to_joints(rows), atol=1e-4)


def test_a_hand_below_the_floor_does_not_lift_the_body() -> None:
    joints = standing(60)
    joints[30:34, JOINT["left_wrist"], 1] = -0.2
    assert feat.floor_height(joints) == pytest.approx(joints[0, JOINT["left_foot"], 1])
    assert feat.floor_height(joints, "humanml3d") == pytest.approx(-0.2)
    placed = feat.normalise_placement(joints)
    assert placed[..., 1].min() == 0
    assert placed[0, JOINT["left_foot"], 1] == pytest.approx(0, abs=1e-6)
    assert (placed[31, JOINT["left_wrist"], 1]) == 0


def test_where_no_toe_rests_the_usual_lowest_joint_is_the_floor() -> None:
    joints = standing(60)
    for frame in range(60):  # toes that never stop
        joints[frame, [10, 11], 1] += 0.3 + 0.1 * (frame % 2)
    joints[10, JOINT["left_wrist"], 1] = -0.5
    assert feat.floor_height(joints) == pytest.approx(joints[0, JOINT["left_ankle"], 1])
