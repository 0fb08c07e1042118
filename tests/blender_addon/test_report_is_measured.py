"""The report tells what the armature does in Blender, and what keeps it from following."""

import math

import numpy as np
import pytest
from sample_motions import walking_motion
from walks import places, walk

bpy = pytest.importorskip("bpy")

LIMBS = {
    f"{side}{upper}": f"{side}{lower}"
    for side in ("Left", "Right")
    for upper, lower in (("UpLeg", "Leg"), ("Leg", "Foot"), ("Arm", "ForeArm"), ("ForeArm", "Hand"))
}
FRAMES = range(1, 61, 3)


def _bone(name: str) -> str:
    return f"mixamorig:{name}"


@pytest.fixture
def apply(blank):
    bpy.context.scene.render.fps = 20

    def apply(armature, **options):
        module = blank.retargeting.apply_motion
        settings = module.ApplyOptions(**{"pin_strength": 0.0, **options})
        return module.apply_motion(bpy.context.scene, armature, walk(blank, 60), settings)

    return apply


@pytest.fixture
def armature(blank):
    return blank.character.sample_rigs.mixamo_skeleton(bpy.context)


def _directions(armature) -> np.ndarray:
    heads = {
        end: places(armature, [_bone(end)], FRAMES)[:, 0] for pair in LIMBS.items() for end in pair
    }
    found = np.stack([heads[end] - heads[start] for start, end in LIMBS.items()], axis=1)
    return found / np.linalg.norm(found, axis=-1, keepdims=True)


def _worst(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.degrees(np.arccos((a * b).sum(-1).clip(-1.0, 1.0))).max())


def _hold_feet_by_ik(armature) -> None:
    for side in ("Left", "Right"):
        target = bpy.data.objects.new(f"{side} Foot", None)
        bpy.context.collection.objects.link(target)
        foot = armature.data.bones[_bone(f"{side}Foot")]
        target.location = armature.matrix_world @ foot.head_local
        ik = armature.pose.bones[_bone(f"{side}Leg")].constraints.new("IK")
        ik.target, ik.chain_count = target, 2


def _limit_knees(armature) -> None:
    for side in ("Left", "Right"):
        limit = armature.pose.bones[_bone(f"{side}Leg")].constraints.new("LIMIT_ROTATION")
        limit.use_limit_x = limit.use_limit_y = limit.use_limit_z = True
        limit.owner_space = "LOCAL"


def _drive_arm(armature) -> None:
    bone = armature.pose.bones[_bone("LeftArm")]
    for index in range(4):
        bone.driver_add("rotation_quaternion", index).driver.expression = str(float(index == 0))


def _stretch(armature) -> None:
    armature.scale = [
        size * factor for size, factor in zip(armature.scale, (1.5, 1, 1), strict=True)
    ]
    armature.rotation_euler.z = 0.6
    bpy.context.view_layer.update()


def _mirror(armature) -> None:
    armature.scale.x = -armature.scale.x
    bpy.context.view_layer.update()


def _weaken(armature) -> None:
    data = armature.animation_data_create()
    strip = data.nla_tracks.new().strips.new("Rest", 1, bpy.data.actions.new("Rest"))
    strip.influence = 1.0
    data.action_influence = 0.3


HINDRANCES = {
    "IK": (_hold_feet_by_ik, "IK on mixamorig:LeftLeg"),
    "limits": (_limit_knees, "Limit Rotation on mixamorig:LeftLeg"),
    "drivers": (_drive_arm, "drivers move mixamorig:LeftArm"),
    "stretched": (_stretch, "scaled unevenly"),
    "mirrored": (_mirror, "mirrored"),
    "influence": (_weaken, "influence 1"),
}


@pytest.mark.parametrize("kind", HINDRANCES)
def test_what_bends_the_result_is_measured_and_named(blank, apply, armature, kind):
    apply(armature)
    free = _directions(armature)
    hinder, name = HINDRANCES[kind]
    hinder(armature)
    report = apply(armature)
    if kind not in ("stretched", "mirrored"):
        off = _worst(free, _directions(armature))
        assert off > 10.0
        assert report.fit.worst_error == pytest.approx(off, rel=0.35)
    assert report.fit.worst_error > 3.0
    assert name in report.sentence


def test_a_muted_constraint_is_no_hindrance(apply, armature):
    _hold_feet_by_ik(armature)
    for side in ("Left", "Right"):
        armature.pose.bones[_bone(f"{side}Leg")].constraints[0].mute = True
    report = apply(armature)
    assert report.fit.worst_error < 1.0
    assert report.fit.hindrance == ""


