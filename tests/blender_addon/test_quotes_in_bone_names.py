"""A rejected take leaves the rest pose, whatever the bones are called."""

import numpy as np
import pytest
from sample_motions import walking_motion

bpy = pytest.importorskip("bpy")


@pytest.mark.parametrize(
    "name", ['left "shin"', "back\\\\slash", 'a["b"]', "dots.and.more", "Ünïcode 骨"]
)
def test_rejecting_clears_bones_of_any_name(blank, name):
    scene = bpy.context.scene
    armature = blank.character.sample_rigs.mixamo_skeleton(bpy.context)
    armature.data.bones["mixamorig:LeftLeg"].name = name
    motion = blank.shared.motion.motion.Motion(walking_motion(40).joints, prompt="a person walks")
    request = blank.shared.protocol.messages.Generate("a person walks")
    take = blank.core.takes.add_take(scene, armature, request, motion)
    blank.core.takes.show(scene, take)
    scene.frame_set(15)
    blank.core.takes.reject(scene, take)
    left = [
        b.name for b in armature.pose.bones if not np.allclose(b.matrix_basis, np.eye(4), atol=1e-5)
    ]
    assert left == []
