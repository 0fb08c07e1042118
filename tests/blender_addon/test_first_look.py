"""A new take is seen: in no other object, from its beginning, by every view."""

import time
from types import SimpleNamespace

import numpy as np
import pytest

bpy = pytest.importorskip("bpy")


def _box(place, size=2.0):
    bpy.ops.mesh.primitive_cube_add(size=size, location=place)
    cube = bpy.context.object
    cube.select_set(False)
    bpy.context.view_layer.objects.active = None
    bpy.context.view_layer.update()
    return cube


@pytest.fixture
def new_character(blank):
    """Makes a character as Generate does where none is selected."""

    def make():
        bpy.context.view_layer.update()
        return blank.features.generate.operators.target_or_new(bpy.context)

    return make


def test_a_character_stands_beside_the_cube_of_the_start_up_scene(new_character):
    _box((0, 0, 0))
    place = new_character().location
    assert max(abs(place.x), abs(place.y)) >= 1.5, "half the cube and half a body"
    assert place.z == 0


def test_it_stands_at_the_cursor_where_that_is_free(new_character):
    _box((5, 0, 1))
    _box((0, 0, -0.95))
    bpy.context.scene.cursor.location = (0.5, 1.0, 0.0)
    assert tuple(new_character().location) == (0.5, 1.0, 0.0), "a floor is no obstacle"


def test_what_is_hidden_is_no_obstacle_and_a_room_is_no_reason_to_leave(new_character):
    _box((0, 0, 0)).hide_set(True)
    _box((0, 0, 10), size=60)
    assert tuple(new_character().location) == (0, 0, 0)


def test_two_characters_do_not_stand_in_each_other(new_character):
    first = new_character()
    for item in list(bpy.context.view_layer.objects.selected):
        item.select_set(False)
    bpy.context.view_layer.objects.active = None
    second = new_character()
    assert second != first
    assert (second.location - first.location).length > 0.4


@pytest.fixture
def seen(walking, monkeypatch):
    """Generates with somebody looking on: an area that says where it looks."""
    view = SimpleNamespace(view_perspective="PERSP", view_location=None, view_distance=1000.0)
    region = SimpleNamespace(type="WINDOW", width=100, height=100)
    area = SimpleNamespace(
        type="VIEW_3D",
        spaces=SimpleNamespace(active=SimpleNamespace(region_3d=view)),
        regions=[region],
    )
    look = walking.core.first_look
    monkeypatch.setattr(walking.core.arrivals, "has_window", lambda: True)
    monkeypatch.setattr(walking.core.arrivals, "push_undo", lambda message: None)

    def generate(where=(50.0, 50.0), **settings):
        point = None if where is None else SimpleNamespace(x=where[0], y=where[1])
        monkeypatch.setattr(look, "location_3d_to_region_2d", lambda *about: point)
        scene = bpy.context.scene
        scene.frame_set(17)
        scene.placid.prompt, scene.placid.seconds = "a person walks", 2.0
        assert bpy.ops.placid.generate() == {"FINISHED"}
        current = walking.core.runtime.get()
        deadline = time.monotonic() + 60
        while current.job is not None:
            assert time.monotonic() < deadline
            current.tick(0.05)
        take = scene.placid.takes[-1]
        look.bring_into_view(area, take.armature)
        return take, view

    return generate


def test_the_playhead_goes_to_the_beginning(seen):
    take, _ = seen()
    assert bpy.context.scene.frame_current == round(take.action.frame_range[0]) == 1


def test_a_view_turns_to_a_character_that_it_does_not_show(seen):
    take, view = seen(where=None)
    pelvis = take.armature.matrix_world @ take.armature.pose.bones["pelvis"].head
    np.testing.assert_allclose(view.view_location, pelvis, atol=0.5)
    assert 1.5 < view.view_distance < 10.0


def test_a_view_that_shows_the_character_stays(seen):
    _, view = seen()
    view.view_location, view.view_distance = "as it was", 5.0
    seen()
    assert (view.view_location, view.view_distance) == ("as it was", 5.0)
