"""What the action before left in channels that a take does not key stays: the same take looks
different depending on where the playhead was when it was shown."""

import numpy as np
import pytest
from sample_motions import walking_motion

bpy = pytest.importorskip("bpy")


def _old_action(armature) -> None:
    """As an FBX import leaves it: location and scale keys on limbs."""
    armature.animation_data_create().action = bpy.data.actions.new("Old")
    for frame, value in ((1, 0.0), (40, 25.0)):
        fore = armature.pose.bones["mixamorig:LeftForeArm"]
        fore.location = (0.0, value, 0.0)
        fore.keyframe_insert("location", frame=frame)
        arm = armature.pose.bones["mixamorig:RightArm"]
        arm.scale = (1.0, 1.0 + value / 25.0, 1.0)
        arm.keyframe_insert("scale", frame=frame)


def _shown_at(placid, playhead: int) -> np.ndarray:
    bpy.ops.wm.read_homefile(use_empty=True)
    scene = bpy.context.scene
    armature = placid.character.sample_rigs.mixamo_skeleton(bpy.context)
    _old_action(armature)
    scene.frame_set(playhead)
    motion = placid.shared.motion.motion.Motion(walking_motion(40).joints, prompt="a person walks")
    request = placid.shared.protocol.messages.Generate("a person walks")
    placid.core.takes.show(scene, placid.core.takes.add_take(scene, armature, request, motion))
    heads = []
    for frame in (1, 20, 40):
        scene.frame_set(frame)
        posed = armature.evaluated_get(bpy.context.evaluated_depsgraph_get())
        heads.append(
            [
                (*(posed.matrix_world @ bone.head), *(posed.matrix_world @ bone.tail))
                for bone in posed.pose.bones
            ]
        )
    return np.array(heads)


def test_a_take_does_not_depend_on_where_the_playhead_was(blank):
    apart = np.abs(_shown_at(blank, 1) - _shown_at(blank, 40)).max()
    assert apart < 1e-3, f"{apart:.3f} m"
