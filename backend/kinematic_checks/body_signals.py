"""What a body does in numbers: signals read off joint positions, without any network.

All joints are (T, 22, 3) in metres, Y up. A body that faces +Z has its left at +X, so headings
grow to the left.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Final, Literal

import numpy as np

from shared.errors import PlacidError
from shared.motion.filters import uniform_filter1d
from shared.motion.skeleton import JOINT, JOINT_COUNT

SIDES: Final[tuple[Literal["left", "right"], ...]] = ("left", "right")

_UP: Final = np.array([0.0, 1.0, 0.0])
_SMOOTHING_SECONDS: Final = 0.45
_TURN_SMOOTHING_SECONDS: Final = 0.8


def _pair(part: str) -> list[int]:
    return [JOINT[f"{side}_{part}"] for side in SIDES]


class KinematicsError(PlacidError, ValueError):
    """Joints that no signal can be read from; the message names the shape."""

    def __init__(self, message: str) -> None:
        super().__init__("bad_motion", message)


@dataclass(frozen=True, eq=False)
class BodySignals:
    """Per-frame quantities of one motion; last axes of size two are (left, right).

    Attributes:
        joints: float (T, 22, 3), metres, Y up.
        fps: frames per second.
    """

    joints: np.ndarray
    fps: float = 20.0

    def __post_init__(self) -> None:
        shape = self.joints.shape
        if len(shape) != 3 or shape[1:] != (JOINT_COUNT, 3) or shape[0] < 2:
            raise KinematicsError(
                f"kinematic checks need joints (at least 2 frames, {JOINT_COUNT}, 3), not {shape}"
            )
        object.__setattr__(self, "joints", np.asarray(self.joints, dtype=np.float64))

    def __len__(self) -> int:
        return len(self.joints)

    def frames(self, seconds: float) -> int:
        """The number of frames, at least one, that lasts about so long."""
        return max(1, round(seconds * self.fps))

    def velocity(self, positions: np.ndarray) -> np.ndarray:
        """Time derivative of positions (T, ...) by central differences, per second."""
        return np.gradient(positions, axis=0) * self.fps

    @cached_property
    def facing(self) -> np.ndarray:
        """Horizontal unit vectors (T, 3) that the pelvis faces; the shoulders may twist away."""
        left, right = _pair("hip")
        forward = np.cross(self.joints[:, left] - self.joints[:, right], _UP)
        return forward / np.maximum(np.linalg.norm(forward, axis=-1, keepdims=True), 1e-9)

    @cached_property
    def leftward(self) -> np.ndarray:
        """Horizontal unit vectors (T, 3) to the body's left."""
        return np.cross(_UP, self.facing)

    @cached_property
    def heading(self) -> np.ndarray:
        """Continuous pelvis heading (T,) in degrees; sways of a step or a twist are smoothed."""
        angle = np.degrees(np.unwrap(np.arctan2(self.facing[:, 0], self.facing[:, 2])))
        return uniform_filter1d(angle, self.frames(_TURN_SMOOTHING_SECONDS), mode="nearest")

    @cached_property
    def pace(self) -> np.ndarray:
        """Pelvis speed (T,) along the facing direction in m/s, negative when backing away."""
        along = (self.velocity(self.joints[:, 0]) * self.facing).sum(-1)
        return uniform_filter1d(along, self.frames(_SMOOTHING_SECONDS), mode="nearest")

    @cached_property
    def ground_speed(self) -> np.ndarray:
        """Horizontal pelvis speed (T,) in m/s, whatever the direction."""
        path = uniform_filter1d(
            self.joints[:, 0][:, [0, 2]], self.frames(_SMOOTHING_SECONDS), axis=0, mode="nearest"
        )
        return np.linalg.norm(self.velocity(path), axis=-1)

    @cached_property
    def pelvis_height(self) -> np.ndarray:
        """Pelvis height (T,) in leg lengths above the floor; about 1.1 when standing."""
        return (self.joints[:, 0, 1] - self._floor) / self.leg_length

    @cached_property
    def flight(self) -> np.ndarray:
        """Height (T,) in metres of the lower foot above where it rests; 0 while one stands."""
        feet = self.joints[:, [*_pair("ankle"), *_pair("foot")], 1]
        return np.maximum(feet - np.percentile(feet, 5, axis=0), 0).min(axis=1)

    @cached_property
    def lean(self) -> np.ndarray:
        """Forward lean (T,) of the trunk in degrees; 0 upright, 90 level, negative backwards."""
        trunk = self.joints[:, JOINT["neck"]] - self.joints[:, 0]
        return np.degrees(np.arctan2((trunk * self.facing).sum(-1), trunk[:, 1]))

    @cached_property
    def upright(self) -> np.ndarray:
        """How far (T,) the trunk points up: 1 upright, 0 level, -1 upside down."""
        trunk = self.joints[:, JOINT["neck"]] - self.joints[:, 0]
        return trunk[:, 1] / np.maximum(np.linalg.norm(trunk, axis=-1), 1e-9)

    @cached_property
    def leg_length(self) -> float:
        """Mean length of hip to ankle along the bones, metres."""
        return self._limb(("hip", "knee", "ankle"))

    @cached_property
    def arm_length(self) -> float:
        """Mean length of shoulder to wrist along the bones, metres."""
        return self._limb(("shoulder", "elbow", "wrist"))

    @cached_property
    def reach(self) -> np.ndarray:
        """Wrists from shoulders (T, 2, 3) along the body's left, up and forward, in arm lengths."""
        arms = self.joints[:, _pair("wrist")] - self.joints[:, _pair("shoulder")]
        return self._in_body_axes(arms) / self.arm_length

    @cached_property
    def forearm(self) -> np.ndarray:
        """Unit vectors (T, 2, 3) from elbow to wrist along the body's left, up and forward."""
        bones = self._in_body_axes(self.joints[:, _pair("wrist")] - self.joints[:, _pair("elbow")])
        return bones / np.maximum(np.linalg.norm(bones, axis=-1, keepdims=True), 1e-9)

    @cached_property
    def arm_extension(self) -> np.ndarray:
        """Shoulder to wrist distance (T, 2) in arm lengths; 1 is a straight arm."""
        return np.linalg.norm(self.reach, axis=-1)

    @cached_property
    def arm_thrust(self) -> np.ndarray:
        """Speed (T, 2) in m/s at which the wrists move away from the shoulders."""
        return self.velocity(self.arm_extension * self.arm_length)

    @cached_property
    def wrist_speed(self) -> np.ndarray:
        """Wrist speed (T, 2) relative to the chest, m/s."""
        chest = self.joints[:, [JOINT["spine3"]]]
        return np.linalg.norm(self.velocity(self.joints[:, _pair("wrist")] - chest), axis=-1)

    @cached_property
    def wrist_above_head(self) -> np.ndarray:
        """Wrist height (T, 2) over the head joint, metres."""
        return self.joints[:, _pair("wrist"), 1] - self.joints[:, [JOINT["head"]], 1]

    @cached_property
    def foot_speed(self) -> np.ndarray:
        """Ankle speed (T, 2) relative to the pelvis, m/s."""
        ankles = self.joints[:, _pair("ankle")] - self.joints[:, [0]]
        return np.linalg.norm(self.velocity(ankles), axis=-1)

    @cached_property
    def leg_lift(self) -> np.ndarray:
        """Angle (T, 2) in degrees of hip to ankle from straight down; 90 is a level leg."""
        legs = self.joints[:, _pair("ankle")] - self.joints[:, _pair("hip")]
        down = -legs[..., 1] / np.maximum(np.linalg.norm(legs, axis=-1), 1e-9)
        return np.degrees(np.arccos(np.clip(down, -1, 1)))

    @cached_property
    def leg_extension(self) -> np.ndarray:
        """Hip to ankle distance (T, 2) in leg lengths; 1 is a straight leg."""
        legs = self.joints[:, _pair("ankle")] - self.joints[:, _pair("hip")]
        return np.linalg.norm(legs, axis=-1) / self.leg_length

    @property
    def _floor(self) -> float:
        return float(np.percentile(self.joints[:, _pair("foot"), 1].min(axis=1), 5))

    def _limb(self, parts: tuple[str, str, str]) -> float:
        first, middle, last = (self.joints[0, _pair(part)] for part in parts)
        lengths = np.linalg.norm(middle - first, axis=-1) + np.linalg.norm(last - middle, axis=-1)
        return float(max(lengths.mean(), 1e-6))

    def _in_body_axes(self, vectors: np.ndarray) -> np.ndarray:
        left = (vectors * self.leftward[:, None]).sum(-1)
        forward = (vectors * self.facing[:, None]).sum(-1)
        return np.stack([left, vectors[..., 1], forward], axis=-1)
