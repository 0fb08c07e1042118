"""Takes of a walk for tests that need no backend, and where Blender then puts a bone."""

import numpy as np
import pytest
from sample_motions import walking_motion

bpy = pytest.importorskip("bpy")


def walk(placid, frames: int = 40, prompt: str = "a person walks"):
    """The walk as the add-on's own copy of `shared` knows it."""
    return placid.shared.motion.motion.Motion(walking_motion(frames).joints, prompt=prompt)


def add_walk(placid, armature, frames: int = 40, prompt: str = "a person walks"):
    """A take in the present scene's list that nobody has looked at."""
    request = placid.shared.protocol.messages.Generate(prompt)
    motion = walk(placid, frames, prompt)
    return placid.core.takes.add_take(bpy.context.scene, armature, request, motion)


def played(armature):
    return armature.animation_data.action if armature.animation_data else None


def places(armature, bones, frames) -> np.ndarray:
    """Heads of bones in the world (T, B, 3) as Blender evaluates them."""
    rows = []
    for frame in frames:
        bpy.context.scene.frame_set(frame)
        posed = armature.evaluated_get(bpy.context.evaluated_depsgraph_get())
        rows.append([posed.matrix_world @ posed.pose.bones[bone].head for bone in bones])
    return np.array(rows)
