"""Between the world and a character's own axes at our size: where places of the scene are."""

from dataclasses import dataclass, replace

import bpy
import numpy as np

from ..rig.binding import Binding, bind
from ..rig.read_rig import read_rig, up_of
from ..shared.motion.rotations import normalise
from ..shared.motion.skeleton import BONE_LENGTHS, JOINT
from .bone_mapping import mapping_of

_LEG = float(BONE_LENGTHS[JOINT["left_knee"]] + BONE_LENGTHS[JOINT["left_ankle"]])


@dataclass(frozen=True)
class Ground:
    """A character's floor.

    Attributes:
        origin: (3,), the place in the world that is the origin of its motions.
        axes: (3, 3), its left, up and forward in the world, as columns.
        scale: metres of our skeleton for a unit of the world.
    """

    origin: np.ndarray
    axes: np.ndarray
    scale: float

    @classmethod
    def of(cls, world: np.ndarray, binding: Binding) -> "Ground":
        """The ground of a bound rig whose object has the matrix `world` (4, 4)."""
        axes, size = world_axes(world, binding)
        # Of the binding's axes, the origin lies on the floor.
        pelvis = binding.controls[0].bone
        floor = binding.rig.heads[pelvis] - binding.axes @ binding.heads[0]
        origin = world[:3, :3] @ floor + world[:3, 3]
        return cls(origin, axes, _LEG / (binding.leg_length * size))

    @classmethod
    def below(cls, armature: bpy.types.Object) -> "Ground":
        """The ground of an armature where it stands now.

        Raises:
            RigError: the rig is not recognised.
            MappingError: the armature's own mapping is incomplete.
        """
        rig, world = read_rig(armature), np.array(armature.matrix_world)
        binding = bind(replace(rig, up=up_of(world)), mapping_of(armature, rig))
        return cls.of(world, binding)

    def inside(self, points: np.ndarray) -> np.ndarray:
        """Points (..., 3) of the world in the motion's axes: metres, Y up, facing +Z."""
        return (points - self.origin) @ self.axes * self.scale

    def size(self, binding: Binding) -> float:
        """How many of the rig's units a metre of our skeleton is."""
        return binding.leg_length / _LEG

    def outside(self, points: np.ndarray) -> np.ndarray:
        """The reverse of `inside`."""
        return points / self.scale @ self.axes.T + self.origin


def world_axes(matrix: np.ndarray, binding: Binding) -> tuple[np.ndarray, float]:
    """A character's left, up and forward in the world, as columns (3, 3), and the object's size.

    The axes are perpendicular however the object is stretched.
    """
    _, up, forward = (matrix[:3, :3] @ binding.axes).T
    up = normalise(up)
    forward = normalise(forward - (forward @ up) * up)
    size = float(abs(np.linalg.det(matrix[:3, :3])) ** (1.0 / 3.0))
    return np.stack([np.cross(up, forward), up, forward], axis=-1), size
