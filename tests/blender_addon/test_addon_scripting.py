"""The blocking call for scripts."""

import pytest

bpy = pytest.importorskip("bpy")


def test_keyframes_are_there_when_the_call_returns(walking):
    generated = walking.features.generate.scripting.generate_blocking(
        "a person walks", seconds=2, count=2, seed=3
    )
    assert [take.seed for take in generated] == [3, 4]
    assert generated[1].armature.animation_data.action == generated[1].action
    assert all(take.action.use_fake_user for take in generated)
    assert generated[0].seconds == pytest.approx(2.0)


def test_the_given_armature_moves(walking):
    mine = walking.character.armature.create_character(bpy.context)
    [take] = walking.features.generate.scripting.generate_blocking("a person walks", armature=mine)
    assert take.armature == mine
    assert len([o for o in bpy.data.objects if o.type == "ARMATURE"]) == 1


def test_time_running_out_is_an_error_and_the_next_call_works(walking):
    walking.features.generate.scripting.generate_blocking("a person walks")
    with pytest.raises(walking.shared.errors.PlacidError) as caught:
        walking.features.generate.scripting.generate_blocking("slow walk", count=16, timeout=0.3)
    assert caught.value.code == "timed_out"
    assert len(walking.features.generate.scripting.generate_blocking("a person walks")) == 1


def test_what_the_backend_refuses_is_raised(walking):
    with pytest.raises(walking.shared.errors.PlacidError, match="empty"):
        walking.features.generate.scripting.generate_blocking("  ")
    with pytest.raises(walking.shared.errors.PlacidError, match="memory"):
        walking.features.generate.scripting.generate_blocking("memory")


def test_a_backend_that_is_not_set_up_is_said(blank):
    preferences = blank.link.launch.preferences()
    preferences.full_backend = True
    try:
        with pytest.raises(blank.shared.errors.PlacidError, match="Set Up Full Backend"):
            blank.features.generate.scripting.generate_blocking("a person walks")
    finally:
        preferences.full_backend = False
    assert not bpy.data.objects, "nobody is added for a request that cannot be sent"
