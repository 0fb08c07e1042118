"""Make Safe on actions that Placid did not make: found, listed, taken out, all else untouched."""

import time

import numpy as np
import pytest
from strike_motions import kicking_motion

bpy = pytest.importorskip("bpy")

from backend.kinematic_checks.audit import audit_motion  # noqa: E402

FIRST, LENGTH = 11, 120
KICKS = (35, 85)


def _wait(placid, until, seconds: float = 60.0) -> None:
    """What the timer does while Blender's window is open."""
    current = placid.core.runtime.get()
    deadline = time.monotonic() + seconds
    while not until():
        assert time.monotonic() < deadline
        current.tick(0.05)
    if current.notice is not None:
        raise current.notice


def _look(placid):
    assert bpy.ops.placid.look_for_strikes() == {"FINISHED"}
    looking = placid.features.make_safe.look
    _wait(placid, lambda: not looking.is_looking())
    return bpy.context.scene.placid_found


def _make_safe(placid):
    assert bpy.ops.placid.make_safe() == {"FINISHED"}
    _wait(placid, lambda: placid.core.runtime.get().job is None)
    return bpy.context.scene.placid.takes[-1]


@pytest.fixture(params=["placid", "mixamo"])
def fighter(walking, request):
    """A character whose action, with two kicks, came from elsewhere; a face moves beside it."""
    scene = bpy.context.scene
    scene.render.fps = 20
    armature = walking.character.sample_rigs.RIGS[request.param](bpy.context)
    apply = walking.retargeting.apply_motion
    motion = kicking_motion(LENGTH, KICKS)
    options = apply.ApplyOptions(name="Captured", frame_start=FIRST, pin_strength=0.0)
    apply.apply_motion(scene, armature, motion, options)
    armature["smile"] = 0.0
    for frame, value in ((FIRST, 0.0), (FIRST + 60, 1.0), (FIRST + 119, 0.2)):
        armature["smile"] = value
        armature.keyframe_insert('["smile"]', frame=frame)
    bpy.context.view_layer.objects.active = armature
    armature.select_set(True)
    return armature


def _curves(placid, action, armature) -> dict:
    return {
        (curve.data_path, curve.array_index): [tuple(p.co) for p in curve.keyframe_points]
        for curve in placid.retargeting.slots.curves_of(action, armature)
    }


def _poses(placid, armature) -> np.ndarray:
    sample = placid.retargeting.evaluated_pose.sample_pose
    names = [bone.name for bone in armature.pose.bones]
    return sample(bpy.context.scene, armature, names, range(FIRST, FIRST + LENGTH)).matrices


def _audit(placid, armature):
    read = placid.retargeting.read_motion.read_motion
    return audit_motion(read(bpy.context.scene, armature, (FIRST, FIRST + LENGTH - 1)))


def test_strikes_are_listed_and_a_click_goes_there(walking, fighter):
    found = _look(walking)
    assert [row.what for row in found.strikes] == ["right kick", "right kick"]
    for row, kick in zip(found.strikes, KICKS, strict=True):
        assert row.first <= FIRST + kick <= row.last
    found.strike_index = 1
    assert bpy.context.scene.frame_current == found.strikes[1].first
    assert found.action.name == "Captured"


def test_their_frames_are_new_and_every_other_pose_is_as_it_was(walking, fighter):
    original = fighter.animation_data.action
    keys, before = _curves(walking, original, fighter), _poses(walking, fighter)
    _look(walking)
    take = _make_safe(walking)
    assert take.armature == fighter
    assert fighter.animation_data.action == take.action != original
    assert _curves(walking, original, fighter) == keys
    after = _poses(walking, fighter)
    spans = walking.shared.motion.safety.repaired_spans(
        walking.core.takes.unpack_motion(take.motion).provenance
    )
    new = np.zeros(LENGTH, bool)
    for start, end in spans:
        new[start:end] = True
    assert all(new[kick] for kick in KICKS)
    assert new.mean() < 0.7
    assert np.abs(after[~new] - before[~new]).max() < 1e-4
    assert _audit(walking, fighter).answer == "none"
    steps = np.linalg.norm(np.diff(after[..., :3, 3], axis=0), axis=-1)
    kick = np.linalg.norm(np.diff(before[..., :3, 3], axis=0), axis=-1).max()
    assert steps.max() < 0.5 * kick
    smile = [curve for curve in _curves(walking, take.action, fighter) if "smile" in curve[0]]
    assert len(smile) == 1
    assert "all others are those of Captured" in take.report


def test_rejecting_gives_the_action_back(walking, fighter):
    original = fighter.animation_data.action
    _look(walking)
    _make_safe(walking)
    assert bpy.ops.placid.reject_take() == {"FINISHED"}
    assert fighter.animation_data.action == original
    assert original.name == "Captured"


def test_what_is_not_ticked_stays(walking, fighter):
    found = _look(walking)
    found.strikes[0].take_out = False
    _make_safe(walking)
    [left] = _audit(walking, fighter).strikes
    assert left.start < KICKS[0] < left.end


def test_a_take_with_nothing_to_take_out_cannot_be_asked_for(walking, fighter):
    assert not bpy.ops.placid.make_safe.poll(), "nobody has looked"
    found = _look(walking)
    for row in found.strikes:
        row.take_out = False
    assert not bpy.ops.placid.make_safe.poll()


def test_another_action_has_to_be_looked_at_first(walking, fighter):
    _look(walking)
    fighter.animation_data.action = fighter.animation_data.action.copy()
    assert not bpy.ops.placid.make_safe.poll()


def test_an_unknown_rig_leads_to_its_bones(walking):
    data = bpy.data.armatures.new("Lamp")
    lamp = bpy.data.objects.new("Lamp", data)
    bpy.context.scene.collection.objects.link(lamp)
    bpy.context.view_layer.objects.active = lamp
    lamp.select_set(True)
    bpy.ops.object.mode_set(mode="EDIT")
    bone = data.edit_bones.new("Arm")
    bone.tail = (0, 0, 1)
    bpy.ops.object.mode_set(mode="OBJECT")
    lamp.keyframe_insert("location", frame=1)
    with pytest.raises(RuntimeError, match="Bone Mapping"):
        bpy.ops.placid.look_for_strikes()


def test_keys_that_are_far_apart_keep_what_lies_between(walking, fighter):
    """A hand-keyed action: five poses with Bezier curves between them."""
    slots, takes = walking.retargeting.slots, walking.retargeting.replace_frames
    scene, action = bpy.context.scene, fighter.animation_data.action
    for curve in slots.curves_of(action, fighter):
        keyed = {FIRST + at: curve.evaluate(FIRST + at) for at in (0, 33, 40, 70, 119)}
        points = curve.keyframe_points
        points.clear()
        for frame, value in keyed.items():
            points.insert(frame, value).interpolation = "BEZIER"
        curve.update()
    before = _poses(walking, fighter)
    read = walking.retargeting.read_motion.read_motion
    motion = read(scene, fighter, (FIRST, FIRST + LENGTH - 1), space="parent")
    made = takes.replace_frames(scene, fighter, action, motion, FIRST, [(20, 60)], "Made")
    after = _poses(walking, fighter)
    kept = np.r_[0:20, 60:LENGTH]
    assert np.abs(after[kept] - before[kept]).max() < 1e-4
    # The motion is the rig's own, so that the new frames are the old ones again.
    places = np.linalg.norm(after[..., :3, 3] - before[..., :3, 3], axis=-1)
    assert places.max() < 0.08
    assert made != action
