"""Stretches of real recordings that a gesture can be put on: standing or walking, arms hanging."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from backend.datasets.sources import Clip
from backend.motion import features as feat
from backend.motion.lengths import FPS
from shared.motion.filters import minimum_filter1d, uniform_filter1d
from shared.motion.skeleton import FEATURE_OFFSETS, JOINT

_SHORTEST: Final = 40
# Metres: how far a hanging wrist is below the shoulders, and how low both ankles of a standing
# body are; a walk has a foot that high now and then.
_HANGING, _ANKLE = 0.36, 0.16
_STANDING, _WALKING = 0.16, (0.4, 1.7)  # m/s of the pelvis
_UPRIGHT, _TURNING = 0.97, (60.0, 120.0)  # cosine of the trunk to up; degrees per second


@dataclass(frozen=True, eq=False)
class Body:
    """A recording on Placid's skeleton; its frames [start, end) can take gestures."""

    clip: Clip
    joints: np.ndarray
    start: int
    end: int
    walking: bool


def find_bodies(clips: Iterable[Clip]) -> Iterator[Body]:
    """Every stretch of two seconds or more in which somebody stands or walks with hanging arms."""
    for clip in clips:
        if len(clip.joints) < _SHORTEST or not np.isfinite(clip.joints).all():
            continue
        joints = feat.uniform_skeleton(clip.joints, FEATURE_OFFSETS)
        joints = feat.normalise_placement(joints)
        standing, walking = _fitting(joints)
        for fits, walks in ((standing, False), (walking, True)):
            for start, end in _runs(fits):
                if end - start >= _SHORTEST:
                    yield Body(clip, joints, start, end, walks)


def _fitting(joints: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Whether each frame (T,) is one of standing and one of walking."""
    shoulders = joints[:, [JOINT["left_shoulder"], JOINT["right_shoulder"]]].mean(1)
    wrists = joints[:, [JOINT["left_wrist"], JOINT["right_wrist"]], 1].max(1)
    trunk = shoulders - joints[:, 0]
    upright = trunk[:, 1] / np.linalg.norm(trunk, axis=-1) > _UPRIGHT
    ready = upright & (shoulders[:, 1] - wrists > _HANGING)
    step = np.linalg.norm(
        np.diff(joints[:, 0, [0, 2]], axis=0, append=joints[-1:, 0, [0, 2]]), axis=-1
    )
    speed = uniform_filter1d(step * FPS, 11, mode="nearest")
    across = joints[:, JOINT["left_hip"]] - joints[:, JOINT["right_hip"]]
    angle = np.degrees(np.unwrap(np.arctan2(across[:, 2], across[:, 0])))
    turning = np.abs(uniform_filter1d(np.gradient(angle), 15, mode="nearest")) * FPS
    forward = np.cross(across, [0.0, 1.0, 0.0])
    ahead = (np.gradient(joints[:, 0], axis=0) * forward).sum(-1) > 0.0
    ankles = joints[:, [JOINT["left_ankle"], JOINT["right_ankle"]], 1]
    low = ankles.max(1) < _ANKLE
    least, most = _WALKING
    stands = ready & (turning < _TURNING[0]) & (speed < _STANDING) & low
    walks = ready & (turning < _TURNING[1]) & ahead & (ankles.min(1) < _ANKLE)
    walks &= (speed > least) & (speed < most)
    return minimum_filter1d(stands, 3), minimum_filter1d(walks, 3)


def _runs(fits: np.ndarray) -> Iterator[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(np.concatenate([[False], fits, [False]]).astype(int)))
    yield from zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)
