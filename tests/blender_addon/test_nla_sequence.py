"""Takes as strips of a sequence: all of them play, and nothing takes the sequence away."""

import numpy as np
import pytest
from walks import add_walk, places, played

bpy = pytest.importorskip("bpy")


@pytest.fixture
def armature(blank):
    """A character that plays two walks of 40 frames one after the other, from frame 1 and 71."""
    scene = bpy.context.scene
    scene.render.fps = 20
    armature = blank.character.armature.create_character(bpy.context)
    scene.placid_motion.start = "FRAME"
    for frame in (1, 71):
        scene.placid_motion.frame = frame
        blank.core.takes.push_to_nla(scene, add_walk(blank, armature))
    return armature


def _strips(armature) -> list:
    return [strip for track in armature.animation_data.nla_tracks for strip in track.strips]


def _way(armature, first: int, last: int) -> float:
    return float(np.linalg.norm(np.diff(places(armature, ["pelvis"], (first, last))[:, 0], axis=0)))


def test_both_takes_play(armature):
    assert _way(armature, 1, 40) > 1.0
    assert _way(armature, 71, 110) > 1.0
    assert _way(armature, 45, 69) < 1e-4, "the first one is held until the second one begins"
    assert [strip.extrapolation for strip in _strips(armature)] == ["HOLD_FORWARD"] * 2


def test_pushing_twice_makes_one_strip(blank, armature):
    bpy.context.scene.placid.take_index = 0
    assert bpy.ops.placid.push_to_nla() == {"FINISHED"}
    assert len(_strips(armature)) == 2
    assert played(armature) is None


def test_choosing_a_pushed_take_shows_the_sequence(armature):
    bpy.context.scene.placid.take_index = 0
    assert played(armature) is None
    assert _way(armature, 71, 110) > 1.0


def test_a_take_that_covers_the_sequence_can_be_taken_off(blank, armature):
    scene = bpy.context.scene
    assert not bpy.ops.placid.back_to_sequence.poll()
    add_walk(blank, armature)
    scene.placid.take_index = 2
    third = scene.placid.takes[2]
    assert played(armature) == third.action
    assert bpy.ops.placid.back_to_sequence() == {"FINISHED"}
    assert played(armature) is None
    assert third.action is not None
    for verb in ("show", "accept"):
        getattr(blank.core.takes, verb)(scene, third)
        assert played(armature) == third.action
        scene.placid.take_index = 0
        assert played(armature) is None, "a pushed take is shown where it is"
    assert third.action.use_fake_user


def test_an_action_of_the_users_above_the_strips_stays(blank, armature):
    scene = bpy.context.scene
    layer = bpy.data.actions.new("Gesture")
    blank.retargeting.slots.assign_action(armature, layer)
    scene.placid.take_index = 0
    assert played(armature) == layer
    add_walk(blank, armature)
    scene.placid.take_index = 2
    scene.placid.take_index = 0
    assert played(armature) == layer


def test_rejecting_a_pushed_take_removes_its_strip_and_no_other(blank, armature):
    scene = bpy.context.scene
    first, second = scene.placid.takes
    track = armature.animation_data.nla_tracks[0]
    own = bpy.data.actions.new("Own")
    track.strips.new("Own", 200, own)
    blank.core.takes.reject(scene, first)
    assert [strip.action for strip in _strips(armature)] == [own, second.action]
    assert len(armature.animation_data.nla_tracks) == 2
    blank.core.takes.reject(scene, second)
    assert [strip.action for strip in _strips(armature)] == [own]
    assert len(armature.animation_data.nla_tracks) == 1, "the track was the take's own"


def test_rejecting_the_only_strip_gives_the_former_action_back(blank):
    scene = bpy.context.scene
    armature = blank.character.armature.create_character(bpy.context)
    former = bpy.data.actions.new("Former")
    blank.retargeting.slots.assign_action(armature, former)
    take = add_walk(blank, armature)
    blank.core.takes.push_to_nla(scene, take)
    assert played(armature) is None
    blank.core.takes.reject(scene, take)
    assert played(armature) == former


def test_retargeting_a_pushed_take_lets_its_strip_play_the_new_action(blank, armature):
    scene = bpy.context.scene
    second = scene.placid.takes[1]
    old = second.action
    _strips(armature)[1].frame_start_ui = 91.0
    scene.placid_motion.root_motion = "in_place"
    blank.core.takes.retarget(scene, second, armature)
    strip = _strips(armature)[1]
    assert strip.action == second.action != old
    assert (strip.frame_start, strip.frame_end) == (91.0, 130.0)
    assert played(armature) is None
    way = places(armature, ["pelvis"], (91, 130))[:, 0, :2]
    assert np.linalg.norm(way[1] - way[0]) < 1e-4


def test_preview_of_a_pushed_take_goes_to_its_strip(blank, armature):
    scene = bpy.context.scene
    _strips(armature)[1].frame_start_ui = 91.0
    scene.placid.take_index = 1
    assert bpy.ops.placid.show_take() == {"FINISHED"}
    assert scene.frame_current == 91


def test_a_strip_within_a_meta_strip_is_known(blank, armature):
    scene = bpy.context.scene
    _group(armature)
    first = scene.placid.takes[0]
    assert blank.core.sequence.is_pushed(first)
    scene.placid.take_index = 0
    assert bpy.ops.placid.push_to_nla() == {"FINISHED"}
    assert len(_strips(armature)) == 2
    with pytest.raises(blank.shared.errors.PlacidError, match="ungroup"):
        blank.core.takes.reject(scene, first)
    assert (first.status, len(_strips(armature))) == ("ACCEPTED", 2)


def _group(armature) -> None:
    """Make a meta strip of the first track's strip, as Blender's NLA editor does."""
    window = bpy.context.window_manager.windows[0]
    area = window.screen.areas[0]
    kind, area.type = area.type, "NLA_EDITOR"
    for strip in _strips(armature):
        strip.select = strip == _strips(armature)[0]
    region = next(region for region in area.regions if region.type == "WINDOW")
    with bpy.context.temp_override(window=window, area=area, region=region):
        assert bpy.ops.nla.meta_add() == {"FINISHED"}
    area.type = kind
    assert _strips(armature)[0].type == "META"


def test_an_nla_that_is_switched_off_is_told(blank, armature):
    scene = bpy.context.scene
    armature.animation_data.use_nla = False
    take = add_walk(blank, armature)
    with pytest.raises(blank.shared.errors.PlacidError, match="switched off"):
        blank.core.takes.push_to_nla(scene, take)
    assert len(_strips(armature)) == 2
    assert take.status == "NEW"


def test_a_deleted_accepted_take_leaves_its_strip(blank, armature):
    blank.core.takes.delete(bpy.context.scene, 0)
    assert len(_strips(armature)) == 2
    assert _way(armature, 1, 40) > 1.0
