"""From a prompt to takes in the file, through the operators, with a backend of its own process."""

import json
import time

import numpy as np
import pytest
from sample_motions import walking_motion

bpy = pytest.importorskip("bpy")


def _settings():
    return bpy.context.scene.placid


def _run(placid, seconds: float = 30.0):
    """What the timer does while Blender's window is open."""
    current = placid.core.runtime.get()
    deadline = time.monotonic() + seconds
    while current.job is not None:
        assert time.monotonic() < deadline, current.job
        current.tick(0.05)


def _generate(placid, prompt="a person walks", **settings):
    for name, value in {"prompt": prompt, "seconds": 2.0, **settings}.items():
        setattr(_settings(), name, value)
    assert bpy.ops.placid.generate() == {"FINISHED"}
    _run(placid)


def _keys(action) -> int:
    data = action.layers[0].strips[0].channelbags[0] if hasattr(action, "layers") else action
    return sum(len(curve.keyframe_points) for curve in data.fcurves)


def test_generate_adds_the_character_and_shows_the_first_take(walking):
    _generate(walking, take_count=3)
    assert [take.name for take in _settings().takes] == [
        "a person walks",
        "a person walks 2",
        "a person walks 3",
    ]
    first, second, third = _settings().takes
    armature = first.armature
    assert armature.name == "Placid"
    assert armature.animation_data.action == first.action
    assert _keys(first.action) > 22 * 4 * 40
    assert second.action is None, "takes that nobody looked at are not baked"
    assert third.seed == first.seed + 2
    # The label is what the backend says of the motion; this one says nothing.
    assert first.safety == "unknown"


def test_choosing_another_take_plays_it_and_animates_the_armature(walking):
    _generate(walking, take_count=2)
    _settings().take_index = 1
    take = _settings().takes[1]
    assert take.armature.animation_data.action == take.action
    positions = []
    for frame in (1, 20):
        bpy.context.scene.frame_set(frame)
        positions.append(take.armature.pose.bones["pelvis"].head.copy())
    assert (positions[1] - positions[0]).length > 0.1


def test_a_locked_seed_is_kept_and_an_unlocked_one_is_not(walking):
    _generate(walking, seed=5, lock_seed=True)
    assert _settings().takes[0].seed == 5
    _generate(walking, lock_seed=False)
    assert _settings().takes[1].seed != 5


def test_takes_survive_saving_reloading_and_a_dead_backend(fresh_backend, tmp_path):
    _generate(fresh_backend)
    motion = fresh_backend.core.takes.unpack_motion(_settings().takes[0].motion)
    fresh_backend.core.runtime.get().stop_backend()
    path = tmp_path / "scene.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(path))
    bpy.ops.wm.open_mainfile(filepath=str(path))
    take = _settings().takes[0]
    again = fresh_backend.core.takes.unpack_motion(take.motion)
    np.testing.assert_array_equal(again.joints, motion.joints)
    assert (again.prompt, again.seed) == (motion.prompt, motion.seed)
    assert take.armature.animation_data.action == take.action


def test_a_take_for_a_file_that_was_closed_is_not_lost(walking):
    _settings().prompt = "a person walks"
    bpy.ops.placid.generate()
    bpy.ops.wm.read_homefile(use_empty=True)
    _run(walking)
    assert [take.name for take in _settings().takes] == ["a person walks"]
    assert "deleted" in walking.core.runtime.get().notice.message


def test_reject_gives_back_the_former_action_and_accept_bakes_again(walking):
    armature = walking.character.armature.create_character(bpy.context)
    former = bpy.data.actions.new("former")
    walking.retargeting.slots.assign_action(armature, former)
    _generate(walking)
    take = _settings().takes[0]
    assert armature.animation_data.action == take.action != former
    bpy.ops.placid.reject_take()
    assert armature.animation_data.action == former
    assert list(bpy.data.actions) == [former]
    bpy.ops.placid.accept_take()
    assert take.status == "ACCEPTED"
    assert armature.animation_data.action == take.action
    assert take.action.use_fake_user


def test_rejecting_the_only_take_returns_to_the_rest_pose(walking):
    _generate(walking)
    armature = _settings().takes[0].armature
    bpy.context.scene.frame_set(20)
    bpy.ops.placid.reject_take()
    assert armature.animation_data.action is None
    for bone in armature.pose.bones:
        np.testing.assert_allclose(np.array(bone.matrix_basis), np.eye(4), atol=1e-6)


def test_delete_keeps_the_action_of_an_accepted_take_only(walking):
    _generate(walking, take_count=2)
    bpy.ops.placid.accept_take()
    accepted = _settings().takes[0].action
    bpy.ops.placid.delete_take()
    bpy.ops.placid.show_take()
    bpy.ops.placid.delete_take()
    assert list(bpy.data.actions) == [accepted]
    assert len(_settings().takes) == 0


