"""A rig that is animated through other controls than the mapped ones is read by its body."""

import numpy as np
import pytest
from walks import add_walk, places, walk

bpy = pytest.importorskip("bpy")


@pytest.fixture
def rig(blank):
    """A skinned skeleton that follows a chain of FK controls, or an IK target at its left foot.

    Controls rest where the bones that follow them do.
    """
    bpy.context.scene.render.fps = 20
    rig = blank.character.sample_rigs.mixamo_skeleton(bpy.context)
    bpy.context.view_layer.objects.active = rig
    bpy.ops.object.mode_set(mode="EDIT")
    bones = rig.data.edit_bones
    names = [bone.name for bone in bones]
    # IK bends no leg that is quite straight.
    bones["mixamorig:LeftLeg"].head.z += 4.0
    for name in names:
        skin, source = bones.new(f"DEF-{name}"), bones[name]
        skin.head, skin.tail, skin.roll = source.head, source.tail, source.roll
        skin.parent = bones.get(f"DEF-{source.parent.name}") if source.parent else None
        source.use_deform = False
    target = bones.new("IK foot")
    foot = bones["mixamorig:LeftFoot"]
    target.head, target.tail, target.use_deform = foot.head, foot.tail, False
    bpy.ops.object.mode_set(mode="OBJECT")
    for name in names:
        copy = rig.pose.bones[f"DEF-{name}"].constraints.new("COPY_TRANSFORMS")
        copy.target, copy.subtarget = rig, name
    ik = rig.pose.bones["DEF-mixamorig:LeftLeg"].constraints.new("IK")
    ik.target, ik.subtarget, ik.chain_count = rig, "IK foot", 2
    for name in ("LeftUpLeg", "LeftLeg", "LeftFoot"):
        rig.pose.bones[f"DEF-mixamorig:{name}"].constraints[0].mute = True
    return rig


def test_a_squat_made_with_ik_is_read_with_a_bent_knee(blank, rig):
    scene = bpy.context.scene
    hips = rig.pose.bones["mixamorig:Hips"]
    for frame, height in ((1, 0.0), (20, -30.0)):
        hips.location.y = height
        hips.keyframe_insert("location", frame=frame)
    ends = places(rig, ["DEF-mixamorig:LeftUpLeg", "DEF-mixamorig:LeftFoot"], (1, 20))
    really = np.linalg.norm(ends[:, 1] - ends[:, 0], axis=-1)
    assert really[1] < 0.8 * really[0]
    joints = blank.retargeting.read_motion.read_motion(scene, rig, (1, 20)).joints
    read = np.linalg.norm(joints[:, 7] - joints[:, 1], axis=-1)  # left ankle to left hip
    assert read[-1] / read[0] == pytest.approx(really[1] / really[0], abs=0.02)


def test_a_take_on_the_idle_controls_is_told(blank, rig):
    take = add_walk(blank, rig)
    blank.core.takes.show(bpy.context.scene, take)
    assert "mixamorig:LeftUpLeg" in take.report
    assert "switch the rig from IK to FK" in take.report


def test_blending_starts_where_the_body_is(blank, rig):
    """The IK target holds the foot under lower hips; the FK controls know nothing of it."""
    scene = bpy.context.scene
    rig.pose.bones["mixamorig:Hips"].location.y = -30.0
    mapping = blank.retargeting.bone_mapping
    read_rig = blank.rig.read_rig.read_rig(rig)
    chosen = mapping.mapping_of(rig, read_rig)
    binding = blank.rig.binding.bind(read_rig, chosen)
    shown = blank.retargeting.body_bones.body_bones(rig, chosen)
    stance = blank.retargeting.record_stance.record_stance(scene, rig, binding, shown, [1.0])
    thigh = binding.at["left_hip"]
    assert abs(stance.turned[0, thigh, 0]) < 0.99
    assert abs(stance.turned[0, binding.at["right_hip"], 0]) > 0.9999


@pytest.mark.slow
def test_a_rigify_rig_that_is_animated_by_ik_is_read_by_its_body(blank):
    metarig = blank.character.sample_rigs.rigify_metarig(bpy.context)
    bpy.context.view_layer.objects.active = metarig
    bpy.ops.object.mode_set(mode="POSE")
    bpy.ops.pose.rigify_generate()
    bpy.ops.object.mode_set(mode="OBJECT")
    rig = next(o for o in bpy.context.scene.objects if o.type == "ARMATURE" and o != metarig)
    for side in "LR":
        rig.pose.bones[f"thigh_parent.{side}"]["IK_FK"] = 0.0
    rig.animation_data_create().action = bpy.data.actions.new("Squat")
    torso = rig.pose.bones["torso"]
    for frame, height in ((1, 0.0), (20, -0.3)):
        torso.location = (0.0, 0.0, height)
        torso.keyframe_insert("location", frame=frame)
    ends = places(rig, ["ORG-thigh.L", "ORG-foot.L"], (1, 20))
    really = np.linalg.norm(ends[:, 1] - ends[:, 0], axis=-1)
    joints = blank.retargeting.read_motion.read_motion(bpy.context.scene, rig, (1, 20)).joints
    read = np.linalg.norm(joints[:, 7] - joints[:, 1], axis=-1)
    assert read[-1] / read[0] == pytest.approx(really[1] / really[0], abs=0.05)
    assert joints[-1, 7:9, 1].min() > -0.02, "feet stay on the floor"
    motion = walk(blank, 40)
    module = blank.retargeting.apply_motion
    report = module.apply_motion(
        bpy.context.scene, rig, motion, module.ApplyOptions(pin_strength=0.0)
    )
    assert report.fit.worst_error < 5.0
    assert report.fit.hindrance == ""