PLACES = ("turned", "small", "parented", "hidden", "elsewhere", "euler", "local", "linked data")


@pytest.mark.parametrize("how", PLACES)
def test_rigs_in_any_place_follow_without_a_word(blank, apply, armature, how):
    scene = bpy.context.scene
    if how == "turned":
        armature.rotation_euler.z = 2.0
    elif how == "small":
        armature.scale = [0.3 * size for size in armature.scale]
    elif how == "parented":
        parent = bpy.data.objects.new("Lift", None)
        scene.collection.objects.link(parent)
        parent.rotation_euler.z, parent.location.z, parent.scale = 1.0, 3.0, (2.0, 2.0, 2.0)
        armature.parent = parent
    elif how == "hidden":
        armature.hide_viewport = True
    elif how == "euler":
        for bone, mode in zip(armature.pose.bones, ("XYZ", "ZXY", "AXIS_ANGLE") * 8, strict=False):
            bone.rotation_mode = mode
    elif how == "local":
        for bone in armature.data.bones:
            bone.use_local_location = False
            bone.use_inherit_rotation = "Arm" not in bone.name
    elif how == "linked data":
        armature.data = armature.data.copy()
        armature.data.name = "Shared"
        other = bpy.data.objects.new("Twin", armature.data)
        scene.collection.objects.link(other)
    elif how == "elsewhere":
        other = bpy.data.collections.new("Off")
        scene.collection.children.link(other)
        other.objects.link(armature)
        scene.collection.objects.unlink(armature)
        bpy.context.view_layer.layer_collection.children["Off"].exclude = True
    bpy.context.view_layer.update()
    report = apply(armature)
    assert report.fit.worst_error < 1.0
    assert report.fit.hindrance == ""
    assert armature.hide_viewport == (how == "hidden")
    assert (armature in list(scene.collection.objects)) == (how != "elsewhere")


@pytest.mark.parametrize(
    ("fps", "base", "own"), [(30, 1.001, None), (24, 1.0, 12.5), (60, 1.0, 20.0)]
)
def test_any_frame_rate_is_followed(apply, armature, fps, base, own):
    scene = bpy.context.scene
    scene.render.fps, scene.render.fps_base = fps, base
    assert apply(armature, fps=own, frame_start=-7.0).fit.worst_error < 1.0


def test_a_character_that_is_in_another_scene_only_is_measured_there(blank, apply, armature):
    other = bpy.data.scenes.new("Other")
    other.render.fps = 20
    for item in (armature, *armature.children):
        other.collection.objects.link(item)
        bpy.context.scene.collection.objects.unlink(item)
    take = blank.core.takes.add_take(
        bpy.context.scene,
        armature,
        blank.shared.protocol.messages.Generate("a person walks"),
        walk(blank),
    )
    blank.core.takes.show(bpy.context.scene, take)
    assert armature.animation_data.action == take.action
    assert "astray" not in take.report
    assert list(armature.users_scene) == [other]


def test_hips_that_are_held_are_told(apply, armature):
    hold = armature.pose.bones[_bone("Hips")].constraints.new("LIMIT_LOCATION")
    for axis in "xyz":
        setattr(hold, f"use_min_{axis}", True)
        setattr(hold, f"use_max_{axis}", True)
    hold.owner_space = "LOCAL"
    report = apply(armature)
    way = np.linalg.norm(np.diff(walking_motion(60).joints[[0, -1], 0], axis=0))
    assert report.fit.astray == pytest.approx(way, rel=0.1)
    assert "Limit Location on mixamorig:Hips" in report.sentence


def test_frame_and_pose_are_as_they_were(apply, armature):
    bpy.context.scene.frame_set(17, subframe=0.25)
    apply(armature)
    assert (bpy.context.scene.frame_current, bpy.context.scene.frame_subframe) == (17, 0.25)


def test_a_motion_without_a_body_is_refused_and_leaves_nothing(blank, armature):
    module = blank.retargeting.apply_motion
    motion = blank.shared.motion.motion
    for joints in (np.zeros((20, 22, 3)), walking_motion(20).joints * 1e-4):
        nobody = motion.Motion(joints.astype(np.float32), prompt="nothing")
        with pytest.raises(motion.MotionError, match="shows no body"):
            module.apply_motion(bpy.context.scene, armature, nobody, module.ApplyOptions())
    assert list(bpy.data.actions) == []
    assert math.isclose(armature.pose.bones[_bone("Hips")].location.length, 0.0)
