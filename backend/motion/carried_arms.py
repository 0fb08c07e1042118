"""Arms of somebody who stands before and after travelling: held as they are held on the way.

What a model makes of standing may hold the arms anywhere; the mean of the way is what the body does
with them in this manner of going.
"""

from typing import Final

import numpy as np

from shared.motion import rotations as quat
from shared.motion.filters import gaussian_filter1d
from shared.motion.kinematics import Pose, forward_kinematics, solve
from shared.motion.motion import Motion
from shared.motion.skeleton import JOINT

_ARMS: Final = [
    JOINT[f"{side}_{name}"]
    for side in ("left", "right")
    for name in ("collar", "shoulder", "elbow", "wrist")
]
# Frames, at 20 a second: how far into the way arms are led over, and how smoothly.
_REACH: Final = 6
_EASE: Final = 4.0
# How much of its own movement a standing body's arms keep.
_OWN: Final = 0.15


def carry_arms(joints: np.ndarray, going: np.ndarray, free: np.ndarray) -> np.ndarray:
    """Joints (T, 22, 3), Y up, with the arms of frames that do not go held as in those that do.

    Args:
        going: bool (T,), in which frames the body travels.
        free: bool (T,), in which frames arms do what they do: those of other acts.
    """
    window = np.ones(2 * _REACH + 1)
    standing = np.convolve(~going, window, mode="same") > 0.5
    way = ~standing & ~free
    if not way.any():
        return joints
    pose = solve(Motion(joints.astype(np.float32), contacts=np.zeros((len(joints), 4), bool)))
    arms = quat.continuous(pose.rotations[:, _ARMS])
    mean = quat.normalise(arms[way].mean(axis=0))
    share = (standing & ~free).astype(float)
    share = gaussian_filter1d(share, _EASE, mode="nearest") * (1.0 - _OWN)
    turned = pose.rotations.copy()
    turned[:, _ARMS] = quat.slerp(arms, np.broadcast_to(mean, arms.shape), share[:, None])
    before = forward_kinematics(pose)
    after = forward_kinematics(Pose(turned, pose.root, pose.offsets))
    carried = joints.astype(np.float64)
    # What rotations of rigid bones do not show of a pose stays.
    carried[:, _ARMS] += after[:, _ARMS] - before[:, _ARMS]
    return carried.astype(np.float32)
