"""Joint positions to bone rotations and back, and change of frame rate.

Everything here is Y up, metres, with x to the character's left, as in HumanML3D.
"""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from .contacts import foot_contacts
from .limb_twist import hinge_axes, plausible_foot, smoothstep
from .motion import Motion
from .rotations import (
    angle,
    between,
    conjugate,
    continuous,
    from_matrix,
    multiply,
    normalise,
    rotate,
    slerp,
)
from .skeleton import JOINT, JOINT_COUNT, PARENTS
from .torso import fit_rigid, frames

_UP: Final = np.array([0.0, 1.0, 0.0])
_PELVIS, _CHEST, _NECK, _HEAD = JOINT["pelvis"], JOINT["spine3"], JOINT["neck"], JOINT["head"]
# Hip joints are rigid in the pelvis; the first spine bone bends, so it only steadies the fit.
_PELVIS_WEIGHTS: Final = np.array([1.0, 1.0, 0.1])
_CHEST_WEIGHTS: Final = np.ones(3)

_FOOT_TILT_LIMITS: Final = np.radians([5.0, 50.0])
_HEAD_TILT_LIMITS: Final = np.radians([-5.0, 35.0])
_LEVEL_LIMITS: Final = np.radians([50.0, 100.0])
_SPINE_ROUNDS: Final = 10
_DEFAULT_FOOT_TILT: Final = np.radians(25.0)


@dataclass(frozen=True)
class Pose:
    """A clip as rotations.

    Attributes:
        rotations: float64 (T, 22, 4), local to the parent, (w, x, y, z); identity is the T-pose.
        root: float64 (T, 3), position of the pelvis in metres.
        offsets: float64 (22, 3), each joint from its parent in the T-pose (row 0 is zero).
    """

    rotations: np.ndarray
    root: np.ndarray
    offsets: np.ndarray

    def __len__(self) -> int:
        return len(self.rotations)

    def global_rotations(self) -> np.ndarray:
        """(T, 22, 4): how far each bone is turned from the T-pose."""
        turned = np.empty_like(self.rotations)
        for joint, parent in enumerate(PARENTS):
            local = self.rotations[:, joint]
            turned[:, joint] = local if parent < 0 else multiply(turned[:, parent], local)
        return turned


def forward_kinematics(pose: Pose) -> np.ndarray:
    """Joint positions (T, 22, 3) of a pose, metres, Y up."""
    turned = pose.global_rotations()
    joints = np.empty((len(pose), JOINT_COUNT, 3))
    joints[:, 0] = pose.root
    for joint, parent in enumerate(PARENTS[1:], start=1):
        joints[:, joint] = joints[:, parent] + rotate(turned[:, parent], pose.offsets[joint])
    return joints


def rotation_steps(pose: Pose) -> np.ndarray:
    """Angle in degrees (T-1, 22) by which each local rotation changes from frame to frame."""
    change = multiply(conjugate(pose.rotations[:-1]), pose.rotations[1:])
    return np.degrees(angle(change))


def resample(motion: Motion, fps: float) -> Motion:
    """The same motion at another frame rate; positions are linear between frames."""
    if fps == motion.fps:
        return motion
    low, high, t = _sample_points(len(motion), motion.fps, fps)
    joints = (1.0 - t)[:, None, None] * motion.joints[low] + t[:, None, None] * motion.joints[high]
    contacts = None
    if motion.contacts is not None:
        contacts = resample_contacts(motion.contacts, motion.fps, fps)
    return replace(motion, joints=joints.astype(np.float32), contacts=contacts, fps=fps)


def resample_pose(pose: Pose, fps: float, new_fps: float) -> Pose:
    """The same pose clip at another frame rate: slerp for rotations, linear for the root."""
    if fps == new_fps:
        return pose
    low, high, t = _sample_points(len(pose), fps, new_fps)
    rotations = slerp(pose.rotations[low], pose.rotations[high], t[:, None])
    root = (1.0 - t)[:, None] * pose.root[low] + t[:, None] * pose.root[high]
    return Pose(continuous(rotations), root, pose.offsets)


def resample_contacts(contacts: np.ndarray, fps: float, new_fps: float) -> np.ndarray:
    """Contacts (T, 4) at another frame rate: each new frame takes the nearest old one."""
    low, high, t = _sample_points(len(contacts), fps, new_fps)
    return contacts[np.where(t < 0.5, low, high)]


