"""What does not move in the viewport is not exported as if it stood still."""

import numpy as np
import pytest
from walks import add_walk, played

bpy = pytest.importorskip("bpy")


def _exports(placid, armature, folder):
    export = placid.retargeting.export
    for kind in ("bvh", "glb", "fbx", "smplx"):
        path = folder / f"walk.{kind}"
        yield (
            path,
            lambda kind=kind, path=path: getattr(export, f"export_{kind}")(
                bpy.context, armature, path
            ),
        )


def test_an_armature_in_rest_position_is_refused(blank, tmp_path):
    scene = bpy.context.scene
    armature = blank.character.sample_rigs.mixamo_skeleton(bpy.context)
    take = add_walk(blank, armature)
    blank.core.takes.accept(scene, take)
    armature.data.pose_position = "REST"
    error = blank.shared.errors.PlacidError
    for path, export in _exports(blank, armature, tmp_path):
        with pytest.raises(error, match="Rest Position"):
            export()
        assert not path.exists()
    with pytest.raises(error, match="Rest Position"):
        blank.core.takes.show(scene, take)
    blank.core.takes.reject(scene, take)
    assert played(armature) is None, "what needs no pose works all the same"


def test_an_armature_in_edit_mode_is_refused(blank, tmp_path):
    armature = blank.character.sample_rigs.mixamo_skeleton(bpy.context)
    take = add_walk(blank, armature)
    blank.core.takes.accept(bpy.context.scene, take)
    bpy.context.view_layer.objects.active = armature
    bpy.ops.object.mode_set(mode="EDIT")
    armature.data.edit_bones["mixamorig:LeftLeg"].name = "Left Shin"
    error = blank.shared.errors.PlacidError
    for path, export in _exports(blank, armature, tmp_path):
        with pytest.raises(error, match="Edit Mode"):
            export()
        assert not path.exists()
    with pytest.raises(error, match="Edit Mode"):
        blank.core.takes.show(bpy.context.scene, add_walk(blank, armature))
    assert armature.mode == "EDIT"
    bpy.ops.object.mode_set(mode="OBJECT")


@pytest.mark.parametrize("mode", ["POSE", "SCULPT"])
def test_other_modes_are_no_obstacle(blank, tmp_path, mode):
    armature = blank.character.armature.create_character(bpy.context)
    active = armature if mode == "POSE" else armature.children[0]
    bpy.context.view_layer.objects.active = active
    bpy.ops.object.mode_set(mode=mode)
    blank.core.takes.accept(bpy.context.scene, add_walk(blank, armature))
    for path, export in _exports(blank, armature, tmp_path):
        export()
        assert path.stat().st_size > 1000
    assert active.mode == mode
    with np.load(tmp_path / "walk.smplx") as file:
        assert np.ptp(file["trans"], axis=0).max() > 0.5
