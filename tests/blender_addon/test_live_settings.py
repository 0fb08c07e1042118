"""Settings of the panel Motion act on the preview by themselves."""

from dataclasses import replace

import numpy as np
import pytest
from walks import add_walk, places, played, walk

bpy = pytest.importorskip("bpy")


@pytest.fixture
def take(blank):
    """A walk of 40 frames that is looked at."""
    scene = bpy.context.scene
    scene.render.fps = 20
    add_walk(blank, blank.character.armature.create_character(bpy.context))
    scene.placid.take_index = 0
    return scene.placid.takes[0]


@pytest.fixture
def settle(blank, monkeypatch):
    """Lets the change that waits be acted on."""
    live = blank.features.takes.live_settings
    monkeypatch.setattr(live, "_QUIET_SECONDS", 0.0)
    blank.core.runtime.get().scheduler.stop(live._LIVE.tick)

    def wait():
        assert blank.core.runtime.get().scheduler.is_waiting(live._LIVE.tick)
        assert live._LIVE.tick() is None
        blank.core.runtime.get().scheduler.stop(live._LIVE.tick)

    return wait


def _motion():
    return bpy.context.scene.placid_motion


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("pin_strength", 0.0),
        ("root_motion", "in_place"),
        ("loop", True),
        ("mirror", True),
        ("speed", 1.5),
        ("cut_start", 0.5),
        ("cut_end", 0.5),
        ("start", "FRAME"),
        ("blend_in", 10),
        ("keys", "REDUCED"),
    ],
)
def test_a_changed_setting_bakes_the_preview_anew(take, settle, name, value):
    before = take.baked
    _motion().frame = 30
    setattr(_motion(), name, value)
    settle()
    assert take.baked != before
    assert played(take.armature) == take.action
    assert len(bpy.data.actions) == 1, "the former action has gone"
    assert take.status == "NEW"


def test_trim_and_speed_say_which_frames_play(take, settle):
    _motion().cut_start, _motion().cut_end, _motion().speed = 0.5, 0.5, 2.0
    settle()
    assert tuple(take.action.frame_range) == (1, 10)


def test_a_mirrored_take_swings_the_other_arm(take, settle):
    bones, frames = ["left_wrist", "right_wrist"], (12,)
    left, right = places(take.armature, bones, frames)[0]
    _motion().mirror = True
    settle()
    mirrored = places(take.armature, bones, frames)[0]
    np.testing.assert_allclose(mirrored[0] * [-1, 1, 1], right, atol=0.02)
    np.testing.assert_allclose(mirrored[1] * [-1, 1, 1], left, atol=0.02)


def test_keys_that_a_person_changed_are_asked_about(blank, take, settle, monkeypatch):
    asked = []
    monkeypatch.setattr(blank.features.takes.live_settings, "_ask", lambda: asked.append(True))
    action = take.action
    [bag] = action.layers[0].strips[0].channelbags
    bag.fcurves[0].keyframe_points[3].co.y += 1.0
    _motion().speed = 1.5
    settle()
    assert (asked, take.action) == ([True], action)
    assert bpy.ops.placid.rebake() == {"FINISHED"}
    assert take.action != action
    assert action.use_fake_user, "the person's own work stays in the file"


def test_accepted_and_pushed_takes_are_left_alone(blank, take, settle):
    bpy.ops.placid.accept_take()
    action = take.action
    _motion().speed = 1.5
    settle()
    assert take.action == action
    blank.core.takes.push_to_nla(bpy.context.scene, take)
    _motion().speed = 2.0
    settle()
    assert take.action == action


def test_a_setting_that_cannot_be_met_is_told(blank, take, settle):
    action = take.action
    _motion().cut_start = 5.0
    settle()
    assert take.action == action
    assert "cut less" in blank.core.runtime.get().notice.message


def test_strikes_are_told_where_they_play(blank, settle):
    scene = bpy.context.scene
    scene.render.fps = 20
    strike = blank.shared.motion.audit.FoundStrike("kick", "left", 20, 31, 25)
    motion = replace(walk(blank), audit=blank.shared.motion.audit.Audit((strike,)))
    armature = blank.character.armature.create_character(bpy.context)
    request = blank.shared.protocol.messages.Generate("a person kicks")
    blank.core.takes.add_take(scene, armature, request, motion)
    scene.placid.take_index = 0
    take = scene.placid.takes[0]

    def told():
        return [strike.sentence for strike in blank.core.audits.strikes(scene, take)]

    assert told() == ["Left kick: frames 21 to 31"]
    _motion().cut_start, _motion().speed, _motion().mirror = 0.5, 0.5, True
    settle()
    assert told() == ["Right kick: frames 21 to 41"]
    _motion().cut_start = 1.8
    settle()
    assert told() == []
