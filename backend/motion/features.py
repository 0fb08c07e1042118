"""The 263-d motion features of HumanML3D and their way back to joints (Guo et al. 2022, sec. 4).

Layout of a row: 0 root yaw velocity (half angle, radians per frame), 1:3 root velocity on the
floor, 3 root height, 4:67 local positions of joints 1..21, 67:193 their 6-d rotations,
193:259 velocities of all 22 joints, 259:263 contacts (left ankle, left foot, right ankle,
right foot). Lengths are metres, velocities metres per frame, Y is up.
"""

from itertools import pairwise
from typing import Final, Literal

import numpy as np

from backend.motion.rotations_6d import between as published_between
from backend.motion.rotations_6d import matrix_from_6d, to_6d, unit
from shared.motion import rotations as quat
from shared.motion.filters import gaussian_filter1d
from shared.motion.skeleton import BONE_SUMS, CHAINS, JOINT_COUNT, PARENTS, RAW_OFFSETS

# How joints become features. `files`: as in HumanML3D's own files, oddities included. `humanml3d`:
# the same, but a facing that goes through straight back keeps its sign, so that turning motions
# come back unchanged; for models that were trained on such files. `placid`: with the facing of
# `body_facing` and the floor of slow toes, see `floor_height`.
Convention = Literal["files", "humanml3d", "placid"]

FEATURES: Final = 263
ROTATIONS: Final = slice(67, 193)
CONTACTS: Final = slice(259, 263)
GROUP_EDGES: Final = (0, 1, 3, 4, 67, 193, 259, 263)
CONTACT_THRESHOLD: Final = 0.002  # squared metres per frame
FEET: Final = (7, 10, 8, 11)
STANDS: Final = 0.5  # a contact feature over this says that the foot stands

_RIGHT_HIP, _LEFT_HIP, _RIGHT_SHOULDER, _LEFT_SHOULDER = 2, 1, 17, 16
_TOES = (10, 11)
_FACING_SMOOTHING = 20  # frames
# A body whose hips and shoulders span less than this share of their usual width on the floor (lying
# on a side, upside down) says too little of where it faces.
_LEAST_SPAN = 0.4
_SLOW_TOE = 0.015  # metres a frame, 0.3 m/s
_FEWEST_SLOW = 8
_LOWEST_TOES = 5  # per cent
_UP = np.array([0, 1, 0], dtype=np.float32)
_FORWARD = np.array([0, 0, 1], dtype=np.float32)


def bone_offsets(joints: np.ndarray) -> np.ndarray:
    """Rest-pose offsets (22, 3): raw bone directions with the bone lengths of one pose (22, 3)."""
    lengths = np.zeros(JOINT_COUNT, dtype=np.float32)
    lengths[1:] = np.linalg.norm(joints[1:] - joints[list(PARENTS[1:])], axis=-1)
    return RAW_OFFSETS * lengths[:, None]


def turn_to_front(forward: np.ndarray) -> np.ndarray:
    """Quaternions (..., 4) about Y that turn facing directions (..., 3) on the floor to +Z."""
    turn = published_between(forward, np.broadcast_to(_FORWARD, forward.shape))
    # From straight back, of which the published code makes NaN, both ways round are as good.
    back = forward[..., 2:] == -1
    return np.where(back, np.array([0, 0, 1, 0], dtype=turn.dtype), turn)


def body_facing(joints: np.ndarray) -> np.ndarray:
    """Quaternions float32 (T, 4) about Y that turn the body of joints (T, 22, 3) to +Z.

    The heading of hips and shoulders is smoothed over a second as an angle. HumanML3D smooths its
    vector, which vanishes in a fast spin, and so flips about when it is meant to be steady. Frames
    in which hips and shoulders lie too much above each other to face anywhere are passed over. The
    smoothed heading begins and ends with the true one, as if the turn had gone on beyond.
    """
    across = (joints[:, _LEFT_HIP] - joints[:, _RIGHT_HIP]) + (
        joints[:, _LEFT_SHOULDER] - joints[:, _RIGHT_SHOULDER]
    )
    span = np.linalg.norm(across[:, [0, 2]], axis=-1)
    usual = float(np.median(np.linalg.norm(across, axis=-1)))
    sure = np.flatnonzero(span > _LEAST_SPAN * usual)
    if not sure.size:
        sure = np.array([int(span.argmax())])
    angles = np.unwrap(np.arctan2(-across[sure, 2], across[sure, 0]))
    heading = np.interp(np.arange(len(joints)), sure, angles)
    reach = 4 * _FACING_SMOOTHING
    longer = np.pad(heading, reach, mode="reflect", reflect_type="odd")
    half = gaussian_filter1d(longer, _FACING_SMOOTHING)[reach : reach + len(joints)] / 2
    zero = np.zeros_like(half)
    return np.stack([np.cos(half), zero, -np.sin(half), zero], axis=-1).astype(np.float32)


