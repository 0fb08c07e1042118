"""Motions on real armatures, judged by where Blender puts the bones."""

import importlib
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from sample_motions import walking_motion

from shared.motion.bvh import save_bvh
from shared.motion.contacts import foot_contacts
from shared.motion.skeleton import JOINT, JOINT_NAMES, PARENTS

bpy = pytest.importorskip("bpy")

LIMBS = [f"{s}_{j}" for s in ("left", "right") for j in ("knee", "ankle", "elbow", "wrist")]


@pytest.fixture
def addon(blank) -> SimpleNamespace:
    bpy.context.scene.render.fps = 20
    places = {
        "apply": "retargeting.apply_motion",
        "slots": "retargeting.slots",
        "character": "character.armature",
        "sample_rigs": "character.sample_rigs",
    }
    places["read_rig"] = "rig.read_rig"
    places |= {name: f"shared.recognition.{name}" for name in ("detect", "skeleton_rig", "mapping")}
    return SimpleNamespace(
        **{k: importlib.import_module(f"{blank.__name__}.{v}") for k, v in places.items()}
    )


def our_motion(addon, frames: int = 60):
    """The motion as the add-on's own copy of `shared` knows it."""
    module = importlib.import_module(
        f"{addon.apply.__package__.rpartition('.')[0]}.shared.motion.motion"
    )
    motion = walking_motion(frames)
    return module.Motion(motion.joints, prompt=motion.prompt, seed=motion.seed)


def head(armature, bone: str) -> np.ndarray:
    """Where a bone starts in the world, constraints included."""
    posed = armature.evaluated_get(bpy.context.evaluated_depsgraph_get())
    return np.array(posed.matrix_world @ posed.pose.bones[bone].head)


def worst_direction(addon, armature, motion, bones: dict[str, str] | None = None) -> float:
    """Largest angle in degrees between limbs in the world and in the motion, over some frames."""
    bones = bones or addon.detect.detect(addon.read_rig.read_rig(armature)).mapping.bones
    joints = motion.with_up("Z").joints
    worst = 0.0
    for frame in range(0, len(joints), 7):
        bpy.context.scene.frame_set(frame + 1)
        for name in LIMBS:
            child, parent = JOINT[name], PARENTS[JOINT[name]]
            a = head(armature, bones[name]) - head(armature, bones[JOINT_NAMES[parent]])
            b = joints[frame, child] - joints[frame, parent]
            cosine = a @ b / np.linalg.norm(a) / np.linalg.norm(b)
            worst = max(worst, np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0))))
    return worst


@pytest.mark.parametrize("kind", ["placid", "rigify", "mixamo"])
def test_limbs_follow_the_motion_and_stand_on_the_floor(addon, kind: str) -> None:
    armature = addon.sample_rigs.RIGS[kind](bpy.context)
    motion = our_motion(addon)
    loose = addon.apply.ApplyOptions(pin_strength=0.0)
    report = addon.apply.apply_motion(bpy.context.scene, armature, motion, loose)
    assert worst_direction(addon, armature, motion) < 1.0
    assert report.fit.worst_error < 1.0
    addon.apply.apply_motion(bpy.context.scene, armature, motion, addon.apply.ApplyOptions())
    bones = addon.detect.detect(addon.read_rig.read_rig(armature)).mapping.bones
    for frame in range(1, 61, 7):
        bpy.context.scene.frame_set(frame)
        for side in ("left", "right"):
            assert head(armature, bones[f"{side}_foot"])[2] > 0.0


@pytest.mark.parametrize("kind", ["placid", "rigify"])
def test_toes_bend_instead_of_going_through_the_floor(addon, kind: str) -> None:
    armature = addon.sample_rigs.RIGS[kind](bpy.context)
    bones = addon.detect.detect(addon.read_rig.read_rig(armature)).mapping.bones
    toes = [bones[f"{side}_foot"] for side in ("left", "right")]
    rest = min(armature.data.bones[toe].tail_local.z for toe in toes)

    def lowest(pin_strength: float) -> float:
        options = addon.apply.ApplyOptions(pin_strength=pin_strength)
        addon.apply.apply_motion(bpy.context.scene, armature, our_motion(addon), options)
        heights = []
        for frame in range(1, 61):
            bpy.context.scene.frame_set(frame)
            posed = armature.evaluated_get(bpy.context.evaluated_depsgraph_get()).pose.bones
            heights += [posed[toe].tail.z for toe in toes]
        return min(heights)

    assert lowest(0.0) < rest - 0.01
    assert lowest(1.0) > rest - 0.005


@pytest.mark.parametrize("kind", ["rigify", "mixamo"])
def test_a_figure_stands_on_flat_soles(addon, kind: str) -> None:
    addon.sample_rigs.RIGS[kind](bpy.context)
    bpy.context.view_layer.update()
    (figure,) = (item for item in bpy.data.objects if item.type == "MESH")
    heights = [(figure.matrix_world @ vertex.co).z for vertex in figure.data.vertices]
    assert min(heights) == pytest.approx(0.0, abs=1e-4)