def test_nla_strip_plays_at_full_influence_and_reject_removes_it(walking):
    _generate(walking)
    bpy.ops.placid.push_to_nla()
    armature = _settings().takes[0].armature
    data = armature.animation_data
    assert data.action is None
    [strip] = [strip for track in data.nla_tracks for strip in track.strips]
    assert strip.influence == 1.0
    heads = []
    for frame in (1, 20):
        bpy.context.scene.frame_set(frame)
        heads.append(armature.pose.bones["pelvis"].head.copy())
    assert (heads[1] - heads[0]).length > 0.1
    bpy.ops.placid.reject_take()
    assert len(data.nla_tracks) == 0


def test_regenerate_repeats_prompt_seed_and_length(walking):
    _generate(walking, seed=9, lock_seed=True)
    _settings().prompt = "something else"
    assert bpy.ops.placid.regenerate() == {"FINISHED"}
    _run(walking)
    first, second = _settings().takes
    assert (second.prompt, second.seed) == (first.prompt, first.seed)
    one, two = (walking.core.takes.unpack_motion(take.motion).joints for take in (first, second))
    np.testing.assert_array_equal(one, two)


def test_cancel_keeps_the_takes_that_arrived(walking):
    _settings().prompt = "slow walk"
    _settings().take_count = 16
    bpy.ops.placid.generate()
    job = walking.core.runtime.get().job
    while not job.takes:
        walking.core.runtime.get().tick(0.05)
    assert bpy.ops.placid.cancel() == {"FINISHED"}
    _run(walking)
    assert job.error.code == "cancelled"
    assert 1 <= len(_settings().takes) < 16
    assert walking.core.runtime.get().notice is None, "a cancel is no problem to report"


def test_a_killed_backend_is_said_in_one_sentence_and_started_again(fresh_backend):
    _generate(fresh_backend)
    _settings().prompt = "slow walk"
    bpy.ops.placid.generate()
    current = fresh_backend.core.runtime.get()
    while current.job.fraction == 0.0:
        current.tick(0.05)
    current.session._process.stop()
    _run(fresh_backend)
    assert current.notice.code == "backend_lost"
    assert len(current.notice.message.splitlines()) == 1
    assert len(_settings().takes) == 1
    _generate(fresh_backend)
    assert len(_settings().takes) == 2
    assert current.notice is None


def test_the_menus_offer_what_the_backend_offers(fresh_backend):
    assert _settings().safety == "default"
    _generate(fresh_backend)
    items = [c.name for c in fresh_backend.core.runtime.session().capabilities.safety]
    assert _settings().safety == "lcr"
    for name in items:
        _settings().safety = name
        assert _settings().safety_name == name
    _generate(fresh_backend)
    assert json.loads(_settings().takes[-1].request)["safety"] == items[-1]


def test_an_unrecognised_rig_is_refused_before_anything_is_generated(walking):
    data = bpy.data.armatures.new("Chair")
    chair = bpy.data.objects.new("Chair", data)
    bpy.context.collection.objects.link(chair)
    _settings().armature = chair
    _settings().prompt = "a person walks"
    with pytest.raises(RuntimeError, match="Chair has no bones"):
        bpy.ops.placid.generate()
    request = walking.shared.protocol.messages.Generate("a person walks")
    motion = walking_motion(20)
    ours = walking.shared.motion.motion.Motion(motion.joints, prompt="a person walks")
    walking.core.takes.add_take(bpy.context.scene, chair, request, ours)
    _settings().take_index = 0
    assert "Chair" in walking.core.runtime.get().notice.message
    with pytest.raises(RuntimeError, match="Chair"):
        bpy.ops.placid.accept_take()


def test_grey_buttons(walking):
    assert not bpy.ops.placid.generate.poll(), "an empty prompt"
    assert not bpy.ops.placid.cancel.poll()
    assert not bpy.ops.placid.accept_take.poll()
    _settings().prompt = "slow walk"
    assert bpy.ops.placid.generate.poll()
    bpy.ops.placid.generate()
    assert not bpy.ops.placid.generate.poll()
    assert bpy.ops.placid.cancel.poll()


def test_a_damaged_take_is_said_in_one_sentence(walking):
    _generate(walking)
    take = _settings().takes[0]
    bpy.ops.placid.reject_take()
    take.motion = b"not a motion"
    with pytest.raises(RuntimeError, match="damaged"):
        bpy.ops.placid.accept_take()


def test_the_tenth_take_on_one_armature_plays_as_the_first_does(walking):
    _generate(walking, take_count=10)
    places = []
    for index in (0, 1, 2, 9):
        _settings().take_index = index
        take = _settings().takes[index]
        assert take.armature.animation_data.action == take.action
        if hasattr(take.action, "slots"):
            assert [slot.name_display for slot in take.action.slots] == [take.armature.name]
        for frame in (1, 30):
            bpy.context.scene.frame_set(frame)
            places.append(take.armature.pose.bones["pelvis"].head.copy())
        assert (places[-1] - places[-2]).length > 0.1, index


