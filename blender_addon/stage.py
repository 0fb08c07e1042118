"""A stage around an armature: floor, light, and a camera that follows it."""

import contextlib
import math
from collections.abc import Iterator

import bpy
import numpy as np
from mathutils import Matrix

STAGE_NAME = "Placid Stage"
FLOOR_COLORS = ((0.36, 0.39, 0.43, 1.0), (0.44, 0.47, 0.51, 1.0))
SKY_COLOR = (0.42, 0.46, 0.52)
LENS_MARGIN = 1.12  # room left around the body
PITCH = math.radians(11)  # how far the camera looks down
TRACK_SECONDS = 0.6  # standard deviation of the camera's smoothing
TRAVEL = 1.0  # metres from which the way walked, not the facing, chooses the view


def build_stage(
    scene: bpy.types.Scene,
    armature: bpy.types.Object,
    frames: tuple[int, int],
    size: tuple[int, int] = (640, 360),
) -> None:
    """Give the scene a floor, light, a following camera and Workbench settings.

    Args:
        scene: the scene, which must hold the armature and its animation.
        armature: whom the camera follows.
        frames: first and last frame of the motion; becomes the scene's range.
        size: width and height of the picture in pixels.
    """
    scene.frame_start, scene.frame_end = frames
    scene.render.resolution_x, scene.render.resolution_y = size
    scene.render.resolution_percentage = 100
    _use_workbench(scene)
    collection = bpy.data.collections.new(STAGE_NAME)
    scene.collection.children.link(collection)
    path = body_path(scene, armature, frames)
    _add_floor(collection, path)
    _add_camera(scene, collection, path, frames[0])


@contextlib.contextmanager
def preview_scene(
    armature: bpy.types.Object, frames: tuple[int, int], size: tuple[int, int] = (640, 360)
) -> Iterator[bpy.types.Scene]:
    """A temporary scene with a stage around the armature; the user's own scene stays as it is."""
    scene = bpy.data.scenes.new(STAGE_NAME)
    before = {
        name: set(getattr(bpy.data, name)) for name in ("objects", "meshes", "cameras", "actions")
    }
    source = armature.users_scene[0]
    scene.render.fps, scene.render.fps_base = source.render.fps, source.render.fps_base
    try:
        for member in (armature, *_dependents(armature)):
            scene.collection.objects.link(member)
        build_stage(scene, armature, frames, size)
        yield scene
    finally:
        world, stages = scene.world, list(scene.collection.children)
        bpy.data.scenes.remove(scene)
        for stage in stages:
            bpy.data.collections.remove(stage)
        bpy.data.worlds.remove(world)
        for name, known in before.items():
            data = getattr(bpy.data, name)
            for block in set(data) - known:
                data.remove(block)


def body_path(
    scene: bpy.types.Scene, armature: bpy.types.Object, frames: tuple[int, int]
) -> np.ndarray:
    """World positions (T, P, 3) of the ends of the deforming bones in every frame."""
    names = [bone.name for bone in armature.data.bones if bone.use_deform]
    names = names or [bone.name for bone in armature.data.bones]
    current = scene.frame_current
    layer = scene.view_layers[0]
    rows = []
    for frame in range(frames[0], frames[1] + 1):
        scene.frame_set(frame)
        posed = armature.evaluated_get(layer.depsgraph)
        world = np.array(posed.matrix_world)
        ends = np.array(
            [(*posed.pose.bones[name].head, *posed.pose.bones[name].tail) for name in names]
        ).reshape(-1, 3)
        rows.append(ends @ world[:3, :3].T + world[:3, 3])
    scene.frame_set(current)
    return np.stack(rows)


def camera_track(
    path: np.ndarray, fps: float, aspect: float, half_angle: float
) -> tuple[np.ndarray, Matrix]:
    """Where a camera must stand so that the body is always in the picture.

    The direction is fixed, the aim follows the smoothed centre of the body, and the distance is
    the smallest at which every point of every frame fits.

    Args:
        path: (T, P, 3) points of the body.
        fps: frames per second.
        aspect: width of the picture over its height (at least 1).
        half_angle: half of the horizontal field of view, in radians.

    Returns:
        (T, 3) camera positions and the camera's rotation (camera space to world).
    """
    low, high = path.min(axis=1), path.max(axis=1)
    aim = _smooth((low + high) / 2, fps * TRACK_SECONDS)
    rotation = _view_rotation(path)
    right, up, back = np.array(rotation.to_3x3()).T
    offset = path - aim[:, None]
    slope = math.tan(half_angle)
    near = offset @ back
    need = (
        np.maximum(np.abs(offset @ right) / slope, np.abs(offset @ up) * aspect / slope)
        * LENS_MARGIN
        + near
    )
    return aim + back * max(float(need.max()), 1.0), rotation