def published_facing(joints: np.ndarray, smooth: bool) -> np.ndarray:
    """Quaternions (T, 4) as in HumanML3D's own preparation, oddities included.

    The hip vector enters the facing direction with the sign opposite to `initial_facing`, and
    frame 0 is the identity: both are kept because published models were trained on them.
    """
    across = (joints[:, _LEFT_HIP] - joints[:, _RIGHT_HIP]) + (
        joints[:, _RIGHT_SHOULDER] - joints[:, _LEFT_SHOULDER]
    )
    forward = np.cross(_UP, unit(across))
    if smooth:
        forward = gaussian_filter1d(forward, 20, axis=0, mode="nearest")
    root = turn_to_front(unit(forward))
    root[0] = (1, 0, 0, 0)
    return root


def inverse_kinematics(
    joints: np.ndarray, root: np.ndarray, convention: Convention = "placid"
) -> np.ndarray:
    """Local quaternions float32 (T, 22, 4) of positions (T, 22, 3), in HumanML3D's convention.

    Args:
        root: facing (T, 4) that the rotations of the pelvis are.
        convention: with `placid` a bone that points opposite to its rest direction is turned half
            round about one of the axes that do, otherwise it becomes NaN as in the published code.
    """
    turn_between = quat.between if convention == "placid" else published_between
    result = np.zeros((*joints.shape[:2], 4), dtype=np.float32)
    result[:, 0] = root
    for chain in CHAINS:
        turned = root
        for parent, joint in pairwise(chain):
            bone = unit(joints[:, joint] - joints[:, parent])
            swing = turn_between(np.broadcast_to(RAW_OFFSETS[joint], bone.shape), bone)
            result[:, joint] = quat.multiply(quat.conjugate(turned), swing)
            turned = quat.multiply(turned, result[:, joint])
    return result


