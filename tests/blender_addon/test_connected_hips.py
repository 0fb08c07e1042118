"""Hips that are connected to their parent cannot be moved by keys of their own."""

import numpy as np
import pytest
from walks import add_walk, places, walk

bpy = pytest.importorskip("bpy")


def _connect_hips(armature, root: str, above: int) -> None:
    """Put bones over each other under the hips, the upper ones connected."""
    bpy.context.view_layer.objects.active = armature
    bpy.ops.object.mode_set(mode="EDIT")
    bones = armature.data.edit_bones
    hips = bones["mixamorig:Hips"]
    parent = None
    for number in range(above):
        bone = bones.new(f"{root}{number or ''}")
        bone.head, bone.tail = hips.head * (number / above), hips.head * ((number + 1) / above)
        bone.parent, bone.use_connect = parent, parent is not None
        parent = bone
    hips.parent, hips.use_connect = parent, True
    bpy.ops.object.mode_set(mode="OBJECT")


@pytest.mark.parametrize("above", [1, 2])
@pytest.mark.parametrize("travel", ["hips", "root", "in_place"])
def test_connected_hips_travel(blank, above, travel):
    scene = bpy.context.scene
    scene.render.fps = 20
    armature = blank.character.sample_rigs.mixamo_skeleton(bpy.context)
    _connect_hips(armature, "root", above)
    if travel == "root":
        scene.placid.armature = armature
        bpy.ops.placid.guess_mapping()
        rows = {row.joint: row for row in armature.placid_mapping.rows}
        rows["root"].bone = "root"
    scene.placid_motion.root_motion, scene.placid_motion.pin_strength = travel, 0.0
    take = add_walk(blank, armature)
    blank.core.takes.show(scene, take)
    joints = walk(blank).joints
    wanted = 0.0 if travel == "in_place" else np.linalg.norm((joints[-1] - joints[0])[0, [0, 2]])
    way = np.diff(places(armature, ["mixamorig:Hips"], (1, 40))[:, 0], axis=0)[0]
    assert np.linalg.norm(way[:2]) == pytest.approx(wanted, rel=0.1, abs=1e-4)
    assert "astray" not in take.report
