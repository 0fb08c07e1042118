"""Append: takes that follow one another, in place, facing and pose, however they were made."""

import numpy as np
import pytest
from sample_motions import walking_pose
from walks import add_walk, places, played

from shared.motion.kinematics import forward_kinematics

bpy = pytest.importorskip("bpy")

OVERLAP = 8


@pytest.fixture
def armature(blank):
    """A character whose first strip is a walk of 40 frames, from frame 1 on."""
    scene = bpy.context.scene
    scene.render.fps = 20
    scene.placid_motion.overlap = OVERLAP
    armature = blank.character.armature.create_character(bpy.context)
    _append(blank, armature)
    return armature


def _append(placid, armature):
    """A further walk, straight ahead, chosen in the list and appended by its button."""
    scene = bpy.context.scene
    pose = walking_pose(40)
    pose.rotations[:, 0] = (1.0, 0.0, 0.0, 0.0)
    joints = forward_kinematics(pose).astype(np.float32)
    joints[..., 1] -= joints[..., 1].min()
    motion = placid.shared.motion.motion.Motion(joints, prompt="a person walks")
    request = placid.shared.protocol.messages.Generate(motion.prompt)
    take = placid.core.takes.add_take(scene, armature, request, motion)
    scene.placid.take_index = len(scene.placid.takes) - 1
    assert bpy.ops.placid.append_take() == {"FINISHED"}
    return take


def _strips(armature) -> list:
    return [strip for track in armature.animation_data.nla_tracks for strip in track.strips]


def test_the_first_take_is_pushed_and_the_next_begins_before_it_ends(blank, armature):
    _append(blank, armature)
    first, second = _strips(armature)
    assert (first.frame_start, first.frame_end) == (1, 40)
    assert (second.frame_start, second.frame_end) == (40 - OVERLAP, 79 - OVERLAP)
    assert second.extrapolation == "HOLD_FORWARD"
    assert played(armature) is None


def test_place_and_speed_go_on(blank, armature):
    for _ in range(2):
        _append(blank, armature)
    end = round(_strips(armature)[-1].frame_end)
    pelvis = places(armature, ["pelvis"], range(1, end + 1))[:, 0]
    steps = np.linalg.norm(np.diff(pelvis[:, :2], axis=0), axis=-1)
    alone = steps[: 40 - OVERLAP - 1]
    assert steps.sum() > 2.9 * alone.sum()
    assert steps.max() < 1.3 * alone.max()
    assert steps[40 - OVERLAP : -1].min() > 0.5 * alone.min()


def test_facing_goes_on(blank, armature):
    """Once the first walk is turned by a quarter, the second one goes where it looks then."""
    for curve in _strips(armature)[0].action.layers[0].strips[0].channelbags[0].fcurves:
        if curve.data_path == 'pose.bones["pelvis"].rotation_quaternion':
            for point in curve.keyframe_points:
                point.co.y = (1.0, 0.0, 1.0, 0.0)[curve.array_index]
    _append(blank, armature)
    begin = 40 - OVERLAP
    left, right = places(armature, ["left_hip", "right_hip"], [begin])[0]
    start, end = places(armature, ["pelvis"], [begin + OVERLAP, begin + 39])[:, 0]
    forward = np.cross(left - right, [0.0, 0.0, 1.0])
    way = (end - start) * [1.0, 1.0, 0.0]
    cosine = way @ forward / np.linalg.norm(way) / np.linalg.norm(forward)
    assert cosine > 0.98


def test_an_action_of_the_users_becomes_the_first_strip(blank):
    scene = bpy.context.scene
    armature = blank.character.armature.create_character(bpy.context)
    own = bpy.data.actions.new("Own")
    blank.retargeting.slots.assign_action(armature, own)
    armature.location.x = 3.0
    for frame in (1, 30):
        armature.pose.bones["pelvis"].keyframe_insert("location", frame=frame)
    take = _append(blank, armature)
    assert [strip.action for strip in _strips(armature)] == [own, take.action]
    assert round(_strips(armature)[1].frame_start) == 30 - scene.placid_motion.overlap
    assert played(armature) is None


def test_a_take_is_appended_once(blank, armature):
    assert not bpy.ops.placid.append_take.poll()
    with pytest.raises(blank.shared.errors.PlacidError, match="already"):
        blank.core.takes.append(bpy.context.scene, bpy.context.scene.placid.takes[0], 5)
    assert len(_strips(armature)) == 1


def test_an_append_that_fails_changes_nothing(blank):
    scene = bpy.context.scene
    armature = blank.character.armature.create_character(bpy.context)
    own = bpy.data.actions.new("Own")
    blank.retargeting.slots.assign_action(armature, own)
    take = add_walk(blank, armature)
    take.motion = b"damaged"
    with pytest.raises(blank.shared.errors.PlacidError, match="damaged"):
        blank.core.takes.append(scene, take, 5)
    assert (played(armature), _strips(armature), take.seam) == (own, [], 0)


def test_a_baked_take_is_baked_anew_and_its_changed_keys_stay_in_the_file(blank, armature):
    scene = bpy.context.scene
    take = add_walk(blank, armature)
    scene.placid.take_index = 1
    old = take.action
    for layer in old.layers:
        layer.strips[0].channelbags[0].fcurves[0].keyframe_points[3].co.y += 1.0
    assert bpy.ops.placid.append_take() == {"FINISHED"}
    take = scene.placid.takes[1]
    assert take.action != old
    assert old.use_fake_user


def test_retargeting_an_appended_take_follows_the_same_strip_again(blank, armature):
    scene = bpy.context.scene
    take = _append(blank, armature)
    _append(blank, armature)
    before = places(armature, ["pelvis"], (40, 60))
    scene.placid_motion.pin_strength = 0.5
    blank.core.takes.retarget(scene, take, armature)
    after = places(armature, ["pelvis"], (40, 60))
    np.testing.assert_allclose(after, before, atol=0.05)
    assert not any(track.mute for track in armature.animation_data.nla_tracks)


def test_rejecting_an_appended_take_leaves_the_others(blank, armature):
    take = _append(blank, armature)
    action = _strips(armature)[0].action
    blank.core.takes.reject(bpy.context.scene, take)
    assert [strip.action for strip in _strips(armature)] == [action]
    assert played(armature) is None
