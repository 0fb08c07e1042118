"""Where a bound rig's hands and feet are by the basis channels of its bones."""

from collections.abc import Mapping

import numpy as np

from ..shared.motion.rotations import IDENTITY, multiply, rotate, to_matrix
from .binding import Binding

SIDES = ("left", "right")


class LimbEnds:
    """Hands and feet of a rig: the points that a viewer sees slip.

    Args:
        binding: the rig.

    Attributes:
        names: what each point is: `left_wrist`, `left_ankle`, `left_toe` and the right ones.
        chains: for each point the controls that carry it, the first control first.
        carriers: all controls of the chains, parents first.
    """

    def __init__(self, binding: Binding) -> None:
        self._binding = binding
        self.names: list[str] = []
        self.chains: list[list[int]] = []
        self._arms: list[np.ndarray] = []
        for side in SIDES:
            for joint in (f"{side}_wrist", f"{side}_ankle"):
                if joint in binding.at:
                    self._add(joint, binding.at[joint], binding.head(joint))
            self._add(f"{side}_toe", binding.at[f"{side}_ankle"], binding.toes[side])
        self.carriers = sorted({control for chain in self.chains for control in chain})
        self._bases = {i: _basis(binding.rest[i]) for i in self.carriers}

    def bone(self, control: int) -> str:
        """The name of a control's bone."""
        return self._binding.rig.bones[self._binding.controls[control].bone]

    def places(
        self, rotations: Mapping[str, np.ndarray], locations: Mapping[str, np.ndarray]
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Points (T, P, 3), heads (T, controls, 3) and turns (T, controls, 4), in canonical axes.

        Args:
            rotations: basis quaternions (T, 4) of unit length by bone; others rest.
            locations: basis locations (T, 3) of the bones that have one.
        """
        binding = self._binding
        count = len(next(iter((rotations or locations).values())))
        turned = np.zeros((count, len(binding.controls), 4))
        heads = np.tile(binding.heads, (count, 1, 1))
        for bone, values in locations.items():
            heads[:, 0] += self.move_by_location(bone, values)
        for i in self.carriers:
            control = binding.controls[i]
            bone = self.bone(i)
            own = rotations[bone] @ self._bases[i] if bone in rotations else IDENTITY
            turned[:, i] = own if control.parent < 0 else multiply(turned[:, control.parent], own)
            by = control.support
            if by >= 0:
                arm = binding.heads[i] - binding.heads[by]
                heads[:, i] = heads[:, by] + rotate(turned[:, by], arm)
        points = [
            heads[:, chain[-1]] + rotate(turned[:, chain[-1]], arm)
            for chain, arm in zip(self.chains, self._arms, strict=True)
        ]
        return np.stack(points, axis=1), heads, turned

    def axes_of(self, control: int, turned: np.ndarray) -> np.ndarray:
        """What takes a control's basis axes to canonical ones, (T, 3, 3), where all is `turned`."""
        parent = self._binding.controls[control].parent
        own = self._bases[control][1:, 1:].T
        return own[None] if parent < 0 else to_matrix(turned[:, parent]) @ own

    def move_by_location(self, bone: str, values: np.ndarray) -> np.ndarray:
        """How far a bone's location (T, 3) moves the body, in canonical axes."""
        rig = self._binding.rig
        index = rig.index(bone)
        if rig.local_location[index]:
            values = values @ rig.rest[index, :3, :3].T
        return values @ self._binding.axes

    def _add(self, name: str, control: int, rest: np.ndarray) -> None:
        chain = [control]
        while (by := self._binding.controls[chain[-1]].support) >= 0:
            chain.append(by)
        turning = list(chain)
        for i in chain:
            # Where a bone does not turn with what carries it, others may turn it.
            while (by := self._binding.controls[i].parent) >= 0 and by not in turning:
                turning.append(by)
                i = by
        self.names.append(name)
        self.chains.append([*sorted(set(turning) - {control}), control])
        self._arms.append(rest - self._binding.heads[control])


def _basis(rest: np.ndarray) -> np.ndarray:
    """The matrix (4, 4) that takes a basis quaternion, as a row, to canonical axes."""
    found = np.eye(4)
    found[1:, 1:] = to_matrix(rest).T
    return found
