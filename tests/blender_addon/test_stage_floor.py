"""The floor of a film lies under the feet, wherever the character stands."""

import numpy as np
import pytest
from walks import add_walk

bpy = pytest.importorskip("bpy")


def _level(stage) -> float:
    floor = next(o for o in stage.objects if o.name.endswith("Floor"))
    return floor.matrix_world.translation.z + max(v.co.z for v in floor.data.vertices)


@pytest.mark.parametrize("height", [0.0, 1.5, -0.9])
@pytest.mark.parametrize("how", ["object", "parent", "pose"])
def test_the_floor_of_a_film_is_under_the_feet(blank, height, how):
    scene = bpy.context.scene
    armature = blank.character.armature.create_character(bpy.context)
    take = add_walk(blank, armature)
    blank.core.takes.show(scene, take)
    if how == "object":
        armature.location.z = height
    elif how == "parent":
        lift = bpy.data.objects.new("Lift", None)
        scene.collection.objects.link(lift)
        armature.parent, lift.location.z = lift, height
    else:
        for curve in blank.retargeting.slots.curves_of(take.action, armature):
            if curve.data_path == 'pose.bones["pelvis"].location' and curve.array_index == 1:
                for point in curve.keyframe_points:
                    point.co.y += height
    bpy.context.view_layer.update()
    frames = tuple(round(frame) for frame in take.action.frame_range)
    stage_module = blank.filming.stage
    with stage_module.preview_scene(armature, frames) as stage:
        path = stage_module.body_path(stage, armature, frames)
        lowest = float(np.median(path[..., 2].min(axis=1)))
        assert _level(stage) == pytest.approx(lowest, abs=0.1)
        if how != "pose":
            assert _level(stage) == pytest.approx(height, abs=1e-6), "exactly where it stands"