def _view_rotation(path: np.ndarray) -> Matrix:
    """Show a standing body from the front three quarters, a travelling one from its side."""
    centre = path.mean(axis=1)
    way = (centre[-1] - centre[0])[:2]
    if np.linalg.norm(way) > TRAVEL:
        heading = math.atan2(way[1], way[0])
        turn = math.radians(55)
    else:
        heading = -math.pi / 2
        turn = math.radians(28)
    # The camera stands on the side `azimuth` of the body.
    azimuth = heading + turn
    return Matrix.Rotation(azimuth + math.pi / 2, 4, "Z") @ Matrix.Rotation(
        math.pi / 2 - PITCH, 4, "X"
    )


def _smooth(values: np.ndarray, sigma: float) -> np.ndarray:
    """Gaussian smoothing over time of (T, 3); the ends go on as they were going."""
    reach = max(1, int(3 * sigma))
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    kernel /= kernel.sum()
    padded = np.pad(values, ((reach, reach), (0, 0)), mode="reflect", reflect_type="odd")
    return np.stack([np.convolve(column, kernel, mode="valid") for column in padded.T], axis=-1)


def _use_workbench(scene: bpy.types.Scene) -> None:
    scene.render.engine = "BLENDER_WORKBENCH"
    scene.render.film_transparent = False
    # Workbench colours are display colours; a film curve would only make them dull.
    scene.view_settings.view_transform = "Standard"
    # Five samples cost three times as much and look the same.
    scene.display.render_aa = "FXAA"
    shading = scene.display.shading
    shading.light = "STUDIO"
    shading.color_type = "MATERIAL"
    shading.show_shadows = True
    shading.shadow_intensity = 0.45
    shading.show_cavity = True
    shading.cavity_type = "WORLD"
    scene.display.light_direction = (0.35, 0.45, 0.82)
    world = bpy.data.worlds.new(STAGE_NAME)
    world.color = SKY_COLOR
    scene.world = world


def _add_floor(collection: bpy.types.Collection, path: np.ndarray) -> None:
    """A chequered floor of one-metre tiles, far larger than the motion."""
    reach = int(np.abs(path[..., :2]).max()) + 60
    ticks = np.arange(-reach, reach + 1, dtype=float)
    xs, ys = np.meshgrid(ticks, ticks, indexing="ij")
    vertices = np.stack([xs, ys, np.zeros_like(xs)], axis=-1).reshape(-1, 3)
    side = len(ticks)
    i, j = (axis.ravel() for axis in np.meshgrid(*[np.arange(side - 1)] * 2, indexing="ij"))
    corner = i * side + j
    faces = np.stack([corner, corner + side, corner + side + 1, corner + 1], axis=-1)
    mesh = bpy.data.meshes.new(STAGE_NAME)
    mesh.from_pydata(vertices.tolist(), [], faces.tolist())
    for index, color in enumerate(FLOOR_COLORS):
        material = bpy.data.materials.get(f"{STAGE_NAME} {index}")
        if material is None:
            material = bpy.data.materials.new(f"{STAGE_NAME} {index}")
            material.diffuse_color = color
        mesh.materials.append(material)
    mesh.polygons.foreach_set("material_index", ((i + j) % 2).astype(np.int32))
    floor = bpy.data.objects.new(f"{STAGE_NAME} Floor", mesh)
    # It receives shadows; casting its own would double the time of a frame.
    floor.display.show_shadows = False
    collection.objects.link(floor)


def _add_camera(
    scene: bpy.types.Scene, collection: bpy.types.Collection, path: np.ndarray, start: int
) -> None:
    data = bpy.data.cameras.new(STAGE_NAME)
    data.lens = 50
    camera = bpy.data.objects.new(f"{STAGE_NAME} Camera", data)
    collection.objects.link(camera)
    scene.camera = camera
    width, height = scene.render.resolution_x, scene.render.resolution_y
    fps = scene.render.fps / scene.render.fps_base
    places, rotation = camera_track(path, fps, width / height, data.angle_x / 2)
    camera.rotation_euler = rotation.to_euler()
    for index, place in enumerate(places):
        camera.location = place
        camera.keyframe_insert("location", frame=start + index)


def _dependents(armature: bpy.types.Object) -> list[bpy.types.Object]:
    """The visible meshes that the armature moves."""
    return [
        other
        for other in armature.users_scene[0].objects
        if other.type == "MESH"
        and not other.hide_render
        and (other.parent == armature or other.find_armature() == armature)
    ]
