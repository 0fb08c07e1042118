"""Curves of a scene as paths: where they lead a character of any size, place and axes."""

import math
import time

import numpy as np
import pytest
from sample_motions import walking_motion

bpy = pytest.importorskip("bpy")


def _curve(kind: str, points, **fields):
    data = bpy.data.curves.new("way", "CURVE")
    data.dimensions = "3D"
    spline = data.splines.new(kind)
    if kind == "BEZIER":
        spline.bezier_points.add(len(points) - 1)
        for point, place in zip(spline.bezier_points, points, strict=True):
            point.co = place
            point.handle_left_type = point.handle_right_type = "AUTO"
    else:
        spline.points.add(len(points) - 1)
        for point, place in zip(spline.points, points, strict=True):
            point.co = (*place, 1.0)
        spline.use_endpoint_u = True
        spline.order_u = 3
    for name, value in fields.items():
        setattr(data, name, value)
    item = bpy.data.objects.new("way", data)
    bpy.context.collection.objects.link(item)
    bpy.context.scene.placid_direction.curve = item
    bpy.context.view_layer.update()
    return item


BEND = ((0.0, 0.0, 0.0), (1.0, -2.0, 0.0), (0.0, -4.0, 0.0))


def _character(placid, kind: str):
    rigs = placid.character.sample_rigs
    if kind == "rigify":
        return rigs.rigify_metarig(bpy.context)
    if kind == "mixamo":
        return rigs.mixamo_skeleton(bpy.context)
    return placid.character.armature.create_character(bpy.context)


def _path_of(placid, armature, start: int = 1):
    direct = placid.features.direct_path
    return direct.path_of(bpy.context, armature, start)


@pytest.mark.parametrize("kind", ["placid", "mixamo", "rigify"])
def test_hips_go_along_the_curve_whatever_the_rig(blank, kind):
    """A body that goes along the request's points goes along the curve in the scene."""
    armature = _character(blank, kind)
    armature.location = (2.0, 1.0, 0.0)
    armature.rotation_mode = "XYZ"
    armature.rotation_euler.rotate_axis("Z" if kind != "mixamo" else "Y", math.radians(40))
    armature.scale = armature.scale * 1.3
    curve = _curve("BEZIER", BEND)
    curve.location = (-1.0, 3.0, 0.0)
    bpy.context.view_layer.update()
    points = np.array(_path_of(blank, armature).points)

    walk = walking_motion(60)
    joints = walk.joints - walk.joints[:, :1] * [1, 0, 1]
    share = np.linspace(0, len(points) - 1, len(joints))
    for axis, column in ((0, 0), (2, 1)):
        way = np.interp(share, np.arange(len(points)), points[:, column])
        joints[..., axis] += way[:, None]
    motion = blank.shared.motion.motion.Motion(joints.astype(np.float32))
    scene = bpy.context.scene
    scene.render.fps = 20
    apply = blank.retargeting.apply_motion
    apply.apply_motion(scene, armature, motion, apply.ApplyOptions(frame_start=1))

    line = blank.retargeting.read_curve.read_curve(curve, bpy.context.evaluated_depsgraph_get())[
        :, :2
    ]
    mapping = blank.retargeting.bone_mapping.mapping_of(
        armature, blank.retargeting.read_motion.read_rig(armature)
    )
    hips = [mapping.bones[f"{side}_hip"] for side in ("left", "right")]
    for frame in (1, 20, 40, 60):
        scene.frame_set(frame)
        places = [armature.matrix_world @ armature.pose.bones[name].head for name in hips]
        middle = np.array((places[0] + places[1]) / 2)[:2]
        nearest = np.linalg.norm(line - middle, axis=-1).min()
        assert nearest < 0.12, (frame, nearest)  # hips are before and behind the pelvis' joint
        if frame in (1, 60):
            end = line[0] if frame == 1 else line[-1]
            assert np.linalg.norm(end - middle) < 0.12


@pytest.mark.parametrize("kind", ["BEZIER", "NURBS", "POLY"])
def test_every_kind_of_curve_is_read_evaluated_and_without_its_thickness(blank, kind):
    armature = _character(blank, "placid")
    thin = _path_of(blank, armature) if _curve(kind, BEND) else None
    thick = _path_of(blank, armature) if _curve(kind, BEND, bevel_depth=0.2) else None
    first, last = thin.points[0], thin.points[-1]
    assert np.allclose(first, (0, 0), atol=1e-3)
    scale = 0.82 / blank.retargeting.ground.Ground.below(armature).scale / 0.82
    assert np.allclose(np.array(last) * scale, (0, 4), atol=1e-2)
    assert np.allclose(thick.points[-1], last, atol=1e-3)
    assert kind == "POLY" or len(thin.points) > 10


