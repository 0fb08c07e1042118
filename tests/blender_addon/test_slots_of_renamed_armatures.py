"""An action with several slots, and an armature that no longer bears its slot's name."""

import pytest
from sample_motions import walking_motion

bpy = pytest.importorskip("bpy")


@pytest.mark.parametrize("how", ["renamed", "copied"])
def test_rejecting_gives_the_former_slot_back(blank, how):
    scene = bpy.context.scene
    armature = blank.character.sample_rigs.mixamo_skeleton(bpy.context)
    shot = bpy.data.actions.new("Shot")
    armature.animation_data_create().action = shot
    hips = armature.pose.bones["mixamorig:Hips"]
    for frame, height in ((1, 0.0), (20, 50.0)):
        hips.location.y = height
        hips.keyframe_insert("location", frame=frame)
    shot.slots.new("OBJECT", "Camera")  # the same action moves a camera too
    if how == "renamed":
        armature.name = "Hero"
    else:
        armature = armature.copy()
        scene.collection.objects.link(armature)
        hips = armature.pose.bones["mixamorig:Hips"]
    slots = [slot.identifier for slot in shot.slots]
    played = armature.animation_data.action_slot.identifier
    motion = blank.shared.motion.motion.Motion(walking_motion(30).joints, prompt="a person walks")
    request = blank.shared.protocol.messages.Generate("a person walks")
    take = blank.core.takes.add_take(scene, armature, request, motion)
    blank.core.takes.show(scene, take)
    blank.core.takes.reject(scene, take)
    assert armature.animation_data.action == shot
    assert armature.animation_data.action_slot.identifier == played
    assert [slot.identifier for slot in shot.slots] == slots, "the user's action got another slot"
    heights = []
    for frame in (1, 20):
        scene.frame_set(frame)
        heights.append(round(hips.location.y, 3))
    assert heights == [0.0, 50.0]
