"""The panel lists what the model knows, and a take says what it does not."""

import time

import pytest
from walking_backend import GOLF

bpy = pytest.importorskip("bpy")


def _settings():
    return bpy.context.scene.placid


def _generate(placid, prompt):
    _settings().prompt = prompt
    _settings().seconds = 2.0
    assert bpy.ops.placid.generate() == {"FINISHED"}
    current = placid.core.runtime.get()
    deadline = time.monotonic() + 30.0
    while current.job is not None:
        assert time.monotonic() < deadline, current.job
        current.tick(0.05)


def test_a_picked_action_becomes_the_prompt(walking):
    _generate(walking, "a person bows")
    known = walking.features.generate.pick_action.known_actions()
    assert known["wave"] == "a person waves"
    assert bpy.ops.placid.pick_action(action="wave") == {"FINISHED"}
    assert _settings().prompt == "a person waves"


def test_before_the_backend_runs_the_button_says_why_it_is_grey(blank):
    operator = blank.features.generate.pick_action.PLACID_OT_pick_action
    assert operator.disabled_reason(bpy.context).startswith("Start the backend")
    assert not bpy.ops.placid.pick_action.poll()


def test_a_take_says_what_the_model_does_not_know(walking):
    _generate(walking, "a person plays golf")
    _generate(walking, "a person walks")
    golf, walk = _settings().takes
    assert golf.doubt == GOLF.warning == "Placid does not know 'golf'; nearest: 'swings a racket'"
    assert walk.doubt == ""