def test_waypoints_and_target_are_put_beside_the_curve(blank):
    armature = _character(blank, "placid")
    _curve("POLY", ((0.0, 0.0, 0.0), (0.0, -4.0, 0.0)))
    scene = bpy.context.scene
    scene.render.fps = 25
    settings = scene.placid_direction
    for y, frame in ((-1.0, 51), (-3.0, 101)):
        marker = bpy.data.objects.new("there", None)
        marker.location = (0.3, y, 0.7)
        bpy.context.collection.objects.link(marker)
        waypoint = settings.waypoints.add()
        waypoint.place, waypoint.frame = marker, frame
    settings.face = marker
    bpy.context.view_layer.update()
    path = _path_of(blank, armature, start=1)
    assert path.times == (None, 2.0, 4.0, None)
    shares = [point[1] / path.points[-1][1] for point in path.points]
    assert np.allclose(shares, (0, 0.25, 0.75, 1), atol=1e-3)
    assert path.face[0] > 0
    assert np.isclose(path.face[1] / path.points[-1][1], 0.75, atol=1e-3)


def test_the_curve_goes_into_the_request_and_the_take_to_its_frame(walking):
    scene = bpy.context.scene
    armature = _character(walking, "placid")
    scene.placid.armature = armature
    scene.frame_start, scene.render.fps = 11, 20
    scene.placid.prompt = "a person walks"
    _curve("BEZIER", BEND)
    settings = scene.placid_direction
    settings.length, settings.frames = "FRAMES", 90
    assert bpy.ops.placid.follow_path() == {"FINISHED"}
    current, deadline = walking.core.runtime.get(), time.monotonic() + 60
    while current.job is not None and time.monotonic() < deadline:
        current.tick(0.05)
    take = scene.placid.takes[0]
    asked = walking.core.takes.request_of(take)
    assert asked.seconds == 4.5
    assert len(asked.path.points) > 10
    assert (take.placed, take.place) == (True, 11)
    assert take.action.frame_range[0] == 11


def test_what_is_no_path_is_refused_with_a_sentence(blank):
    scene = bpy.context.scene
    armature = _character(blank, "placid")
    assert not bpy.ops.placid.follow_path.poll()
    scene.placid.prompt = "a person walks"
    assert not bpy.ops.placid.follow_path.poll()
    curve = _curve("POLY", ((0.0, 0.0, 0.0), (0.0, -4.0, 0.0)))
    second = curve.data.splines.new("POLY")
    second.points.add(1)
    second.points[1].co = (3.0, 0.0, 0.0, 1.0)
    bpy.context.view_layer.update()
    error = blank.shared.errors.PlacidError
    with pytest.raises(error, match="has several lines; keep one"):
        _path_of(blank, armature)
    curve.data.splines.clear()
    bpy.context.view_layer.update()
    with pytest.raises(error, match="has no line to follow; draw"):
        _path_of(blank, armature)
    _curve("POLY", ((0.0, 0.0, 0.0), (0.0, -4.0, 0.0)))
    scene.placid_direction.waypoints.add().frame = 30
    with pytest.raises(error, match="waypoint for frame 30 has no object; choose one or remove"):
        _path_of(blank, armature)


def test_a_new_curve_leads_ahead_of_the_character(blank):
    armature = _character(blank, "placid")
    bpy.context.scene.placid.armature = armature
    assert bpy.ops.placid.add_path() == {"FINISHED"}
    bpy.context.view_layer.update()
    points = np.array(_path_of(blank, armature).points)
    assert np.allclose(points[0], 0, atol=1e-3)
    assert np.allclose(points[-1], (0, 4.0), atol=0.01)
    assert bpy.ops.placid.add_waypoint() == {"FINISHED"}
    assert len(bpy.context.scene.placid_direction.waypoints) == 1
    assert bpy.ops.placid.remove_waypoint() == {"FINISHED"}
    assert not bpy.ops.placid.remove_waypoint.poll()
