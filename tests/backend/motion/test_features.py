"""The 263-d features against vectors made by the published preparation code."""

from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from backend.motion import features as feat
from backend.motion import rotations_6d as six
from shared.motion import rotations as quat
from shared.motion.skeleton import FEATURE_OFFSETS, MIRROR, PARENTS
from tests.backend.datasets.motions import standing

GOLDEN = np.load(Path(__file__).parents[2] / "golden" / "golden_features.npz")
TOLERANCE = {"rtol": 1e-4, "atol": 1e-4}


def check(actual: np.ndarray, name: str) -> None:
    np.testing.assert_allclose(actual, GOLDEN[name], **TOLERANCE, err_msg=name)


def test_skeleton_normalisation() -> None:
    for published in (True, False):
        made = feat.uniform_skeleton(GOLDEN["synth_joints"], GOLDEN["tgt_offsets"], published)
        check(made, "synth_uniform")


def test_features_of_raw_motion() -> None:
    rows = feat.motion_to_features(GOLDEN["synth_joints"], GOLDEN["tgt_offsets"], published=True)
    check(rows, "synth_data")


def test_placement() -> None:
    check(feat.normalise_placement(GOLDEN["synth_uniform"], published=True), "synth_global")


def test_extraction_and_its_parts() -> None:
    rows = feat.extract_features(GOLDEN["synth_global"], published=True)
    check(rows, "synth_extract")
    check(rows[:, 1:3], "synth_lvel")
    local = rows[:, 4:67].reshape(-1, 21, 3)
    np.testing.assert_allclose(local, GOLDEN["synth_local"][:-1, 1:], **TOLERANCE)


@pytest.mark.parametrize(("smooth", "name"), [(False, "synth_ik_raw"), (True, "synth_ik_smooth")])
def test_inverse_kinematics(smooth: bool, name: str) -> None:
    joints = GOLDEN["synth_global"]
    root = feat.published_facing(joints, smooth)
    for published in (True, False):
        check(feat.inverse_kinematics(joints, root, published), name)


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
