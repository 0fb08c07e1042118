"""Rejected takes: what plays while one is chosen in the list, and how one comes back."""

import pytest
from sample_motions import walking_motion

bpy = pytest.importorskip("bpy")


@pytest.fixture
def scene(blank):
    """A scene with two takes on one character, of which the first is chosen and rejected."""
    scene = bpy.context.scene
    scene.render.fps = 20
    armature = blank.character.armature.create_character(bpy.context)
    for _ in range(2):
        request = blank.shared.protocol.messages.Generate("a person walks")
        blank.core.takes.add_take(scene, armature, request, walking_motion(20))
    scene.placid.take_index = 0
    bpy.ops.placid.reject_take()
    assert scene.placid.takes[0].status == "REJECTED"
    return scene


def _played(scene) -> bpy.types.Action | None:
    return scene.placid.takes[0].armature.animation_data.action


def test_preview_brings_a_rejected_take_back(scene):
    take = scene.placid.takes[0]
    assert not bpy.ops.placid.film_take.poll()
    assert bpy.ops.placid.show_take() == {"FINISHED"}
    assert take.status == "NEW"
    assert _played(scene) == take.action is not None
    assert bpy.ops.placid.reject_take.poll()
    assert bpy.ops.placid.film_take.poll()


def test_one_undo_rejects_it_again(scene):
    bpy.ops.ed.undo_push(message="rejected")
    bpy.ops.placid.show_take()
    bpy.ops.ed.undo_push(message="previewed")
    assert bpy.ops.ed.undo() == {"FINISHED"}
    scene = bpy.context.scene
    take = scene.placid.takes[0]
    assert (take.status, take.action) == ("REJECTED", None)
    assert (_played(scene), scene.frame_end) == (None, 250)


def test_a_rejected_take_plays_while_it_is_chosen(scene):
    first, second = scene.placid.takes
    scene.placid.take_index = 1
    scene.placid.take_index = 0
    assert _played(scene) == first.action is not None, "the highlighted take is the one that plays"
    assert first.status == "REJECTED"
    scene.placid.take_index = 1
    assert _played(scene) == second.action is not None
    assert list(bpy.data.actions) == [second.action], "of a rejected take no action stays"


def test_reject_takes_a_rejected_take_that_is_shown_off_again(scene):
    scene.placid.take_index = 0
    assert (_played(scene) is None, scene.frame_end) == (False, 20)
    assert bpy.ops.placid.reject_take() == {"FINISHED"}
    assert (_played(scene), scene.frame_end) == (None, 250)
    assert not bpy.ops.placid.reject_take.poll()


def test_a_rejected_neighbour_of_a_deleted_take_plays(scene):
    scene.placid.take_index = 1
    bpy.ops.placid.delete_take()
    [take] = scene.placid.takes
    assert take.status == "REJECTED"
    assert _played(scene) == take.action is not None
