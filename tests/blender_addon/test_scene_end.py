"""The scene's end frame while takes are previewed, accepted, rejected and deleted."""

import pytest
from sample_motions import walking_motion

bpy = pytest.importorskip("bpy")


@pytest.fixture
def scene(blank):
    """A new file's scene at 20 frames a second, as the motions have."""
    scene = bpy.context.scene
    scene.render.fps = 20
    assert (scene.frame_start, scene.frame_end) == (1, 250)
    return scene


def _take(placid, scene, frames: int, armature=None):
    armature = (
        armature or scene.placid.armature or placid.character.armature.create_character(bpy.context)
    )
    scene.placid.armature = armature
    request = placid.shared.protocol.messages.Generate("a person walks")
    placid.core.takes.add_take(scene, armature, request, walking_motion(frames))
    scene.placid.take_index = len(scene.placid.takes) - 1


def test_a_new_scene_ends_with_the_take_that_is_previewed(blank, scene):
    _take(blank, scene, 60)
    assert scene.frame_end == 60
    _take(blank, scene, 40)
    assert scene.frame_end == 40
    scene.placid.take_index = 0
    assert scene.frame_end == 60
    assert bpy.ops.placid.delete_take() == {"FINISHED"}
    assert scene.frame_end == 40, "the neighbour is previewed"
    bpy.ops.placid.reject_take()
    assert scene.frame_end == 250


def test_an_accepted_take_keeps_its_end_and_later_ones_only_extend_it(blank, scene):
    _take(blank, scene, 60)
    bpy.ops.placid.accept_take()
    _take(blank, scene, 40)
    assert scene.frame_end == 60
    _take(blank, scene, 80)
    assert scene.frame_end == 80
    bpy.ops.placid.reject_take()
    assert scene.frame_end == 60


def test_a_range_of_the_users_is_extended_only_and_given_back(blank, scene):
    scene.frame_end = 50
    _take(blank, scene, 40)
    assert scene.frame_end == 50
    _take(blank, scene, 60)
    assert scene.frame_end == 60
    bpy.ops.placid.reject_take()
    assert scene.frame_end == 50
    bpy.ops.placid.show_take()
    assert scene.frame_end == 60


def test_an_end_that_the_user_sets_during_a_preview_is_the_users(blank, scene):
    _take(blank, scene, 60)
    scene.frame_end = 90
    _take(blank, scene, 40)
    assert scene.frame_end == 90
    bpy.ops.placid.reject_take()
    assert scene.frame_end == 90


def test_a_scene_with_other_animation_is_not_shortened(blank, scene):
    lamp = bpy.data.objects.new("Lamp", None)
    scene.collection.objects.link(lamp)
    lamp.keyframe_insert("location", frame=200)
    _take(blank, scene, 60)
    assert scene.frame_end == 250
    scene.placid_motion.start, scene.placid_motion.frame = "FRAME", 230
    _take(blank, scene, 60)
    assert scene.frame_end == 289


def test_keys_between_frames_round_the_end_up(blank, scene):
    scene.render.fps = 24
    scene.placid_motion.own_rate, scene.placid_motion.fps = True, 20
    _take(blank, scene, 60)
    assert scene.placid.takes[0].action.frame_range[1] == pytest.approx(71.8, abs=0.1)
    assert scene.frame_end == 72


def test_a_scene_with_sound_is_not_shortened(blank, scene):
    editor = scene.sequence_editor_create()
    strips = editor.strips if hasattr(editor, "strips") else editor.sequences
    strips.new_meta("Sounds", 1, 1)
    _take(blank, scene, 60)
    assert scene.frame_end == 250
