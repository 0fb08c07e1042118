"""Arms and legs of a rig by the shape of its skeleton alone, whatever its bones are called.

A human stands on two alike chains, has two more that hang on the trunk above them, and toes that
point to the front.
"""

import itertools
from collections.abc import Sequence
from typing import Final

import numpy as np

from .skeleton_rig import Rig

_SIDES: Final = ("left", "right")
_FLOOR: Final = 0.15  # of the rig's height, up to which a leg must reach down
_ALIKE: Final = 0.1  # difference in length between two limbs of a pair
_ANKLE: Final = 0.3  # of the hips' height, under which the ankle lies
_SHORTEST_ARM: Final = 0.2  # of the rig's height
_MIDDLE: Final = 0.05  # of the rig's height, off the middle plane
_SKULL: Final = 1.93  # of the hips' height: a bone up there is the crown's end, not the head
_LONG_LIMB: Final = 0.15  # how much a longer limb is preferred to one of more equal halves


def find_limbs(rig: Rig) -> dict[str, int] | None:
    """Bones of arms and legs by joint name; None when the rig has no human's shape."""
    shape = _Shape(rig)
    legs = shape.find_legs()
    if legs is None:
        return None
    arms = shape.find_arms(legs)
    if arms is None:
        return None
    found: dict[str, int] = {}
    ankles = [limb for path in shape.paths(legs) if (limb := shape.leg_joints(path))]
    wrists = [limb for path in shape.paths(arms) if (limb := shape.arm_joints(path))]
    if len(ankles) < 2 or len(wrists) < 2:
        return None
    for limbs in (ankles, wrists):
        for side, limb in zip(_SIDES, shape.left_first(limbs, ankles), strict=True):
            found |= {f"{side}_{joint}": bone for joint, bone in limb.items()}
    return found


def find_head(rig: Rig, arms: Sequence[int], hips: Sequence[int]) -> int | None:
    """The last bone of the chain that rises in the middle from between the arms' first bones."""
    shape = _Shape(rig)
    chest = int(rig.parents[arms[0]])
    across = rig.heads[arms[0]] - rig.heads[arms[1]]
    across = across / max(np.linalg.norm(across), 1e-9)
    crown = _SKULL * shape.heights[list(hips)].mean()
    bone = chest
    while True:
        rising = [
            int(child)
            for child in shape.children[bone]
            if abs((rig.heads[child] - rig.heads[chest]) @ across) < _MIDDLE * shape.tall
            and shape.heights[bone] < shape.heights[child] < crown
        ]
        if not rising:
            return None if bone == chest else bone
        bone = max(rising, key=lambda child: shape.heights[child])


