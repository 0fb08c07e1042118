"""A take looks the same whatever was played before it, and wherever the playhead was then."""

import numpy as np
import pytest
from walks import add_walk, places

bpy = pytest.importorskip("bpy")


def _bone(armature, name: str):
    return armature.pose.bones[f"mixamorig:{name}"]


def _limbs(armature) -> None:
    """As an FBX import leaves it: location and scale keys on limbs."""
    fore, arm = _bone(armature, "LeftForeArm"), _bone(armature, "RightArm")
    for frame, value in ((1, 0.0), (40, 25.0)):
        fore.location = (0.0, value, 0.0)
        arm.scale = (1.0, 1.0 + value / 25.0, 1.0)
        fore.keyframe_insert("location", frame=frame)
        arm.keyframe_insert("scale", frame=frame)


def _other_rotation_modes(armature) -> None:
    """Keys in a mode that the bone is not in any more do nothing, and must go on doing nothing."""
    arm = _bone(armature, "LeftArm")
    for frame, value in ((1, 0.0), (40, 1.0)):
        arm.rotation_euler = (value, 0.0, 0.0)
        arm.keyframe_insert("rotation_euler", frame=frame)


def _influence(armature) -> None:
    hold = _bone(armature, "Head").constraints.new("LIMIT_ROTATION")
    hold.use_limit_x, hold.min_x, hold.max_x, hold.owner_space = True, 1.0, 1.0, "LOCAL"
    for frame, value in ((1, 0.0), (40, 1.0)):
        hold.influence = value
        hold.keyframe_insert("influence", frame=frame)


def _property(armature) -> None:
    spine = _bone(armature, "Spine")
    spine['lean ["far"]'] = 0.0
    driver = _bone(armature, "LeftToeBase").driver_add("scale", 1).driver
    variable = driver.variables.new()
    variable.targets[0].id = armature
    name = bpy.utils.escape_identifier('lean ["far"]')
    variable.targets[0].data_path = f'pose.bones["mixamorig:Spine"]["{name}"]'
    driver.expression = f"1 + {variable.name}"
    for frame, value in ((1, 0.0), (40, 3.0)):
        spine['lean ["far"]'] = value
        spine.keyframe_insert(f'["{name}"]', frame=frame)


def _object(armature) -> None:
    for frame, value in ((1, 0.0), (40, 2.0)):
        armature.location.x = value
        armature.rotation_euler.z = value
        armature.keyframe_insert("location", frame=frame)
        armature.keyframe_insert("rotation_euler", frame=frame)


def _root_and_fingers(armature) -> None:
    hips = _bone(armature, "Hips")
    for frame, value in ((1, 0.0), (40, 80.0)):
        hips.location.x = value
        hips.scale.y = 1.0 + value / 80.0
        hips.keyframe_insert("location", frame=frame)
        hips.keyframe_insert("scale", frame=frame)


BEFORE = (_limbs, _other_rotation_modes, _influence, _property, _object, _root_and_fingers)


def _shown_at(placid, playhead: int, before) -> np.ndarray:
    bpy.ops.wm.read_homefile(use_empty=True)
    scene = bpy.context.scene
    armature = placid.character.sample_rigs.mixamo_skeleton(bpy.context)
    before(armature)
    scene.frame_set(playhead)
    placid.core.takes.show(scene, add_walk(placid, armature))
    names = [bone.name for bone in armature.pose.bones]
    ends = places(armature, names, (1, 20, 40))
    tails = []
    for frame in (1, 20, 40):
        scene.frame_set(frame)
        posed = armature.evaluated_get(bpy.context.evaluated_depsgraph_get())
        tails.append([posed.matrix_world @ bone.tail for bone in posed.pose.bones])
    return np.concatenate([ends, np.array(tails)], axis=1)


@pytest.mark.parametrize("before", BEFORE)
def test_a_take_does_not_depend_on_where_the_playhead_was(blank, before):
    apart = np.abs(_shown_at(blank, 1, before) - _shown_at(blank, 40, before)).max()
    assert apart < 1e-3, f"{apart:.3f} m"
