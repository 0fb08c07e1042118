"""BVH files say nothing of their axes: Blender's exporter writes Z up, Placid Y up."""

import numpy as np
import pytest
from sample_motions import walking_motion
from walks import add_walk, walk

from shared.motion.bvh import load_bvh, save_bvh

bpy = pytest.importorskip("bpy")


@pytest.mark.parametrize("turn", [0.0, 1.2])
def test_an_exported_bvh_is_loaded_as_it_was(blank, tmp_path, turn):
    scene = bpy.context.scene
    scene.render.fps = 20
    armature = blank.character.armature.create_character(bpy.context)
    armature.rotation_euler.z = turn
    bpy.context.view_layer.update()
    scene.placid_motion.pin_strength = 0.0
    blank.core.takes.accept(scene, add_walk(blank, armature))
    path = tmp_path / "walk.bvh"
    assert bpy.ops.placid.export_bvh(filepath=str(path)) == {"FINISHED"}
    assert bpy.ops.placid.load_motion(filepath=str(path)) == {"FINISHED"}
    joints = blank.core.takes.unpack_motion(scene.placid.takes[-1].motion).joints
    up = joints[:, 15, 1] - joints[:, 0, 1]
    assert np.median(up) > 0.4
    ours = walk(blank).joints
    way = [np.linalg.norm((path[-1] - path[0])[0, [0, 2]]) for path in (joints, ours)]
    assert way[0] == pytest.approx(way[1], rel=0.05)


def test_a_file_with_y_up_is_loaded_as_it_was(tmp_path):
    motion = walking_motion(20)
    save_bvh(motion, tmp_path / "walk.bvh")
    again = load_bvh(tmp_path / "walk.bvh")
    assert again.up == "Y"
    assert again.joints == pytest.approx(motion.joints, abs=2e-3)
