"""What an armature does now, as the controls of a binding see it."""

from collections.abc import Sequence

import bpy
import numpy as np

from ..rig.binding import Binding
from ..rig.blend import Stance
from ..shared.motion.rotations import from_matrix
from .evaluated_pose import sample_pose


def record_stance(
    scene: bpy.types.Scene,
    armature: bpy.types.Object,
    binding: Binding,
    shown: dict[str, str],
    frames: Sequence[float],
    poses: Sequence[bpy.types.Action | None] = (),
) -> Stance:
    """The armature's pose in some frames of the scene, which stays at its frame.

    Args:
        shown: by bone the one that shows where it is, as `body_bones` has them.
        poses: of a library, put on the armature in these frames; see `sample_pose`.
    """
    names = [shown[binding.rig.bones[control.bone]] for control in binding.controls]
    matrices = sample_pose(scene, armature, names, frames, poses).matrices
    at_rest = np.array([np.array(armature.data.bones[name].matrix_local) for name in names])
    axes = binding.axes
    turns = matrices[..., :3, :3] / np.linalg.norm(matrices[..., :3, :3], axis=-2, keepdims=True)
    turned = from_matrix(axes.T @ turns @ np.swapaxes(at_rest[:, :3, :3], -1, -2) @ axes)
    moved = matrices[:, 0, :3, 3] - at_rest[0, :3, 3]
    return Stance(turned, moved @ axes + binding.heads[0])
