"""What an armature does now, as the controls of a binding see it."""

from collections.abc import Sequence

import bpy
import numpy as np

from ..shared.motion.rotations import from_matrix
from .binding import Binding
from .blend import Stance


def record_stance(
    scene: bpy.types.Scene, armature: bpy.types.Object, binding: Binding, frames: Sequence[float]
) -> Stance:
    """The armature's pose in some frames of the scene, which stays at its frame."""
    current = scene.frame_current, scene.frame_subframe
    names = [binding.rig.bones[control.bone] for control in binding.controls]
    posed = []
    for frame in frames:
        scene.frame_set(int(frame // 1), subframe=float(frame % 1))
        bones = armature.evaluated_get(scene.view_layers[0].depsgraph).pose.bones
        posed.append([np.array(bones[name].matrix) for name in names])
    scene.frame_set(current[0], subframe=current[1])
    matrices = np.array(posed)
    axes, rig = binding.axes, binding.rig
    rest = rig.rest[[control.bone for control in binding.controls], :3, :3]
    turns = matrices[..., :3, :3] / np.linalg.norm(matrices[..., :3, :3], axis=-2, keepdims=True)
    turned = from_matrix(axes.T @ turns @ np.swapaxes(rest, -1, -2) @ axes)
    first = binding.controls[0].bone
    moved = matrices[:, 0, :3, 3] - rig.heads[first]
    return Stance(turned, moved @ axes + binding.heads[0])
