"""Rigs as plain arrays, in any rest pose and roll, for tests without Blender."""

from types import SimpleNamespace

import numpy as np

from shared.motion import rotations as rot
from shared.motion.skeleton import JOINT_NAMES, PARENTS, REFERENCE_OFFSETS

X, Y, Z = np.eye(3)


def rest_positions(arm_angle: float = 0.0, elbow: float = 0.0) -> np.ndarray:
    """Rest joints (22, 3) in Blender's axes: Z up, facing -Y; arms lowered by `arm_angle`."""
    joints = np.zeros((22, 3))
    for j, parent in enumerate(PARENTS[1:], start=1):
        offset = REFERENCE_OFFSETS[j].astype(float)
        for side, sign in (("left", 1.0), ("right", -1.0)):
            if JOINT_NAMES[j] in (f"{side}_elbow", f"{side}_wrist"):
                if JOINT_NAMES[j].endswith("wrist"):
                    offset = rot.rotate(rot.from_axis_angle(Y, -sign * elbow), offset)
                offset = rot.rotate(rot.from_axis_angle(Z, -sign * arm_angle), offset)
        joints[j] = joints[parent] + offset
    joints[:, 1] -= joints[:, 1].min()
    return np.stack([joints[:, 0], -joints[:, 2], joints[:, 1]], axis=-1)


def make_rig(rig: SimpleNamespace, joints: np.ndarray, seed: int | None = None, **changes):
    """An armature with one bone per joint; with a seed, bones point and roll anywhere."""
    rest = np.tile(np.eye(4), (22, 1, 1))
    if seed is not None:
        turns = rot.normalise(np.random.RandomState(seed).standard_normal((22, 4)))
        rest[:, :3, :3] = rot.to_matrix(turns)
    rest[:, :3, 3] = joints
    values = {
        "name": "Test",
        "bones": JOINT_NAMES,
        "parents": np.array(PARENTS),
        "rest": rest,
        "tails": joints + 0.05 * rest[:, :3, 1],
        "up": Z,
        "inherits_rotation": np.ones(22, dtype=bool),
        "local_location": np.ones(22, dtype=bool),
        "connected": np.zeros(22, dtype=bool),
    }
    return rig.skeleton_rig.Rig(**(values | changes))


def named_rig(rig: SimpleNamespace, names: dict[str, str], extra: tuple[str, ...] = ()):
    bones = tuple(names.get(joint, f"other{joint}") for joint in JOINT_NAMES)
    joints = rest_positions()
    base = make_rig(rig, joints, bones=bones)
    if not extra:
        return base
    count = len(extra)
    return rig.skeleton_rig.Rig(
        name="Test",
        bones=(*bones, *extra),
        parents=np.concatenate([base.parents, np.zeros(count, dtype=int)]),
        rest=np.concatenate([base.rest, np.tile(base.rest[:1], (count, 1, 1))]),
        tails=np.concatenate([base.tails, np.tile(base.tails[:1], (count, 1))]),
        up=Z,
        inherits_rotation=np.ones(22 + count, dtype=bool),
        local_location=np.ones(22 + count, dtype=bool),
        connected=np.zeros(22 + count, dtype=bool),
    )
