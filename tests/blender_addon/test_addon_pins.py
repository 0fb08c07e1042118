"""Hands and feet that are held, and feet on steps, on three kinds of rigs in Blender."""

import numpy as np
import pytest
from walks import walk

bpy = pytest.importorskip("bpy")

FRAMES = 60


def _character(placid, kind: str):
    rigs = placid.character.sample_rigs
    if kind == "rigify":
        return rigs.rigify_metarig(bpy.context)
    if kind == "mixamo":
        return rigs.mixamo_skeleton(bpy.context)
    return placid.character.armature.create_character(bpy.context)


def _bake(placid, armature, motion, **options):
    scene = bpy.context.scene
    scene.render.fps = 20
    apply = placid.retargeting.apply_motion
    return apply.apply_motion(scene, armature, motion, apply.ApplyOptions(**options))


def _mapping(placid, armature):
    rig = placid.retargeting.read_motion.read_rig(armature)
    return placid.retargeting.bone_mapping.mapping_of(armature, rig)


def _track(armature, name: str, share: float = 0.0) -> np.ndarray:
    """Where a share of a bone is in the world, (FRAMES, 3)."""
    found = []
    for frame in range(1, FRAMES + 1):
        bpy.context.scene.frame_set(frame)
        bone = armature.pose.bones[name]
        found.append((armature.matrix_world @ bone.head.lerp(bone.tail, share))[:])
    return np.array(found)


def _empty(place):
    item = bpy.data.objects.new("Cup", None)
    item.location = place
    bpy.context.collection.objects.link(item)
    bpy.context.view_layer.update()
    return item


@pytest.mark.parametrize("kind", ["placid", "mixamo", "rigify"])
def test_a_hand_is_held_to_a_moving_object_and_let_go_smoothly(blank, kind):
    armature = _character(blank, kind)
    wrist = _mapping(blank, armature).bones["right_wrist"]
    motion = walk(blank, FRAMES)
    _bake(blank, armature, motion)
    plain = _track(armature, wrist, 0.6)
    # Within reach: where the hand is anyway, a hand's breadth higher, going along.
    size = float(np.ptp(plain[:, :2], axis=0).max())
    target = _empty(plain[20])
    for frame in range(1, FRAMES + 1):
        target.location = plain[frame - 1] + np.array([0.0, 0.0, 0.08])
        target.keyframe_insert("location", frame=frame)
    pin = blank.retargeting.pin_goals.ScenePin("right_hand", target, 25, 40, 6)
    report = _bake(blank, armature, motion, pins=(pin,))
    held = _track(armature, wrist, 0.6)
    goal = plain + np.array([0.0, 0.0, 0.08])
    assert np.linalg.norm(held - goal, axis=-1)[24:40].max() < 0.01
    assert np.linalg.norm(held - plain, axis=-1)[:17].max() < 1e-3
    assert np.linalg.norm(held - plain, axis=-1)[47:].max() < 1e-3
    steps = np.linalg.norm(np.diff(held, axis=0), axis=-1)
    assert steps.max() < np.linalg.norm(np.diff(plain, axis=0), axis=-1).max() + 0.04
    assert report.unmet == ()
    assert size > 0.5  # it walks


def test_a_foot_without_a_target_stays_where_it_was(blank):
    armature = _character(blank, "placid")
    ankle = _mapping(blank, armature).bones["left_ankle"]
    motion = blank.shared.motion.motion.Motion(np.repeat(walk(blank, 1).joints, FRAMES, axis=0))
    motion.joints[:, :, 2] += np.linspace(0, 0.2, FRAMES, dtype=np.float32)[:, None]
    pin = blank.retargeting.pin_goals.ScenePin("left_foot", None, 10, 50, 4)
    _bake(blank, armature, motion, pins=(pin,), pin_strength=0.0)
    track = _track(armature, ankle)
    assert np.linalg.norm(track[9:50] - track[9], axis=-1).max() < 0.01
    assert np.linalg.norm(track[0] - track[-1]) > 0.1


def test_what_is_out_of_reach_is_told(blank):
    armature = _character(blank, "placid")
    pin = blank.retargeting.pin_goals.ScenePin("left_hand", _empty((9.0, 0.0, 1.0)), 10, 20, 5)
    report = _bake(blank, armature, walk(blank, FRAMES), pins=(pin,))
    assert len(report.unmet) == 1
    assert "left hand at Cup in frames 10 to 20 is" in report.sentence
    error = blank.shared.errors.PlacidError
    backwards = blank.retargeting.pin_goals.ScenePin("left_hand", None, 20, 10, 5)
    with pytest.raises(error, match="begins in frame 20 and ends in frame 10; let it end later"):
        _bake(blank, armature, walk(blank, FRAMES), pins=(backwards,))


@pytest.mark.parametrize("kind", ["placid", "mixamo", "rigify"])
def test_feet_stand_on_a_platform_and_step_up_to_it(blank, kind):
    armature = _character(blank, kind)
    mapping = _mapping(blank, armature)
    motion = walk(blank, FRAMES)
    _bake(blank, armature, motion)
    ankles = [mapping.bones[f"{side}_ankle"] for side in ("left", "right")]
    plain = [_track(armature, name) for name in ankles]
    way = float(plain[0][-1, 1] - plain[0][0, 1])  # the character goes to -Y
    height = 0.2
    bpy.ops.mesh.primitive_cube_add(size=1.0)
    box = bpy.context.object
    box.scale = (6.0, abs(way) * 3, height)
    box.location = (0.0, plain[0][0, 1] + way / 2 + np.sign(way) * abs(way) * 1.5, height / 2)
    bpy.context.view_layer.update()
    edge = plain[0][0, 1] + way / 2
    _bake(blank, armature, motion, ground=True)
    raised = [_track(armature, name) for name in ankles]
    for before, after in zip(plain, raised, strict=True):
        rise = after[:, 2] - before[:, 2]
        beyond = (before[:, 1] - edge) * np.sign(way)
        assert np.abs(rise[beyond < -0.5]).max() < 0.06
        assert np.abs(rise[-3:] - height).max() < 0.03
        # Never inside of the box.
        assert after[beyond > 0.05, 2].min() > height
    steps = [np.abs(np.diff(track[:, 2])).max() for track in raised]
    assert max(steps) < 0.12


def test_the_characters_own_meshes_are_no_ground(blank):
    armature = _character(blank, "placid")
    binding = blank.retargeting.ground.bind(
        blank.retargeting.read_motion.read_rig(armature), _mapping(blank, armature)
    )
    heights = blank.retargeting.scene_ground.ground_below(bpy.context.scene, armature, binding)
    eyes = np.array([[x, 1.5, z] for x in (-0.1, 0.0, 0.1) for z in (-0.05, 0.05)])
    assert (heights(eyes) == 0).all()


def test_pins_are_listed_for_their_character_and_applied_to_its_take(blank):
    scene = bpy.context.scene
    armature = _character(blank, "placid")
    scene.placid.armature = armature
    scene.frame_set(12)
    assert bpy.ops.placid.add_pin() == {"FINISHED"}
    pin = scene.placid_pins.pins[0]
    assert (pin.armature, pin.first) == (armature, 12)
    assert len(blank.core.pins.pins_of(scene, armature)) == 1
    other = _character(blank, "placid")
    assert blank.core.pins.pins_of(scene, other) == ()
    assert bpy.ops.placid.remove_pin() == {"FINISHED"}
    assert not bpy.ops.placid.remove_pin.poll()
