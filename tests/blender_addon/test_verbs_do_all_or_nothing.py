"""A verb for a take does all it says or nothing, and never drops what a person did by hand."""

import numpy as np
import pytest
from walks import add_walk, places, played

bpy = pytest.importorskip("bpy")


@pytest.fixture
def armature(blank):
    bpy.context.scene.render.fps = 20
    return blank.character.armature.create_character(bpy.context)


def _edit(action, armature, placid) -> None:
    curve = placid.retargeting.slots.curves_of(action, armature)[0]
    curve.keyframe_points[3].co.y += 0.25


def _state(armature) -> tuple:
    scene = bpy.context.scene
    takes = [(t.name, t.status, t.action, t.before, t.armature) for t in scene.placid.takes]
    data = armature.animation_data
    slot = data.action_slot.identifier if data.action_slot else ""
    return (takes, set(bpy.data.actions), data.action, slot, len(data.nla_tracks), scene.frame_end)


def test_a_retarget_that_fails_changes_nothing(blank, armature):
    scene = bpy.context.scene
    take = add_walk(blank, armature)
    blank.core.takes.accept(scene, take)
    _edit(take.action, armature, blank)
    before = _state(armature)
    scene.placid_motion.root_motion = "root"  # the character has no root bone
    with pytest.raises(blank.shared.errors.PlacidError, match="root bone"):
        blank.core.takes.retarget(scene, take, armature)
    assert _state(armature) == before
    assert take.action.use_fake_user


@pytest.mark.parametrize("accepted", [False, True])
def test_a_retarget_keeps_an_action_that_was_changed_by_hand(blank, armature, accepted):
    scene = bpy.context.scene
    take = add_walk(blank, armature)
    (blank.core.takes.accept if accepted else blank.core.takes.show)(scene, take)
    assert not blank.core.hand_edits.is_edited(take)
    _edit(take.action, armature, blank)
    assert blank.core.hand_edits.is_edited(take)
    old = take.action
    assert blank.core.takes.retarget(scene, take, armature) == old
    assert old.use_fake_user
    assert played(armature) == take.action != old
    assert not blank.core.hand_edits.is_edited(take)


def test_a_retarget_removes_an_action_that_nobody_changed(blank, armature):
    scene = bpy.context.scene
    take = add_walk(blank, armature)
    blank.core.takes.show(scene, take)
    assert blank.core.takes.retarget(scene, take, armature) is None
    assert list(bpy.data.actions) == [take.action]


@pytest.mark.parametrize("verb", ["reject", "delete"])
def test_no_verb_removes_an_action_that_was_changed_by_hand(blank, armature, verb):
    scene = bpy.context.scene
    take = add_walk(blank, armature)
    blank.core.takes.show(scene, take)
    _edit(take.action, armature, blank)
    edited = take.action
    kept = getattr(blank.core.takes, verb)(scene, 0 if verb == "delete" else take)
    assert kept == edited
    assert edited.use_fake_user
    assert played(armature) is None


