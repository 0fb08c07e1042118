"""A root bone on the floor that stays behind counts as body: the camera shows the way, not the
character. All bones of a glTF import deform, root bones too."""

import numpy as np
import pytest
from sample_motions import walking_motion

bpy = pytest.importorskip("bpy")


def _add_root(armature) -> None:
    bpy.context.view_layer.objects.active = armature
    bpy.ops.object.mode_set(mode="EDIT")
    bones = armature.data.edit_bones
    root = bones.new("root")
    root.head, root.tail = (0, 0, 0), (0, 20, 0)
    bones["mixamorig:Hips"].parent = root
    bpy.ops.object.mode_set(mode="OBJECT")


def _distance(placid, with_root: bool) -> float:
    bpy.ops.wm.read_homefile(use_empty=True)
    scene = bpy.context.scene
    armature = placid.character.sample_rigs.mixamo_skeleton(bpy.context)
    if with_root:
        _add_root(armature)
    joints = walking_motion(60).joints.copy()
    joints[..., 2] += np.linspace(0.0, 4.0, 60)[:, None]  # a longer way
    motion = placid.shared.motion.motion.Motion(joints, prompt="a person walks")
    request = placid.shared.protocol.messages.Generate("a person walks")
    take = placid.core.takes.add_take(scene, armature, request, motion)
    placid.core.takes.show(scene, take)
    frames = tuple(round(frame) for frame in take.action.frame_range)
    with placid.filming.stage.preview_scene(armature, frames) as stage:
        stage.frame_set(frames[1])
        graph = stage.view_layers[0].depsgraph
        posed, camera = armature.evaluated_get(graph), stage.camera.evaluated_get(graph)
        hips = posed.matrix_world @ posed.pose.bones["mixamorig:Hips"].head
        return (camera.matrix_world.translation - hips).length


def test_a_root_bone_does_not_push_the_camera_away(blank):
    assert _distance(blank, True) == pytest.approx(_distance(blank, False), rel=0.15)
