"""Reads an armature into a `Rig`: the one place of this package that looks at bones of bpy."""

import bpy
import numpy as np

from ..shared.recognition.skeleton_rig import Rig, RigError


def read_rig(armature: bpy.types.Object) -> Rig:
    """The rest pose of an armature object. Raises RigError for anything else or without bones."""
    if armature.type != "ARMATURE":
        raise RigError(f"{armature.name} is not an armature; select one")
    bones = _parents_first(armature.data.bones)
    if not bones:
        raise RigError(f"{armature.name} has no bones; add some or select another armature")
    index = {bone.name: i for i, bone in enumerate(bones)}
    return Rig(
        name=armature.name,
        bones=tuple(index),
        parents=np.array([index[b.parent.name] if b.parent else -1 for b in bones]),
        rest=np.array([np.array(b.matrix_local) for b in bones]),
        tails=np.array([np.array(b.tail_local) for b in bones]),
        up=up_of(np.array(armature.matrix_world)),
        inherits_rotation=np.array([b.use_inherit_rotation for b in bones]),
        local_location=np.array([b.use_local_location for b in bones]),
        connected=np.array([b.use_connect and b.parent is not None for b in bones]),
    )


def up_of(world: np.ndarray) -> np.ndarray:
    """Which way is up (3,) for an object with a matrix (4, 4) in the world."""
    turn = world[:3, :3] / np.linalg.norm(world[:3, :3], axis=0)
    return turn.T @ np.array([0.0, 0.0, 1.0])


def _parents_first(bones: bpy.types.ArmatureBones) -> list[bpy.types.Bone]:
    ordered: list[bpy.types.Bone] = []
    waiting = [bone for bone in bones if bone.parent is None]
    while waiting:
        bone = waiting.pop()
        ordered.append(bone)
        waiting.extend(bone.children)
    return ordered
