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


@pytest.mark.parametrize("place", [(0.0, 0.0), (5000.0, -3000.0)])
@pytest.mark.parametrize("size", [0.01, 1.0, 100.0])
def test_a_stage_is_as_large_as_the_body_and_where_it_is(blank, place, size):
    scene = bpy.context.scene
    armature = blank.character.armature.create_character(bpy.context)
    armature.location[:2] = place
    armature.scale = (size, size, size)
    bpy.context.view_layer.update()
    take = add_walk(blank, armature)
    blank.core.takes.show(scene, take)
    frames = tuple(round(frame) for frame in take.action.frame_range)
    stage_module = blank.filming.stage
    with stage_module.preview_scene(armature, frames) as stage:
        floor = next(o for o in stage.objects if o.name.endswith("Floor"))
        assert len(floor.data.vertices) < 40_000
        middle = np.mean([vertex.co[:2] for vertex in floor.data.vertices], axis=0)
        assert np.allclose(middle, place, atol=5.0 * size)
        path = stage_module.body_path(stage, armature, frames)
        stage.frame_set(frames[0])
        camera = stage.camera.evaluated_get(stage.view_layers[0].depsgraph)
        away = np.linalg.norm(np.array(camera.matrix_world.translation) - path[0], axis=-1)
        assert stage.camera.data.clip_start < away.min() < away.max() < stage.camera.data.clip_end
        assert away.min() < 12.0 * size, "the body fills the picture"


@pytest.mark.parametrize("turn", [0.0, 2.5])
def test_the_front_camera_sees_the_face(blank, turn):
    scene = bpy.context.scene
    armature = blank.character.armature.create_character(bpy.context)
    armature.rotation_euler.z = turn
    scene.placid_motion.root_motion = "in_place"
    bpy.context.view_layer.update()
    take = add_walk(blank, armature)
    blank.core.takes.show(scene, take)
    frames = tuple(round(frame) for frame in take.action.frame_range)
    with blank.filming.stage.preview_scene(armature, frames, camera="front") as stage:
        stage.frame_set(frames[0])
        graph = stage.view_layers[0].depsgraph
        to_camera = stage.camera.evaluated_get(graph).matrix_world.translation
        forward = np.array([np.sin(turn), -np.cos(turn)])
        away = np.array(to_camera - armature.matrix_world.translation)[:2]
        assert forward @ away / np.linalg.norm(away) > 0.95
