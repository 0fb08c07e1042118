"""A body model of the SMPL family, small enough for a test to write it."""

from pathlib import Path

import numpy as np
from sample_motions import walking_motion

from shared.motion.kinematics import solve
from shared.motion.skeleton import JOINT_COUNT, PARENTS

JOINTS = 24


def write_body_model(path: Path, **changes: np.ndarray) -> Path:
    """One small triangle around every joint, which follows that joint alone."""
    offsets = solve(walking_motion(8)).offsets
    rest = np.zeros((JOINTS, 3))
    parents = [*PARENTS, 20, 21]
    for joint, parent in enumerate(parents[1:], start=1):
        rest[joint] = rest[parent] + (offsets[joint] if joint < JOINT_COUNT else (0.1, 0, 0))
    corners = 0.01 * np.array([[1, 0, 0], [-1, 1, 0], [0, -1, 0]])
    arrays = {
        "v_template": (rest[:, None] + corners).reshape(-1, 3),
        "shapedirs": np.ones((3 * JOINTS, 3, 10)),
        "posedirs": np.zeros((3 * JOINTS, 3, 9 * (JOINTS - 1))),
        "J_regressor": np.repeat(np.eye(JOINTS), 3, axis=1) / 3,
        "kintree_table": np.array([parents, list(range(JOINTS))]),
        "weights": np.repeat(np.eye(JOINTS), 3, axis=0),
        "f": np.arange(3 * JOINTS).reshape(-1, 3),
        **changes,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, **arrays)
    return path
