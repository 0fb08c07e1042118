"""SMPL-X parameter files, played back by kinematics of the test's own."""

from pathlib import Path

import numpy as np
import pytest
from sample_motions import walking_motion
from scipy.spatial.transform import Rotation

from shared.motion.amass import REST_PELVIS, save_amass, smplx_parameters
from shared.motion.kinematics import solve
from shared.motion.skeleton import JOINT_COUNT, PARENTS, REFERENCE_OFFSETS


def _play(poses: np.ndarray, trans: np.ndarray, offsets: np.ndarray, pelvis: np.ndarray):
    """Joints (T, 22, 3) of SMPL-X parameters: each bone turned by its parents' rotations."""
    local = poses.reshape(len(poses), -1, 3)
    joints = np.zeros((len(poses), JOINT_COUNT, 3))
    turned: list[Rotation] = []
    for joint, parent in enumerate(PARENTS):
        own = Rotation.from_rotvec(local[:, joint])
        if parent < 0:
            turned.append(own)
            joints[:, 0] = pelvis + trans
        else:
            turned.append(turned[parent] * own)
            joints[:, joint] = joints[:, parent] + turned[parent].apply(offsets[joint])
    return joints


def _directions(joints: np.ndarray) -> np.ndarray:
    bones = joints[:, 1:] - joints[:, list(PARENTS[1:])]
    return bones / np.linalg.norm(bones, axis=-1, keepdims=True)


def test_the_file_has_the_keys_and_shapes_of_amass(tmp_path: Path) -> None:
    save_amass(smplx_parameters(walking_motion(30)), tmp_path / "walk.npz")
    with np.load(tmp_path / "walk.npz", allow_pickle=False) as file:
        shapes = {name: file[name].shape for name in file}
        assert str(file["gender"]) == "neutral"
        assert float(file["mocap_frame_rate"]) == 20.0
        parts = ("root_orient", "pose_body", "pose_jaw", "pose_eye", "pose_hand")
        whole = np.concatenate([file[part] for part in parts], axis=1)
        np.testing.assert_array_equal(whole, file["poses"])
    assert shapes["poses"] == (30, 165)
    assert shapes["trans"] == (30, 3)
    assert shapes["betas"] == (16,)
    assert list(tmp_path.iterdir()) == [tmp_path / "walk.npz"]


def test_played_back_on_the_motions_own_bones_every_joint_is_where_it_was() -> None:
    motion = walking_motion(40)
    offsets = solve(motion).offsets
    found = smplx_parameters(motion, offsets)
    joints = _play(found["poses"], found["trans"], offsets, REST_PELVIS)
    error = np.linalg.norm(joints - motion.with_up("Z").joints, axis=-1)
    assert error.max() < 0.02
    assert error.mean() < 0.004


def test_another_rest_pose_and_other_lengths_keep_the_directions() -> None:
    motion = walking_motion(40)
    straight = solve(motion).offsets
    # Arms hang by 40 degrees and legs stand apart, as in an A-pose, and all is half as large.
    hanging = straight * 0.5
    for joint, angle in ((18, -0.7), (20, -0.7), (19, 0.7), (21, 0.7), (4, 0.1), (5, -0.1)):
        hanging[joint] = Rotation.from_euler("z", angle).apply(hanging[joint])
    found = smplx_parameters(motion, hanging)
    wanted = smplx_parameters(motion, straight)
    played = _directions(_play(found["poses"], found["trans"], hanging, REST_PELVIS))
    original = _directions(_play(wanted["poses"], wanted["trans"], straight, REST_PELVIS))
    np.testing.assert_allclose(played, original, atol=1e-5)


def test_without_a_model_the_limbs_of_the_reference_body_follow() -> None:
    motion = walking_motion(40)
    found = smplx_parameters(motion)
    joints = _play(found["poses"], found["trans"], REFERENCE_OFFSETS.astype(float), REST_PELVIS)
    limbs = [3, 4, 6, 7, 17, 18, 19, 20]  # rows of knees, ankles, elbows and wrists
    apart = (_directions(joints) * _directions(motion.with_up("Z").joints)).sum(-1)[:, limbs]
    assert np.degrees(np.arccos(np.clip(apart, -1, 1))).max() < 3.0


def test_the_body_stands_upright_with_z_up_and_travels_along_minus_y() -> None:
    found = smplx_parameters(walking_motion(40))
    pelvis = found["trans"] + REST_PELVIS
    assert pelvis[:, 2] == pytest.approx(0.95, abs=0.1)
    assert pelvis[-1, 1] - pelvis[0, 1] == pytest.approx(-2.4, abs=0.01)