def test_character_in_the_scene_walks_from_where_it_stands(addon) -> None:
    armature = addon.character.create_character(bpy.context)
    armature.location = (3.0, -2.0, 0.0)
    armature.rotation_euler.z = np.pi / 2.0
    bpy.context.view_layer.update()
    motion = our_motion(addon)
    addon.apply.apply_motion(bpy.context.scene, armature, motion, addon.apply.ApplyOptions())
    bpy.context.scene.frame_set(1)
    start = head(armature, "pelvis")
    bpy.context.scene.frame_set(60)
    way = head(armature, "pelvis") - start
    assert np.allclose(start[:2], (3.0, -2.0), atol=0.05)
    # Facing -Y turned a quarter to the left faces +X.
    assert way[0] > 2.0


def test_scene_frame_rate_sets_the_keys(addon) -> None:
    bpy.context.scene.render.fps = 30
    armature = addon.character.create_character(bpy.context)
    motion = our_motion(addon, 41)
    options = addon.apply.ApplyOptions(frame_start=10.0, name="Fast")
    action = addon.apply.apply_motion(bpy.context.scene, armature, motion, options).action
    assert tuple(action.frame_range) == (10.0, 70.0)
    assert action.name == "Fast"
    assert action["placid_seed"] == "3"


def test_foreign_armature_is_refused_in_one_sentence(addon) -> None:
    data = bpy.data.armatures.new("Plant")
    armature = bpy.data.objects.new("Plant", data)
    bpy.context.collection.objects.link(armature)
    bpy.context.view_layer.objects.active = armature
    motion, options = our_motion(addon), addon.apply.ApplyOptions()
    with pytest.raises(addon.skeleton_rig.RigError, match="no bones"):
        addon.apply.apply_motion(bpy.context.scene, armature, motion, options)
    bpy.ops.object.mode_set(mode="EDIT")
    data.edit_bones.new("stem").tail = (0.0, 0.0, 1.0)
    bpy.ops.object.mode_set(mode="OBJECT")
    with pytest.raises(addon.skeleton_rig.RigError, match="Plant"):
        addon.apply.apply_motion(bpy.context.scene, armature, motion, options)
    assert armature.animation_data is None


@pytest.mark.slow
def test_generated_rigify_rig_gets_keys_on_its_controls(addon) -> None:
    bpy.ops.preferences.addon_enable(module="rigify")
    bpy.ops.object.armature_human_metarig_add()
    metarig = bpy.context.object
    bpy.ops.pose.rigify_generate()
    rig = next(o for o in bpy.data.objects if o.type == "ARMATURE" and o is not metarig)
    motion = our_motion(addon)
    options = addon.apply.ApplyOptions(pin_strength=0.0)
    report = addon.apply.apply_motion(bpy.context.scene, rig, motion, options)
    assert report.rig == "Rigify"
    keyed = {c.group.name for c in addon.slots.curves_of(report.action, rig)}
    assert not {bone for bone in keyed if bone.startswith(("DEF-", "ORG-", "MCH-"))}
    for limb in ("thigh_parent.L", "thigh_parent.R", "upper_arm_parent.L", "upper_arm_parent.R"):
        assert rig.pose.bones[limb]["IK_FK"] == 1.0
        assert limb in keyed
    parts = {"hip": "thigh", "knee": "shin", "ankle": "foot", "foot": "toe", "wrist": "hand"}
    parts |= {"shoulder": "upper_arm", "elbow": "forearm"}
    deform = {
        f"{side}_{joint}": f"DEF-{part}.{side[0].upper()}"
        for side in ("left", "right")
        for joint, part in parts.items()
    }
    assert worst_direction(addon, rig, motion, deform) < 3.0


def test_bvh_imports_into_blender(addon, tmp_path: Path) -> None:
    """Blender's own importer sees the joints where the motion has them."""
    motion = walking_motion(20)
    save_bvh(motion, tmp_path / "walk.bvh")
    bpy.ops.preferences.addon_enable(module="io_anim_bvh")
    bpy.ops.import_anim.bvh(filepath=str(tmp_path / "walk.bvh"), update_scene_fps=True)
    armature = bpy.context.object
    assert bpy.context.scene.render.fps == 20
    joints = motion.with_up("Z").joints
    for frame in (0, 7, 19):
        bpy.context.scene.frame_set(frame + 1)
        for name in JOINT_NAMES:
            assert np.allclose(head(armature, name), joints[frame, JOINT[name]], atol=0.002), name


def test_contacts_of_the_sample_exist() -> None:
    """The floor test above would say nothing about a motion that never stands."""
    assert foot_contacts(walking_motion()).any()