def _sample_points(
    frames_in: int, fps: float, new_fps: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """For each new frame the old frames before and after it, and the share of the latter."""
    count = int(np.floor((frames_in - 1) * new_fps / fps + 1e-6)) + 1
    at = np.minimum(np.arange(count) * fps / new_fps, frames_in - 1)
    low = np.floor(at).astype(int)
    return low, np.minimum(low + 1, frames_in - 1), at - low


def solve(motion: Motion) -> Pose:
    """Bone rotations whose forward kinematics gives the motion's joints.

    Swing comes from bone directions; twist from the planes of pelvis and chest and from the hinge
    planes of elbows and knees. Each bone aims from where its joint ends up to where its child
    should be, so small changes of bone length do not add up along a chain. What positions cannot
    show is natural: hands follow the forearm, toes the foot, the head the neck.

    The pose is Y up whatever the motion's up axis.
    """
    joints = motion.with_up("Y").joints.astype(float)
    contacts = foot_contacts(motion) if motion.contacts is None else motion.contacts
    return _Solver(joints, contacts.astype(float)).solve()


class _Solver:
    """Walks the skeleton from the pelvis outwards, filling global rotations and positions."""

    def __init__(self, joints: np.ndarray, contacts: np.ndarray) -> None:
        self.joints = joints
        self.contacts = contacts
        self.lengths = np.array([0.0 if p < 0 else self._length(j) for j, p in enumerate(PARENTS)])
        self.offsets = np.zeros((JOINT_COUNT, 3))
        self.turned = np.tile([1.0, 0.0, 0.0, 0.0], (len(joints), JOINT_COUNT, 1))
        self.reached = joints.copy()

    def _length(self, joint: int) -> float:
        bones = self.joints[:, joint] - self.joints[:, PARENTS[joint]]
        return float(np.median(np.linalg.norm(bones, axis=-1)))

    def solve(self) -> Pose:
        self._solve_bodies()
        self._solve_spine()
        self._solve_neck()
        for side in ("left", "right"):
            self._solve_leg(side)
            self._solve_arm(side)
        parents = np.array(PARENTS[1:])
        local = self.turned.copy()
        local[:, 1:] = multiply(conjugate(self.turned[:, parents]), self.turned[:, 1:])
        return Pose(continuous(local), self.joints[:, 0].copy(), self.offsets)

    def _solve_bodies(self) -> None:
        j = self.joints
        hips = j[:, JOINT["left_hip"]], j[:, JOINT["right_hip"]]
        up = j[:, JOINT["spine1"]] - (hips[0] + hips[1]) / 2.0
        children = [JOINT["left_hip"], JOINT["right_hip"], JOINT["spine1"]]
        self._fit(_PELVIS, children, _PELVIS_WEIGHTS, frames(hips[0] - hips[1], up))
        collars = j[:, JOINT["left_collar"]] - j[:, JOINT["right_collar"]]
        up = j[:, _NECK] - j[:, _CHEST]
        children = [_NECK, JOINT["left_collar"], JOINT["right_collar"]]
        self._fit(_CHEST, children, _CHEST_WEIGHTS, frames(collars, up))

    def _fit(self, body: int, children: list[int], weights: np.ndarray, start: np.ndarray) -> None:
        vectors = self.joints[:, children] - self.joints[:, body : body + 1]
        self.turned[:, body], fitted = fit_rigid(vectors, weights, start)
        self.offsets[children] = normalise(fitted) * self.lengths[children, None]

    def _solve_spine(self) -> None:
        """Both middle bones: orientation between pelvis and chest, then swung to their child."""
        spine1, spine2 = JOINT["spine1"], JOINT["spine2"]
        pelvis, chest = self.turned[:, _PELVIS], self.turned[:, _CHEST]
        self._reach(spine1)
        bend = self._bend_spine()
        self._aim(spine1, slerp(pelvis, chest, 1 / 3), towards=bend)
        self._reach(spine2)
        self._aim(spine2, slerp(pelvis, chest, 2 / 3))
        self._reach(_CHEST)

    def _bend_spine(self) -> np.ndarray:
        """Where spine2 goes so that the chest still arrives when the pelvis was not rigid.

        A few rounds of FABRIK (Aristidou and Lasenby 2011) on two bones, from the true place.
        """
        start, end = self.reached[:, JOINT["spine1"]], self.joints[:, _CHEST]
        bend = self.joints[:, JOINT["spine2"]]
        for _ in range(_SPINE_ROUNDS):
            bend = end + normalise(bend - end) * self.lengths[_CHEST]
            bend = start + normalise(bend - start) * self.lengths[JOINT["spine2"]]
        return bend

    def _solve_neck(self) -> None:
        self._reach(_NECK)
        chest = self.turned[:, _CHEST]
        # Which way a level head leans is the skeleton's own; its median over the clip tells.
        seen = rotate(conjugate(chest), self.joints[:, _HEAD] - self.reached[:, _NECK])
        tilt = np.clip(np.median(np.arctan2(seen[:, 2], seen[:, 1])), *_HEAD_TILT_LIMITS)
        self._aim(_NECK, chest, np.array([0.0, np.cos(tilt), np.sin(tilt)]))
        self._reach(_HEAD)
        self.turned[:, _HEAD] = self.turned[:, _NECK]

    def _solve_leg(self, side: str) -> None:
        hip, knee, ankle, foot = (JOINT[f"{side}_{n}"] for n in ("hip", "knee", "ankle", "foot"))
        down = -_UP
        toes = self.joints[:, foot] - self.joints[:, ankle]
        self._solve_limb(hip, knee, ankle, down, np.array([1.0, 0.0, 0.0]), toes)
        self._solve_foot(side, knee, ankle, foot)

    def _solve_arm(self, side: str) -> None:
        collar, shoulder, elbow, wrist = (
            JOINT[f"{side}_{n}"] for n in ("collar", "shoulder", "elbow", "wrist")
        )
        self._reach(collar)
        self._aim(collar, self.turned[:, _CHEST])
        out = np.array([1.0 if side == "left" else -1.0, 0.0, 0.0])
        self._solve_limb(shoulder, elbow, wrist, out, np.cross(out, [0.0, 0.0, 1.0]), None)
        self.turned[:, wrist] = self.turned[:, elbow]

    def _solve_limb(
        self,
        root: int,
        middle: int,
        end: int,
        rest: np.ndarray,
        rest_axis: np.ndarray,
        toes: np.ndarray | None,
    ) -> None:
        self._reach(root)
        self.offsets[middle] = rest * self.lengths[middle]
        self.offsets[end] = rest * self.lengths[end]
        home = conjugate(self.turned[:, PARENTS[root]])
        upper = normalise(self.joints[:, middle] - self.reached[:, root])
        lower = self.joints[:, end] - (self.reached[:, root] + upper * self.lengths[middle])
        seen = [rotate(home, v) for v in (upper, lower)]
        foot = None if toes is None else rotate(home, toes)
        axis = rotate(conjugate(home), hinge_axes(seen[0], seen[1], rest, rest_axis, foot))
        rest_frame = _frame(rest, rest_axis)
        self.turned[:, root] = multiply(_frame(upper, axis), conjugate(rest_frame))
        self._reach(middle)
        self._aim(middle, self.turned[:, root], rest)
        self._reach(end)

    def _solve_foot(self, side: str, knee: int, ankle: int, foot: int) -> None:
        """Toe direction is known; roll comes from the shin, or from the floor while standing."""
        columns = slice(0, 2) if side == "left" else slice(2, 4)
        standing = self.contacts[:, columns].max(axis=-1)
        direction = plausible_foot(
            self.joints[:, foot] - self.reached[:, ankle], self.turned[:, knee]
        )
        tilt = _DEFAULT_FOOT_TILT
        flat = self.contacts[:, columns].min(axis=-1) > 0.5
        if flat.any():
            drop = -normalise(direction[flat])[:, 1]
            # A heel about to leave the floor still counts as touching: the flatter frames tell.
            tilt = np.clip(np.percentile(np.arcsin(drop), 25), *_FOOT_TILT_LIMITS)
        rest = np.array([0.0, -np.sin(tilt), np.cos(tilt)])
        self._aim(ankle, self.turned[:, knee], rest, self.reached[:, ankle] + direction)
        rest_frame = _frame(rest, np.array([1.0, 0.0, 0.0]))
        level = multiply(_frame(direction, np.cross(_UP, direction)), conjugate(rest_frame))
        sideways = np.linalg.norm(np.cross(normalise(direction), _UP), axis=-1)
        share = _soften(standing) * smoothstep(sideways, 0.3, 0.7)
        # On its side or upside down the foot does not stand, whatever its height says.
        apart = angle(multiply(conjugate(self.turned[:, ankle]), level))
        share = share * (1.0 - smoothstep(apart, *_LEVEL_LIMITS))
        self.turned[:, ankle] = slerp(self.turned[:, ankle], level, share)
        self._reach(foot)
        self.turned[:, foot] = self.turned[:, ankle]

    def _reach(self, joint: int) -> None:
        parent = PARENTS[joint]
        if parent >= 0:
            bone = rotate(self.turned[:, parent], self.offsets[joint])
            self.reached[:, joint] = self.reached[:, parent] + bone

    def _aim(
        self,
        joint: int,
        start: np.ndarray,
        rest: np.ndarray | None = None,
        towards: np.ndarray | None = None,
    ) -> None:
        """Swing `start` (T, 4) so that the bone from `joint` points at its child (or `towards`).

        Without a rest direction, the child's typical place seen from `start` is taken as rest.
        """
        child = PARENTS.index(joint)
        direction = (self.joints[:, child] if towards is None else towards) - self.reached[:, joint]
        if rest is None:
            rest = normalise(np.median(rotate(conjugate(start), normalise(direction)), axis=0))
        self.offsets[child] = rest * self.lengths[child]
        self.turned[:, joint] = multiply(between(rotate(start, rest), direction), start)


def _frame(along: np.ndarray, axis: np.ndarray) -> np.ndarray:
    """Quaternions whose x axis is `along` and whose y axis is `axis` made perpendicular to it."""
    x = normalise(along)
    y = normalise(axis - (axis * x).sum(-1, keepdims=True) * x)
    return from_matrix(np.stack([x, y, np.cross(x, y)], axis=-1))


def _soften(flags: np.ndarray) -> np.ndarray:
    """Steps from 0 to 1 spread over five frames, so that nothing switches at once."""
    padded = np.pad(flags, 2, mode="edge")
    return np.convolve(padded, np.array([1.0, 2.0, 3.0, 2.0, 1.0]) / 9.0, mode="valid")
