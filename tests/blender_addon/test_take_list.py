"""The list of takes: numbers, names that go along, order, favourites, many deleted at once."""

import time
from dataclasses import replace
from types import SimpleNamespace

import pytest
from walks import add_walk, walk

bpy = pytest.importorskip("bpy")


@pytest.fixture
def settings(blank):
    """Four takes of one character; the third has a strike."""
    scene = bpy.context.scene
    armature = blank.character.armature.create_character(bpy.context)
    audit = blank.shared.motion.audit
    strike = audit.FoundStrike("kick", "left", 4, 9, 6)
    for match, strikes in ((0.2, ()), (0.9, ()), (0.95, (strike,)), (None, None)):
        motion = walk(blank)
        told = {} if match is None else {"match": match}
        found = None if strikes is None else audit.Audit(strikes)
        request = blank.shared.protocol.messages.Generate(motion.prompt)
        motion = replace(motion, provenance=told, audit=found)
        blank.core.takes.add_take(scene, armature, request, motion)
    return scene.placid


def _run(placid):
    current = placid.core.runtime.get()
    deadline = time.monotonic() + 60
    while current.job is not None:
        assert time.monotonic() < deadline
        current.tick(0.05)


def test_takes_are_counted_and_numbers_are_not_used_again(blank, settings):
    assert [take.number for take in settings.takes] == [1, 2, 3, 4]
    blank.core.takes.delete(bpy.context.scene, 3)
    add_walk(blank, settings.takes[0].armature)
    assert settings.takes[-1].number == 5


def test_a_new_name_goes_to_action_strip_and_track(blank, settings):
    scene, take = bpy.context.scene, settings.takes[0]
    blank.core.takes.push_to_nla(scene, take)
    take.name = "Entrance"
    [track] = take.armature.animation_data.nla_tracks
    assert (take.action.name, track.name, track.strips[0].name) == ("Entrance",) * 3
    assert settings.takes["Entrance"] == take
    settings.takes[1].name = "Entrance"
    assert settings.takes[1].name == "Entrance 2"
    settings.takes[1].name = "  "
    assert settings.takes[1].name == "a person walks"


def test_a_track_with_strips_of_others_keeps_its_name(blank, settings):
    scene, take = bpy.context.scene, settings.takes[0]
    blank.core.takes.push_to_nla(scene, take)
    [track] = take.armature.animation_data.nla_tracks
    track.name = "Mine"
    track.strips.new("Own", 200, bpy.data.actions.new("Own"))
    take.name = "Entrance"
    assert (track.name, track.strips[0].name) == ("Mine", "Entrance")


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ("NUMBER", [1, 2, 3, 4]),
        ("MATCH", [3, 2, 1, 4]),
        ("SAFETY", [1, 2, 3, 4]),
        ("BEST", [2, 1, 3, 4]),
    ],
)
def test_takes_are_ranked(blank, settings, order, expected):
    places = blank.core.ranking.order_of(settings.takes, order)
    assert [settings.takes[places.index(place)].number for place in range(4)] == expected


def test_feet_that_slide_less_come_first(blank, settings):
    for take, slide in zip(settings.takes, (0.3, 0.1, 0.2, 0.0), strict=True):
        take.slide = slide
    assert blank.core.ranking.order_of(settings.takes, "SLIDE") == [3, 1, 2, 0]


def test_foot_slide_is_measured_on_the_motion(blank, settings):
    assert settings.takes[0].slide > 0.0


def test_favourites_and_characters_can_be_listed_alone(blank, settings):
    listed = blank.features.takes.panel.PLACID_UL_takes
    other = blank.character.armature.create_character(bpy.context)
    add_walk(blank, other)
    settings.takes[1].favourite = True
    ui = SimpleNamespace(bitflag_filter_item=1, filter_name="")

    def shown():
        return [bool(flag) for flag in listed.filter_items(ui, bpy.context, settings, "takes")[0]]

    assert shown() == [True] * 5
    settings.only_character = True
    assert shown() == [False] * 4 + [True]
    settings.only_character, settings.only_favourites = False, True
    assert shown() == [False, True, False, False, False]


def test_many_are_deleted_at_once_and_what_was_kept_stays(blank, settings):
    scene = bpy.context.scene
    settings.takes[1].favourite = True
    blank.core.takes.accept(scene, settings.takes[2])
    blank.core.takes.reject(scene, settings.takes[3])
    action = settings.takes[2].action
    assert bpy.ops.placid.delete_takes(which="REJECTED") == {"FINISHED"}
    assert [take.number for take in settings.takes] == [1, 2, 3]
    assert bpy.ops.placid.delete_takes(which="UNJUDGED") == {"FINISHED"}
    assert [take.number for take in settings.takes] == [2, 3]
    settings.take_index = 0
    assert bpy.ops.placid.delete_takes(which="OTHERS") == {"FINISHED"}
    assert [take.number for take in settings.takes] == [2]
    assert action.name in bpy.data.actions
    assert bpy.ops.placid.delete_takes(which="ALL") == {"FINISHED"}
    assert not bpy.ops.placid.delete_takes.poll()


def test_again_has_the_same_seed_and_a_variation_another(walking):
    settings = bpy.context.scene.placid
    settings.prompt, settings.seconds, settings.seed = "a person walks", 2.0, 7
    settings.lock_seed = True
    for verb in ("generate", "regenerate", "variation"):
        assert getattr(bpy.ops.placid, verb)() == {"FINISHED"}
        _run(walking)
    first, again, variation = settings.takes
    assert (first.seed, again.seed) == (7, 7)
    assert variation.seed != 7
    assert first.prompt == again.prompt == variation.prompt
    assert len({take.generation for take in settings.takes}) == 3
