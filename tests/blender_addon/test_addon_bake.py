"""Actions as Blender plays them, whatever their storage in its version."""

import importlib
from types import SimpleNamespace

import numpy as np
import pytest

bpy = pytest.importorskip("bpy")


@pytest.fixture
def addon(blank) -> SimpleNamespace:
    names = {
        "bake": "retargeting.bake",
        "slots": "retargeting.slots",
        "retarget": "rig.retarget",
        "character": "character.armature",
    }
    return SimpleNamespace(
        **{k: importlib.import_module(f"{blank.__name__}.{v}") for k, v in names.items()}
    )


def _keys(addon, frames: int = 12, turn: float = 0.5):
    half = np.linspace(0.0, turn, frames) / 2.0
    quats = np.stack([np.cos(half), np.sin(half), 0 * half, 0 * half], axis=-1)
    places = np.stack([0 * half, 0 * half, np.linspace(0.0, 1.0, frames)], axis=-1)
    return addon.retarget.Keys({"pelvis": quats, "left_knee": quats}, {"pelvis": places})


def _play(addon, armature, keys, **frames):
    action = addon.bake.bake(armature, keys, {}, "Turn", **frames)
    addon.slots.assign_action(armature, action)
    return action


def _knee_at(armature, frame: int) -> float:
    bpy.context.scene.frame_set(frame)
    return armature.pose.bones["left_knee"].rotation_quaternion[1]


def test_action_plays_what_was_baked(addon) -> None:
    armature = addon.character.create_character(bpy.context)
    keys = _keys(addon)
    action = _play(addon, armature, keys, frame_start=5.0)
    assert armature.animation_data.action == action
    for frame in (5, 9, 16):
        assert np.isclose(_knee_at(armature, frame), keys.rotations["left_knee"][frame - 5, 1])
        pelvis = armature.pose.bones["pelvis"]
        assert np.allclose(pelvis.location, keys.locations["pelvis"][frame - 5], atol=1e-6)
        assert pelvis.rotation_mode == "QUATERNION"


def test_only_named_bones_have_curves_in_their_groups(addon) -> None:
    armature = addon.character.create_character(bpy.context)
    action = _play(addon, armature, _keys(addon))
    curves = addon.slots.curves_of(action, armature)
    assert len(curves) == 2 * 4 + 3
    assert {curve.group.name for curve in curves} == {"pelvis", "left_knee"}
    assert {key.interpolation for curve in curves for key in curve.keyframe_points} == {"LINEAR"}


def test_keys_can_stand_apart(addon) -> None:
    armature = addon.character.create_character(bpy.context)
    action = _play(addon, armature, _keys(addon, 4), frame_start=1.0, frame_step=1.5)
    curve = addon.slots.curves_of(action, armature)[0]
    assert [point.co[0] for point in curve.keyframe_points] == [1.0, 2.5, 4.0, 5.5]


def test_ten_actions_on_one_armature_all_play(addon) -> None:
    armature = addon.character.create_character(bpy.context)
    turns = np.linspace(0.1, 1.0, 10)
    actions = [_play(addon, armature, _keys(addon, 12, t)) for t in turns]
    for turn, action in zip(turns, actions, strict=True):
        addon.slots.assign_action(armature, action)
        assert np.isclose(_knee_at(armature, 12), np.sin(turn / 2.0), atol=1e-6)


def test_action_still_plays_after_the_armature_was_renamed(addon) -> None:
    armature = addon.character.create_character(bpy.context)
    action = _play(addon, armature, _keys(addon))
    armature.animation_data.action = None
    armature.name = "Someone else"
    addon.slots.assign_action(armature, action)
    assert np.isclose(_knee_at(armature, 12), np.sin(0.25), atol=1e-6)


def test_two_armatures_keep_their_own_actions(addon) -> None:
    first = addon.character.create_character(bpy.context)
    second = addon.character.create_character(bpy.context)
    _play(addon, first, _keys(addon, turn=0.4))
    _play(addon, second, _keys(addon, turn=1.0))
    assert np.isclose(_knee_at(first, 12), np.sin(0.2), atol=1e-6)
    assert np.isclose(_knee_at(second, 12), np.sin(0.5), atol=1e-6)


def test_bone_names_are_escaped(addon) -> None:
    armature = addon.character.create_character(bpy.context)
    odd = 'knee "left" \\ 1'
    armature.data.bones["left_knee"].name = odd
    keys = _keys(addon)
    keys.rotations[odd] = keys.rotations.pop("left_knee")
    _play(addon, armature, keys)
    bpy.context.scene.frame_set(12)
    assert np.isclose(armature.pose.bones[odd].rotation_quaternion[1], np.sin(0.25), atol=1e-6)
