"""Several actions in one motion: feature rows put end to end with blended transitions."""

from collections.abc import Sequence

import numpy as np

from backend.motion import features as feat
from backend.motion.rotations_6d import matrix_from_6d
from shared.motion import rotations as quat
from shared.motion.skeleton import FEATURE_OFFSETS, JOINT_COUNT

SHORTEST, LONGEST = 4, 14
_HEIGHT = 3
_LOCAL = slice(4, 67)
_VELOCITIES = slice(193, 259)


def transition_length(before: np.ndarray, after: np.ndarray) -> int:
    """Frames to blend over between two rows (263,): more the further apart the poses are.

    A single limb far from where it was needs its time as well.
    """
    distance = np.linalg.norm((before - after)[_LOCAL].reshape(-1, 3), axis=-1)
    frames = max(40 * distance.mean(), 12 * distance.max())
    return int(np.clip(round(frames), SHORTEST, LONGEST))


def _blend(before: np.ndarray, after: np.ndarray, count: int) -> np.ndarray:
    """`count` rows between two rows; bones turn from one pose to the other and keep their length.

    The positions cannot come from the rotations beside them: those of HumanML3D depend on where
    the body faces since the start of its clip, which differs between the parts.
    """
    share = (np.arange(1, count + 1) / (count + 1))[:, None]
    share = share * share * (3 - 2 * share)  # starts and ends at rest
    rows = (before * (1 - share) + after * share).astype(np.float32)
    matrices = matrix_from_6d(rows[:, feat.ROTATIONS].reshape(count, JOINT_COUNT - 1, 6))
    six = np.concatenate([matrices[..., 0], matrices[..., 1]], axis=-1)
    rows[:, feat.ROTATIONS] = six.reshape(count, -1)
    pose = np.zeros((count, JOINT_COUNT, 3), dtype=np.float32)
    pose[:, 0, 1] = rows[:, _HEIGHT]
    pose[:, 1:] = rows[:, _LOCAL].reshape(count, JOINT_COUNT - 1, 3)
    pose = feat.with_bone_lengths(pose, np.linalg.norm(FEATURE_OFFSETS[1:], axis=-1))
    rows[:, _LOCAL] = pose[:, 1:].reshape(count, -1)
    return rows


def _repair(rows: np.ndarray, spans: Sequence[tuple[int, int]]) -> np.ndarray:
    """Joint velocities and contacts that agree with the positions, inside the given spans."""
    facing, _ = feat.recover_root(rows)
    joints = feat.features_to_joints(rows)
    contacts = feat.foot_contacts(joints)
    turn = np.broadcast_to(facing[:-1, None], (len(rows) - 1, JOINT_COUNT, 4))
    velocities = quat.rotate(turn, joints[1:] - joints[:-1]).reshape(len(rows) - 1, -1)
    for start, end in spans:
        start, end = max(0, start - 1), min(end, len(rows) - 1)
        rows[start:end, _VELOCITIES] = velocities[start:end]
        rows[start:end, feat.CONTACTS] = contacts[start:end]
    return rows


def join(parts: Sequence[np.ndarray]) -> np.ndarray:
    """One motion (T, 263) from the features (t, 263) of its parts, in order.

    Feature rows are relative to the facing direction, so each part goes on where and how the part
    before it ended.
    """
    rows = [np.asarray(parts[0])]
    spans = []
    length = len(parts[0])
    for part in parts[1:]:
        count = transition_length(rows[-1][-1], part[0])
        rows += [_blend(rows[-1][-1], part[0], count), np.asarray(part)]
        spans.append((length, length + count))
        length += count + len(part)
    joined = np.concatenate(rows).astype(np.float32)
    return _repair(joined, spans) if spans else joined
