"""Motions as SMPL-X parameters, in the file layout of the AMASS data set (Z up, axis-angle).

Keys and shapes follow AMASS's SMPL-X release: `poses` holds 55 joints by 3 (root, 21 of the body,
jaw, eyes, 15 of each hand), and the same numbers lie once more in a key a part.
"""

from pathlib import Path
from typing import Final

import numpy as np

from ..files import written_whole
from .kinematics import Pose, solve
from .motion import Motion
from .rotations import (
    IDENTITY,
    between,
    conjugate,
    from_axis_angle,
    from_matrix,
    multiply,
    to_axis_angle,
)
from .skeleton import JOINT_COUNT, PARENTS, REFERENCE_OFFSETS

SMPLX_JOINTS: Final = 55
BETAS: Final = 16
# Where the pelvis of the neutral SMPL-X body rests, in metres: translations are counted from it.
REST_PELVIS: Final = np.array([0.003, -0.351, 0.012])
_Z_UP: Final = from_axis_angle(np.array([1.0, 0.0, 0.0]), np.pi / 2)


def smplx_parameters(
    motion: Motion,
    rest_offsets: np.ndarray = REFERENCE_OFFSETS,
    rest_pelvis: np.ndarray = REST_PELVIS,
) -> dict[str, np.ndarray]:
    """The arrays of an AMASS file for a motion.

    Args:
        motion: with any up axis.
        rest_offsets: (22, 3) each joint from its parent in the body model's rest pose, Y up. With
            those of the model that plays the file, every limb points exactly as the motion's.
        rest_pelvis: (3,) where that model's pelvis rests.

    Returns:
        `poses` (T, 165), `trans` (T, 3), `betas` (16), `gender`, `mocap_frame_rate` and the other
        keys of AMASS; the body's shape is the mean one.
    """
    pose = align_rest(solve(motion), rest_offsets)
    rotations = pose.rotations.copy()
    rotations[:, 0] = multiply(_Z_UP, rotations[:, 0])
    frames = len(pose)
    poses = np.zeros((frames, SMPLX_JOINTS, 3))
    poses[:, :JOINT_COUNT] = to_axis_angle(rotations)
    flat = poses.reshape(frames, -1)
    x, y, z = pose.root.T
    return {
        "gender": np.array("neutral"),
        "surface_model_type": np.array("smplx"),
        "mocap_frame_rate": np.array(motion.fps),
        "mocap_time_length": np.array(frames / motion.fps),
        "trans": np.stack([x, -z, y], axis=-1) - rest_pelvis,
        "poses": flat,
        "betas": np.zeros(BETAS),
        "num_betas": np.array(BETAS),
        "root_orient": flat[:, :3],
        "pose_body": flat[:, 3:66],
        "pose_jaw": flat[:, 66:69],
        "pose_eye": flat[:, 69:75],
        "pose_hand": flat[:, 75:],
    }


def save_amass(parameters: dict[str, np.ndarray], path: Path) -> None:
    """Write parameters as npz, whole or not at all. Raises PlacidError."""
    with written_whole(path) as file:
        np.savez_compressed(file, **parameters)  # type: ignore[arg-type]


def align_rest(pose: Pose, rest_offsets: np.ndarray) -> Pose:
    """The same movement as rotations away from another skeleton's rest pose.

    Bones point as before; their lengths are those of the other skeleton.

    Args:
        rest_offsets: (22, 3) of the other skeleton.
    """
    turned = multiply(pose.global_rotations(), _alignments(rest_offsets, pose.offsets))
    parents = np.array(PARENTS[1:])
    local = turned.copy()
    local[:, 1:] = multiply(conjugate(turned[:, parents]), turned[:, 1:])
    return Pose(local, pose.root, rest_offsets)


def _alignments(theirs: np.ndarray, ours: np.ndarray) -> np.ndarray:
    """For each joint the rotation (22, 4) from their rest directions to our rest directions."""
    aligned = np.tile(IDENTITY, (JOINT_COUNT, 1))
    for joint, parent in enumerate(PARENTS):
        children = [child for child in range(JOINT_COUNT) if PARENTS[child] == joint]
        if len(children) == 1:
            aligned[joint] = between(theirs[children[0]], ours[children[0]])
        elif children:
            # Least squares over the directions of several bones (Kabsch 1976).
            u, _, vt = np.linalg.svd(ours[children].T @ theirs[children])
            u[:, 2] *= np.sign(np.linalg.det(u @ vt))
            aligned[joint] = from_matrix(u @ vt)
        else:
            aligned[joint] = aligned[parent]
    return aligned