class _Shape:
    """A rig's tree with the lengths and heights that tell limbs apart."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self.children = [np.flatnonzero(rig.parents == bone) for bone in range(len(rig.bones))]
        self.heights = rig.heads @ rig.up
        lowest = min(self.heights.min(), (rig.tails @ rig.up).min())
        self.heights = self.heights - lowest
        self.tall = float(self.heights.max())
        # Longest way through each bone's subtree, and the bones on it.
        self.reach = np.zeros(len(rig.bones))
        self.onward = np.full(len(rig.bones), -1)
        self.lowest = self.heights.copy()
        for bone in reversed(range(len(rig.bones))):
            for child in self.children[bone]:
                length = np.linalg.norm(rig.heads[child] - rig.heads[bone]) + self.reach[child]
                if length > self.reach[bone]:
                    self.reach[bone], self.onward[bone] = length, child
                self.lowest[bone] = min(self.lowest[bone], self.lowest[child])

    def find_legs(self) -> tuple[int, int] | None:
        """The pair of longest limbs that reach the floor."""
        pairs = [
            pair
            for pair in self._pairs()
            if all(self.lowest[bone] < _FLOOR * self.tall < self.heights[bone] for bone in pair)
        ]
        return max(pairs, key=lambda pair: self.reach[list(pair)].sum(), default=None)

    def find_arms(self, legs: tuple[int, int]) -> tuple[int, int] | None:
        """The pair of longest limbs that hangs on the trunk above the legs."""
        hips = self.heights[list(legs)].mean()
        pairs = [
            pair
            for pair in self._pairs()
            if self.heights[list(pair)].mean() > hips
            and self.reach[list(pair)].min() > _SHORTEST_ARM * self.tall
            and not set(legs) & {*pair, *self.rig.ancestors(pair[0])}
        ]
        return max(pairs, key=lambda pair: self.reach[list(pair)].sum(), default=None)

    def _pairs(self) -> list[tuple[int, int]]:
        """Children of one bone whose limbs are alike and start beside each other."""
        found = []
        for children in self.children:
            for a, b in itertools.combinations(map(int, children), 2):
                longer = max(self.reach[a], self.reach[b])
                apart = self.rig.heads[a] - self.rig.heads[b]
                level = abs(apart @ self.rig.up) < _ALIKE * self.tall
                same = abs(self.reach[a] - self.reach[b]) < _ALIKE * longer
                if level and same and len(self._path(a)) == len(self._path(b)) > 2:
                    found.append((a, b))
        return found

    def paths(self, limbs: tuple[int, int]) -> list[list[int]]:
        """For each limb its bones along the longest way to its end."""
        return [self._path(limb) for limb in limbs]

    def _path(self, bone: int) -> list[int]:
        path = [bone]
        while self.onward[path[-1]] >= 0:
            path.append(int(self.onward[path[-1]]))
        return path

    def leg_joints(self, path: list[int]) -> dict[str, int] | None:
        """Hip, knee, ankle and toes of a leg: the ankle is where the limb turns forward."""
        hip_height = self.heights[path[0]]
        low = [i for i, bone in enumerate(path) if self.heights[bone] < _ANKLE * hip_height]
        turned = [i for i in low if self._slope(path, i) < np.cos(np.radians(40.0))]
        if not low or (turned or low)[0] < 2:
            return None
        ankle = (turned or low)[0]
        upper = self._halves(path[: ankle + 1])
        joints = dict(zip(("hip", "knee", "ankle"), [*upper, path[ankle]], strict=True))
        return joints | ({"foot": path[ankle + 1]} if ankle + 1 < len(path) else {})

    def _slope(self, path: list[int], at: int) -> float:
        """1 where the path goes straight down, 0 where it is level."""
        start = self.rig.heads[path[at]]
        end = self.rig.heads[path[at + 1]] if at + 1 < len(path) else self.rig.tails[path[at]]
        return float(-(end - start) @ self.rig.up / max(np.linalg.norm(end - start), 1e-9))

    def arm_joints(self, path: list[int]) -> dict[str, int] | None:
        """Collar, shoulder, elbow and wrist of an arm: fingers spread from the wrist."""
        fingers = [sum(self.reach[child] > 0 for child in self.children[bone]) for bone in path]
        spread = [i for i, count in enumerate(fingers) if count > 2]
        wrist = spread[0] if spread else len(path) - 1
        if wrist < 2:
            return None
        upper = self._halves(path[: wrist + 1])
        joints = dict(zip(("shoulder", "elbow", "wrist"), [*upper, path[wrist]], strict=True))
        return joints | ({"collar": path[0]} if upper[0] != path[0] else {})

    def _halves(self, path: list[int]) -> list[int]:
        """The two bones that halve the way to the end best: thigh and shin, or both arm bones."""
        steps = np.linalg.norm(np.diff(self.rig.heads[path], axis=0), axis=-1)
        along = np.concatenate([[0.0], np.cumsum(steps)])
        end, whole = along[-1], max(along[-1], 1e-9)

        def cost(pair: tuple[int, int]) -> float:
            start, middle = along[list(pair)]
            return (abs(end - 2 * middle + start) - _LONG_LIMB * (end - start)) / whole

        best = min(itertools.combinations(range(len(path) - 1), 2), key=cost)
        return [path[i] for i in best]

    def left_first(
        self, limbs: list[dict[str, int]], legs: list[dict[str, int]]
    ) -> list[dict[str, int]]:
        """A pair of limbs in the order left, right: toes tell where the front is."""
        rig = self.rig
        forward = np.zeros(3)
        for leg in legs:
            ankle = leg["ankle"]
            tip = rig.heads[leg["foot"]] if "foot" in leg else rig.tails[ankle]
            forward += tip - rig.heads[ankle]
        left = np.cross(rig.up, forward)
        ends = [rig.heads[limb.get("wrist", limb.get("ankle"))] for limb in limbs]
        return limbs if (ends[0] - ends[1]) @ left > 0 else limbs[::-1]