def test_a_saved_file_still_knows_whether_an_action_was_changed(blank, armature, tmp_path):
    scene = bpy.context.scene
    for _ in range(2):
        blank.core.takes.show(scene, add_walk(blank, armature))
    _edit(scene.placid.takes[1].action, armature, blank)
    path = str(tmp_path / "scene.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    bpy.ops.wm.open_mainfile(filepath=path)
    edited = [blank.core.hand_edits.is_edited(take) for take in bpy.context.scene.placid.takes]
    assert edited == [False, True]


def test_a_button_asks_before_changes_are_put_aside(blank, armature):
    take = add_walk(blank, armature)
    blank.core.takes.show(bpy.context.scene, take)
    actions = blank.features.takes.take_actions
    verbs = (
        actions.PLACID_OT_reject_take,
        actions.PLACID_OT_delete_take,
        blank.features.takes.retarget.PLACID_OT_retarget,
    )
    assert [verb.question(None, take) for verb in verbs] == [""] * 3
    _edit(take.action, armature, blank)
    assert all("changed the keys" in verb.question(None, take) for verb in verbs)


def test_a_take_that_cannot_be_shown_leaves_the_one_that_plays(blank, armature):
    scene = bpy.context.scene
    first, second = add_walk(blank, armature), add_walk(blank, armature)
    blank.core.takes.show(scene, first)
    second.motion = b"not a motion"
    before = _state(armature)
    with pytest.raises(blank.shared.errors.PlacidError, match="damaged"):
        blank.core.takes.show(scene, second)
    assert _state(armature) == before


def test_a_pose_without_keys_comes_back(blank, armature):
    scene = bpy.context.scene
    knee, wrist = (armature.pose.bones[name] for name in ("left_knee", "left_wrist"))
    knee.rotation_quaternion = (0.8, 0.6, 0.0, 0.0)
    wrist.scale = (1.0, 2.0, 1.0)
    take = add_walk(blank, armature)
    blank.core.takes.show(scene, take)
    scene.frame_set(15)
    blank.core.takes.reject(scene, take)
    assert np.allclose(knee.rotation_quaternion, (0.8, 0.6, 0.0, 0.0))
    assert np.allclose(wrist.scale, (1.0, 2.0, 1.0))


def test_rejecting_after_the_object_was_keyed_works(blank, armature):
    take = add_walk(blank, armature)
    bpy.context.scene.placid.take_index = 0
    armature.location = (1.0, 0.0, 0.0)
    assert armature.keyframe_insert("location", frame=1)
    assert bpy.ops.placid.reject_take() == {"FINISHED"}
    assert take.status == "REJECTED"
    assert played(armature) is None


def test_rejecting_one_characters_take_leaves_the_other_character_alone(blank, armature):
    scene = bpy.context.scene
    other = blank.character.armature.create_character(bpy.context)
    first, second = add_walk(blank, armature), add_walk(blank, other)
    for take in (first, second):
        blank.core.takes.show(scene, take)
    blank.core.takes.reject(scene, first)
    assert (played(armature), played(other)) == (None, second.action)


def test_retargeting_to_another_character_gives_the_first_one_back(blank, armature):
    scene = bpy.context.scene
    former = bpy.data.actions.new("Former")
    blank.retargeting.slots.assign_action(armature, former)
    other = blank.character.armature.create_character(bpy.context)
    take = add_walk(blank, armature)
    blank.core.takes.show(scene, take)
    blank.core.takes.retarget(scene, take, other)
    assert (played(armature), played(other), take.armature) == (former, take.action, other)
    blank.core.takes.reject(scene, take)
    assert (played(armature), played(other)) == (former, None)


def test_a_take_that_is_shown_in_two_scenes_is_looked_behind(blank, armature):
    former = bpy.data.actions.new("Former")
    blank.retargeting.slots.assign_action(armature, former)
    blank.core.takes.show(bpy.context.scene, add_walk(blank, armature))
    second = bpy.data.scenes.new("Second")
    second.collection.objects.link(armature)
    request = blank.shared.protocol.messages.Generate("a person walks")
    motion = blank.core.takes.unpack_motion(bpy.context.scene.placid.takes[0].motion)
    take = blank.core.takes.add_take(second, armature, request, motion)
    blank.core.takes.show(second, take)
    blank.core.takes.reject(second, take)
    assert played(armature) == former, "not the take of the other scene, which nobody accepted"


def test_custom_properties_that_a_take_switches_come_back(blank, armature):
    scene = bpy.context.scene
    pelvis = armature.pose.bones["pelvis"]
    pelvis["IK_FK"] = 0.0
    bpy.ops.placid.guess_mapping()
    mapping = blank.retargeting.bone_mapping
    chosen = mapping.from_rows(armature.placid_mapping)
    import msgspec

    mapping.to_rows(
        armature.placid_mapping,
        msgspec.structs.replace(chosen, properties={"pelvis": {"IK_FK": 1.0}}),
    )
    take = add_walk(blank, armature)
    blank.core.takes.show(scene, take)
    scene.frame_set(5)
    assert pelvis["IK_FK"] == 1.0
    blank.core.takes.reject(scene, take)
    assert pelvis["IK_FK"] == 0.0


def test_a_shown_take_moves_the_character(blank, armature):
    """What the tests above put back was really there."""
    blank.core.takes.show(bpy.context.scene, add_walk(blank, armature))
    way = places(armature, ["pelvis"], (1, 40))[:, 0]
    assert np.linalg.norm(way[1] - way[0]) > 1.0
