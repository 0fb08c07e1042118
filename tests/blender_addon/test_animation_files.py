"""Files of Blender's as `backend audit` and `backend repair` have them read and written."""

import importlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from strike_motions import kicking_motion

bpy = pytest.importorskip("bpy")

from backend.kinematic_checks.audit import audit_motion  # noqa: E402

KICKS = (35, 85)


@pytest.fixture
def files(blank):
    return importlib.import_module(f"{blank.__name__}.filming.animations")


@pytest.fixture
def orders(blank):
    return importlib.import_module(f"{blank.__name__}.shared.filming.orders")


@pytest.fixture
def fight(blank, tmp_path) -> Path:
    """A .blend with a fight and a stance of one character, and a lamp that swings."""
    scene = bpy.context.scene
    scene.render.fps = 20
    armature = blank.character.sample_rigs.RIGS["mixamo"](bpy.context)
    apply = blank.retargeting.apply_motion
    for name, kicks in (("Stance", ()), ("Fight", KICKS)):
        options = apply.ApplyOptions(name=name, frame_start=5, pin_strength=0.0)
        apply.apply_motion(scene, armature, kicking_motion(120, kicks or (10_000,)), options)
    bpy.data.actions["Stance"].use_fake_user = True
    path = tmp_path / "fight.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(path))
    return path


def _read(files, orders, path: Path, folder: Path):
    folder.mkdir()
    return files.read_animations(orders.ReadAnimations(str(path), str(folder)))


def test_every_action_of_a_character_is_read(files, orders, blank, fight, tmp_path):
    load = blank.shared.motion.motion.load_motion
    found = _read(files, orders, fight, tmp_path / "read")
    assert found.problems == ()
    audits = {a.name: audit_motion(load(Path(a.motion))).answer for a in found.animations}
    assert audits == {"Armature: Fight": "found", "Armature: Stance": "none"}
    assert {a.first for a in found.animations} == {5}


def test_a_repaired_file_keeps_the_old_action_and_all_other_poses(
    files, orders, blank, fight, tmp_path
):
    save, load = blank.shared.motion.motion.save_motion, blank.shared.motion.motion.load_motion
    before = fight.read_bytes()
    old = _read(files, orders, fight, tmp_path / "read").animations
    [fought] = [load(Path(a.motion)) for a in old if "Fight" in a.name]
    joints = fought.joints.copy()
    joints[20:100] = joints[20]
    save(replace(fought, joints=joints), tmp_path / "calm.npz")
    out = tmp_path / "safe.blend"
    order = orders.WriteAnimation(
        str(fight), "Armature: Fight", str(tmp_path / "calm.npz"), ((20, 100),), str(out)
    )
    files.write_animation(order)
    assert fight.read_bytes() == before
    new = {
        a.name: load(Path(a.motion)) for a in _read(files, orders, out, tmp_path / "n").animations
    }
    assert set(new) == {"Armature: Fight", "Armature: Fight as it was", "Armature: Stance"}
    assert audit_motion(new["Armature: Fight"]).answer == "none"
    kept = np.r_[0:20, 100:120]
    assert np.abs(new["Armature: Fight"].joints[kept] - fought.joints[kept]).max() < 1e-4
    assert np.abs(new["Armature: Fight as it was"].joints - fought.joints).max() < 1e-4


def test_what_is_not_recognised_is_told(files, orders, blank, tmp_path):
    data = bpy.data.armatures.new("Lamp")
    lamp = bpy.data.objects.new("Lamp", data)
    bpy.context.scene.collection.objects.link(lamp)
    bpy.context.view_layer.objects.active = lamp
    bpy.ops.object.mode_set(mode="EDIT")
    data.edit_bones.new("Arm").tail = (0, 0, 1)
    bpy.ops.object.mode_set(mode="OBJECT")
    for frame in (1, 30):
        lamp.pose.bones["Arm"].keyframe_insert("rotation_quaternion", frame=frame)
    path = tmp_path / "lamp.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(path))
    found = _read(files, orders, path, tmp_path / "read")
    assert found.animations == ()
    [problem] = found.problems
    assert "no bones that Placid recognises" in problem


def test_what_blender_cannot_open_is_one_sentence(files, orders, blank, tmp_path):
    path = tmp_path / "broken.blend"
    path.write_bytes(b"no blend")
    with pytest.raises(blank.shared.errors.PlacidError, match="cannot be opened"):
        _read(files, orders, path, tmp_path / "read")