def forward_kinematics(rotations: np.ndarray, root: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """Joints (T, 22, 3) of HumanML3D rotations (T, 22, 4), root (T, 3) and offsets (22, 3)."""
    joints = np.zeros((*rotations.shape[:2], 3), dtype=np.float32)
    joints[:, 0] = root
    for chain in CHAINS:
        turned = rotations[:, 0]
        for parent, joint in pairwise(chain):
            turned = quat.multiply(turned, rotations[:, joint])
            offset = np.broadcast_to(offsets[joint], root.shape)
            joints[:, joint] = quat.rotate(turned, offset) + joints[:, parent]
    return joints


def uniform_skeleton(
    joints: np.ndarray, target_offsets: np.ndarray, convention: Convention = "placid"
) -> np.ndarray:
    """The motion (T, 22, 3) on a skeleton with `target_offsets` (22, 3).

    The root path is scaled by the ratio of the leg lengths (spec of HumanML3D's preparation).
    """
    joints = joints.astype(np.float32)
    source = bone_offsets(joints[0])

    def leg(offsets: np.ndarray) -> float:
        return float(np.abs(offsets[5]).max() + np.abs(offsets[8]).max())

    scale = leg(target_offsets) / leg(source)
    own = convention == "placid"
    root = body_facing(joints) if own else published_facing(joints, smooth=False)
    rotations = inverse_kinematics(joints, root, convention)
    return forward_kinematics(rotations, joints[:, 0] * np.float32(scale), target_offsets)


def initial_facing(joints: np.ndarray) -> np.ndarray:
    """Quaternion (4,) that turns the first frame's facing direction to +Z."""
    pose = joints[0]
    across = (pose[_RIGHT_HIP] - pose[_LEFT_HIP]) + (pose[_RIGHT_SHOULDER] - pose[_LEFT_SHOULDER])
    forward = unit(np.cross(_UP, unit(across)))
    return turn_to_front(forward)


def floor_height(joints: np.ndarray, convention: Convention = "placid") -> float:
    """Height of the floor (metres) under joints (T, 22, 3), Y up: where slow toes come to rest.

    A hand or a knee that the recording lets sink in must not lift a whole motion off the ground,
    as the lowest joint of any frame, the published floor, does. Where the toes stay up (lying,
    floating) the joint that is lowest in half of the frames tells.
    """
    if convention != "placid":
        return float(joints[..., 1].min())
    toes = joints[:, list(_TOES)]
    step = np.linalg.norm(np.diff(toes, axis=0), axis=-1)
    resting = toes[:-1, :, 1][step < _SLOW_TOE]
    lowest = float(np.median(joints[..., 1].min(axis=1)))
    if resting.size < _FEWEST_SLOW:
        return float(joints[..., 1].min()) if len(joints) <= _FEWEST_SLOW else lowest
    return min(lowest, float(np.percentile(resting, _LOWEST_TOES)))


def normalise_placement(joints: np.ndarray, convention: Convention = "placid") -> np.ndarray:
    """Floor at 0, first root over the origin, first frame facing +Z; (T, 22, 3) to (T, 22, 3).

    With `placid` what lies below the floor is put on it.
    """
    placed = joints - np.float32(floor_height(joints, convention)) * _UP
    if convention == "placid":
        placed = np.maximum(placed, np.where(_UP > 0, 0, -np.inf).astype(np.float32))
    placed = placed - placed[0, 0] * np.array([1, 0, 1], dtype=np.float32)
    first = body_facing(placed)[0] if convention == "placid" else initial_facing(placed)
    turn = np.broadcast_to(first, (*placed.shape[:2], 4))
    return quat.rotate(turn, placed).astype(np.float32)


def foot_contacts(joints: np.ndarray, threshold: float = CONTACT_THRESHOLD) -> np.ndarray:
    """Contacts (T-1, 4): a foot joint that moves less than sqrt(threshold) metres in a frame."""
    feet = joints[:, list(FEET)]
    return (np.square(feet[1:] - feet[:-1]).sum(axis=-1) < threshold).astype(np.float32)


def extract_features(joints: np.ndarray, convention: Convention = "placid") -> np.ndarray:
    """Features (T-1, 263) of joints (T, 22, 3) that are already placed and proportioned.

    With `files` the yaw velocity has the wrong sign in the frame in which the body faces straight
    back to the first frame's side: the facing quaternion changes its sign there. Unless with
    `placid`, row 0 turns from the first frame's facing to where the smoothed one is.
    """
    if convention == "placid":
        facing = body_facing(joints)
    else:
        facing = published_facing(joints, smooth=True)
    if convention == "humanml3d":
        facing = quat.continuous(facing)
    rotations = inverse_kinematics(joints, facing, convention)
    per_joint = np.broadcast_to(facing[:, None], (*joints.shape[:2], 4))
    local = joints - joints[:, :1] * np.array([1, 0, 1], dtype=np.float32)
    local = quat.rotate(per_joint, local)
    root_step = quat.rotate(facing[1:], joints[1:, 0] - joints[:-1, 0])
    yaw_step = quat.multiply(facing[1:], quat.conjugate(facing[:-1]))
    joint_step = quat.rotate(per_joint[:-1], joints[1:] - joints[:-1])
    frames = joints.shape[0] - 1
    return np.concatenate(
        [
            np.arcsin(np.clip(yaw_step[:, 2:3], -1, 1)),
            root_step[:, [0, 2]],
            local[:-1, 0, 1:2],
            local[:-1, 1:].reshape(frames, -1),
            to_6d(rotations[:-1, 1:]).reshape(frames, -1),
            joint_step.reshape(frames, -1),
            foot_contacts(joints),
        ],
        axis=-1,
    ).astype(np.float32)


def motion_to_features(
    joints: np.ndarray, target_offsets: np.ndarray, convention: Convention = "placid"
) -> np.ndarray:
    """Features (T-1, 263) of raw joints (T, 22, 3): proportions, placement, then extraction."""
    uniform = uniform_skeleton(joints, target_offsets, convention)
    return extract_features(normalise_placement(uniform, convention), convention)


def recover_root(features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Root facing (..., T, 4) and position (..., T, 3) of features (..., T, 263)."""
    angle = np.zeros(features.shape[:-1], dtype=features.dtype)
    angle[..., 1:] = np.cumsum(features[..., :-1, 0], axis=-1)
    facing = np.zeros((*angle.shape, 4), dtype=features.dtype)
    facing[..., 0], facing[..., 2] = np.cos(angle), np.sin(angle)
    step = np.zeros((*angle.shape, 3), dtype=features.dtype)
    step[..., 1:, 0], step[..., 1:, 2] = features[..., :-1, 1], features[..., :-1, 2]
    position = np.cumsum(quat.rotate(quat.conjugate(facing), step), axis=-2)
    position[..., 1] = features[..., 3]
    return facing, position


def features_to_joints(features: np.ndarray) -> np.ndarray:
    """Joints (..., T, 22, 3) from the local positions in features (..., T, 263)."""
    facing, position = recover_root(features)
    local = features[..., 4:67].reshape(*features.shape[:-1], JOINT_COUNT - 1, 3)
    turn = np.broadcast_to(quat.conjugate(facing)[..., None, :], (*local.shape[:-1], 4))
    body = quat.rotate(turn, local)
    body = body + position[..., None, :] * np.array([1, 0, 1], dtype=features.dtype)
    return np.concatenate([position[..., None, :], body], axis=-2)


def features_to_joints_by_rotation(features: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """Joints (T, 22, 3) from the 6-d rotations in features (T, 263) on a skeleton (22, 3)."""
    facing, position = recover_root(features)
    six = features[:, ROTATIONS].reshape(-1, JOINT_COUNT - 1, 6)
    root = quat.to_matrix(facing)[:, None]
    matrices = np.concatenate([root, matrix_from_6d(six)], axis=1)
    joints = np.zeros((len(features), JOINT_COUNT, 3), dtype=features.dtype)
    joints[:, 0] = position
    for chain in CHAINS:
        turned = matrices[:, 0]
        for parent, joint in pairwise(chain):
            turned = turned @ matrices[:, joint]
            joints[:, joint] = turned @ offsets[joint] + joints[:, parent]
    return joints


def feature_statistics(features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and std (263,) of rows (N, 263); the std is averaged inside the seven groups."""
    return features.mean(axis=0), averaged_in_groups(features.std(axis=0))


def averaged_in_groups(std: np.ndarray) -> np.ndarray:
    """The std (263,) with every value replaced by the mean of its group, of which there are 7."""
    result = std.copy()
    for start, end in pairwise(GROUP_EDGES):
        result[start:end] = std[start:end].mean()
    return result


def emphasised_std(std: np.ndarray, bias: float = 5.0) -> np.ndarray:
    """Training std (263,): root and contact features weigh `bias` times more (MoMask, VQ)."""
    result = std.copy()
    result[:4] /= bias
    result[CONTACTS] /= bias
    return result


def with_constant_bones(joints: np.ndarray) -> np.ndarray:
    """Joints (T, 22, 3) with the same root and bone directions, every bone at its median length.

    A network places every joint on its own, so its limbs stretch and shrink a little.
    """
    return with_bone_lengths(joints, bone_lengths(joints))


def bone_lengths(joints: np.ndarray) -> np.ndarray:
    """Median length (21) over the frames of the bone to each joint (T, 22, 3) but the root."""
    return np.median(np.linalg.norm(_bones(joints), axis=-1), axis=0)


def with_bone_lengths(joints: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Joints (T, 22, 3) with the same root and bone directions and these bone lengths (21)."""
    bones = _bones(joints)
    size = np.maximum(np.linalg.norm(bones, axis=-1, keepdims=True), 1e-6)
    bones = bones / size * lengths[:, None]
    return (joints[:, :1] + BONE_SUMS @ bones).astype(joints.dtype)


def _bones(joints: np.ndarray) -> np.ndarray:
    """Vectors (T, 21, 3) from each joint's parent to it."""
    return joints[:, 1:] - joints[:, list(PARENTS[1:])]