def test_accept_keeps_what_the_character_played_before(walking):
    armature = walking.character.armature.create_character(bpy.context)
    former = bpy.data.actions.new("former")
    walking.retargeting.slots.assign_action(armature, former)
    _generate(walking)
    take = _settings().takes[0]
    shown = take.action
    assert bpy.ops.placid.accept_take() == {"FINISHED"}
    assert armature.animation_data.action == take.action == shown
    assert take.before == former
    assert former.use_fake_user, "nothing plays it any more; it must not go with the next save"
    assert not bpy.ops.placid.accept_take.poll(), "it is accepted already"


def test_the_badge_names_the_strikes_in_frames_of_the_scene(walking):
    bpy.context.scene.render.fps = 40
    _generate(walking, prompt="a person does a kick")
    _generate(walking, prompt="a person walks")
    kick, walk = _settings().takes
    audits = walking.core.audits
    assert (audits.count(kick), audits.count(walk)) == (1, 0)
    [strike] = audits.strikes(bpy.context.scene, kick)
    [found] = json.loads(kick.audit)["audit"]["strikes"]
    assert strike.first == kick.action.frame_range[0] + 2 * found["start"]
    assert "kick" in strike.sentence.lower()
    kick.audit = ""
    assert audits.count(kick) is None, "a take that nobody checked has no badge"


@pytest.mark.parametrize(
    "damaged",
    [
        *("x", "{}", "[" * 5000, '{"fps": 0, "audit": {}}', '{"fps": 20, "audit": 5}'),
        '{"fps": 20, "strikes": []}',
        '{"fps": 1e999, "audit": {"strikes": []}}',
        '{"fps": 20, "audit": {"strikes": [{"strike": "kick"}]}}',
    ],
)
def test_a_damaged_audit_is_no_audit(walking, damaged):
    _generate(walking, prompt="a person does a kick")
    [kick] = _settings().takes
    kick.audit = damaged
    audits = walking.core.audits
    assert (audits.count(kick), audits.answer(kick)) == (None, None)
    assert audits.strikes(bpy.context.scene, kick) == []


def test_a_possible_strike_is_told_as_such(walking):
    _generate(walking, prompt="a person does a kick")
    [kick] = _settings().takes
    kept = json.loads(kick.audit)
    kept["audit"]["strikes"][0]["certainty"] = "possible"
    kick.audit = json.dumps(kept)
    audits = walking.core.audits
    assert audits.answer(kick) == "possible"
    assert audits.strikes(bpy.context.scene, kick)[0].sentence.startswith("Possibly left kick")


def test_own_sampling_reaches_the_backend_and_is_regenerated(walking):
    sampling = {"steps": 3, "guidance": 2.5, "temperature": 0.5}
    _generate(walking, own_sampling=True, automatic_length=True, **sampling)
    assert bpy.ops.placid.regenerate() == {"FINISHED"}
    _run(walking)
    for take in _settings().takes:
        request = walking.core.takes.request_of(take)
        found = request.sampling
        assert (found.steps, found.guidance, found.temperature) == (3, 2.5, 0.5)
        assert request.seconds is None, "so that the model chooses the same length again"
    _settings().own_sampling = False
    _generate(walking)
    assert walking.core.takes.request_of(_settings().takes[-1]).sampling.steps is None


def test_a_renamed_take_keeps_its_name_when_it_is_reloaded(walking, tmp_path):
    _generate(walking)
    _settings().takes[0].name = "Greeting"
    path = str(tmp_path / "scene.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    bpy.ops.wm.open_mainfile(filepath=path)
    assert _settings().takes[0].name == "Greeting"


def test_what_a_file_names_but_the_backend_lacks_gives_way_to_its_default(walking):
    _generate(walking)
    _settings().safety_name, _settings().model_name = "from elsewhere", "another model"
    _generate(walking)
    assert _settings().safety == "lcr"
    request = walking.core.takes.request_of(_settings().takes[-1])
    assert (request.safety, request.model) == ("lcr", "momask")


def test_a_message_can_be_put_away(walking):
    assert not bpy.ops.placid.dismiss_notice.poll()
    walking.core.runtime.get().notice = walking.shared.errors.PlacidError("x", "something happened")
    assert bpy.ops.placid.dismiss_notice() == {"FINISHED"}
    assert walking.core.runtime.get().notice is None


def test_progress_tells_stage_take_and_time_left(walking):
    jobs, protocol = walking.core.jobs, walking.shared.protocol.messages
    job = jobs.Job(protocol.Generate("a person walks", takes=4), 0, 0)
    assert job.summary() == "Starting"
    job.advance(protocol.Progress(1, 0.3, "detail", 1, 4, 12.4))
    job.takes.append("first")
    assert job.summary() == "Detail, take 2 of 4, 12 s left"
    job.cancel()
    assert job.summary() == "Cancelling"
