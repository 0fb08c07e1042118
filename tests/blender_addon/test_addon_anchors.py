"""Poses of an action or a library that are kept, from the list to the take on the rig."""

import math
import time

import numpy as np
import pytest

bpy = pytest.importorskip("bpy")


def _character(placid, kind: str):
    rigs = placid.character.sample_rigs
    if kind == "rigify":
        return rigs.rigify_metarig(bpy.context)
    if kind == "mixamo":
        return rigs.mixamo_skeleton(bpy.context)
    return placid.character.armature.create_character(bpy.context)


def _bones(placid, armature) -> dict[str, str]:
    rig = placid.retargeting.read_motion.read_rig(armature)
    return placid.retargeting.bone_mapping.mapping_of(armature, rig).bones


def _pose(armature, bones, frame: int, arm: float, hip: float) -> None:
    """A pose by hand: one arm turned, one leg turned, in the action."""
    for joint, angle in (("left_shoulder", arm), ("right_hip", hip), ("left_elbow", arm / 2)):
        bone = armature.pose.bones[bones[joint]]
        bone.rotation_mode = "XYZ"
        bone.rotation_euler = (angle, 0.0, angle / 3)
        bone.keyframe_insert("rotation_euler", frame=frame)


def _places(armature, bones) -> np.ndarray:
    heads = [armature.matrix_world @ armature.pose.bones[name].head for name in bones.values()]
    return np.array([head[:] for head in heads])


def _finish(placid):
    current, deadline = placid.core.runtime.get(), time.monotonic() + 60
    while current.job is not None:
        assert time.monotonic() < deadline, current.job
        current.tick(0.05)


@pytest.mark.parametrize("kind", ["placid", "mixamo", "rigify"])
def test_a_take_has_the_kept_poses_on_every_rig(walking, kind):
    """The backend of these tests gives back the poses that it is sent."""
    scene = bpy.context.scene
    scene.render.fps = 20
    armature = _character(walking, kind)
    bones = _bones(walking, armature)
    frames = {5: (0.0, 0.0), 25: (0.7, -0.4), 45: (-0.5, 0.3)}
    for frame, angles in frames.items():
        _pose(armature, bones, frame, *angles)
    before = {}
    for frame in frames:
        scene.frame_set(frame)
        before[frame] = _places(armature, bones)
    height = float(np.ptp(before[5][:, 2]))
    scene.placid.armature = armature
    scene.placid.prompt = "a person dances"
    assert bpy.ops.placid.anchors_from_keys() == {"FINISHED"}
    assert [anchor.frame for anchor in scene.placid_direction.anchors] == [5, 25, 45]
    assert bpy.ops.placid.fill_between() == {"FINISHED"}
    _finish(walking)
    take = scene.placid.takes[0]
    asked = walking.core.takes.request_of(take)
    assert (asked.frames, asked.anchored) == (((1, 20), (21, 40)), True)
    assert (take.placed, take.place) == (True, 5)
    for frame in frames:
        scene.frame_set(frame)
        off = np.linalg.norm(_places(armature, bones) - before[frame], axis=-1)
        assert off.max() < 0.002 * height, (frame, dict(zip(bones, off.round(3), strict=True)))


def test_a_pose_of_the_library_counts_for_its_frame_alone(blank):
    scene = bpy.context.scene
    armature = _character(blank, "placid")
    bones = _bones(blank, armature)
    _pose(armature, bones, 1, 0.0, 0.0)
    played = armature.animation_data.action
    library = bpy.data.actions.new("raised")
    armature.animation_data.action = library
    _pose(armature, bones, 1, 1.2, 0.0)
    armature.animation_data.action = played
    scene.frame_set(1)
    settings = scene.placid_direction
    for frame, pose in ((10, None), (30, library), (50, None)):
        anchor = settings.anchors.add()
        anchor.frame, anchor.pose = frame, pose
    stood = _places(armature, bones)
    frames, motion = blank.features.direct_anchors.anchored_motion(scene, armature)
    assert frames == [10, 30, 50]
    assert len(motion) == 41
    wrist = blank.shared.motion.skeleton.JOINT["left_wrist"]
    rise = np.linalg.norm(motion.joints[20, wrist] - motion.joints[0, wrist])
    assert rise > 0.2
    assert np.allclose(motion.joints[0], motion.joints[40], atol=1e-4)
    assert armature.animation_data.action == played
    assert np.allclose(_places(armature, bones), stood, atol=1e-5)
    assert math.isclose(motion.fps, scene.render.fps / scene.render.fps_base)


def test_the_list_is_kept_in_order_and_bad_lists_are_refused(blank):
    scene = bpy.context.scene
    armature = _character(blank, "placid")
    scene.placid.armature = armature
    scene.placid.prompt = "a person dances"
    for frame in (30, 10, 20, 10):
        scene.frame_set(frame)
        assert bpy.ops.placid.add_anchor() == {"FINISHED"}
    settings = scene.placid_direction
    assert [anchor.frame for anchor in settings.anchors] == [10, 20, 30]
    assert settings.anchor_index == 0
    assert bpy.ops.placid.remove_anchor() == {"FINISHED"}
    error = blank.shared.errors.PlacidError
    settings.anchors[1].frame = 20
    anchored = blank.features.direct_anchors.anchored_motion
    with pytest.raises(error, match="frame 20 is kept twice; remove one"):
        anchored(scene, armature)
    settings.anchors[1].frame = 23
    with pytest.raises(error, match="within 3 frames; put the first and the last at least 8"):
        anchored(scene, armature)
    settings.anchors.clear()
    assert not bpy.ops.placid.fill_between.poll()
    assert not bpy.ops.placid.anchors_from_keys.poll()
