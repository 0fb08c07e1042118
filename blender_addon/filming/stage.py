"""A stage around an armature: floor, light, and a camera that follows it."""

import contextlib
import math
from collections.abc import Iterator

import bpy
import numpy as np
from mathutils import Matrix

from ..character.materials import plain_material
from ..retargeting.moved_meshes import rendered_meshes
from .body_in_view import FACING, body_path, body_size, facing, floor_level
from .engines import use_engine

STAGE_NAME = "Placid Stage"
FLOOR_COLORS = ((0.62, 0.65, 0.69, 1.0), (0.8, 0.83, 0.87, 1.0))
FLOOR_TILES = 60  # around the motion, on each side
LENS_MARGIN = 1.12  # room left around the body
PITCH = math.radians(11)  # how far the camera looks down
TRACK_SECONDS = 0.6  # standard deviation of the camera's smoothing
TRAVEL = 1.0  # metres from which the way walked, not the facing, chooses the view


def build_stage(
    scene: bpy.types.Scene,
    armature: bpy.types.Object,
    frames: tuple[int, int],
    size: tuple[int, int] = (640, 360),
    camera: str = "auto",
    engine: str = "workbench",
    samples: int = 16,
) -> None:
    """Give the scene a floor, light, a camera and the settings of an engine.

    Args:
        scene: the scene, which must hold the armature and its animation.
        armature: whom the camera follows.
        frames: first and last frame of the motion; becomes the scene's range.
        size: width and height of the picture in pixels.
        camera: `auto`, `front` and `side` follow the body, `still` shows the whole way at once.
        engine: `workbench`, `eevee` or `cycles`.
        samples: a pixel, for EEVEE and Cycles.
    """
    scene.frame_start, scene.frame_end = frames
    scene.render.resolution_x, scene.render.resolution_y = size
    scene.render.resolution_percentage = 100
    collection = bpy.data.collections.new(STAGE_NAME)
    scene.collection.children.link(collection)
    use_engine(scene, collection, engine, samples, STAGE_NAME)
    path = body_path(scene, armature, frames)
    _add_floor(collection, path, floor_level(armature, path))
    _add_camera(scene, collection, path, frames[0], camera, facing(armature))


@contextlib.contextmanager
def preview_scene(
    armature: bpy.types.Object,
    frames: tuple[int, int],
    size: tuple[int, int] = (640, 360),
    camera: str = "auto",
    engine: str = "workbench",
    samples: int = 16,
) -> Iterator[bpy.types.Scene]:
    """A temporary scene with a stage around the armature; the user's own scene stays as it is.

    The arguments are those of `build_stage`.
    """
    scene = bpy.data.scenes.new(STAGE_NAME)
    kinds = ("objects", "meshes", "cameras", "lights", "actions")
    before = {name: set(getattr(bpy.data, name)) for name in kinds}
    source = armature.users_scene[0]
    scene.render.fps, scene.render.fps_base = source.render.fps, source.render.fps_base
    try:
        for member in (armature, *rendered_meshes(armature)):
            scene.collection.objects.link(member)
        build_stage(scene, armature, frames, size, camera, engine, samples)
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


def camera_track(
    path: np.ndarray,
    fps: float,
    aspect: float,
    half_angle: float,
    camera: str = "auto",
    front: float = FACING,
) -> tuple[np.ndarray, Matrix]:
    """Where a camera must stand so that the body is always in the picture.

    The direction is fixed, the aim follows the smoothed centre of the body (or, for the camera
    `still`, is the middle of the way), and the distance is the smallest at which every point of
    every frame fits.

    Args:
        path: (T, P, 3) points of the body.
        fps: frames per second.
        aspect: width of the picture over its height.
        half_angle: half of the horizontal field of view, in radians.
        camera: as of `build_stage`.
        front: where the body faces at rest, as `facing` has it.

    Returns:
        (T, 3) camera positions and the camera's rotation (camera space to world).
    """
    low, high = path.min(axis=1), path.max(axis=1)
    if camera == "still":
        aim = np.broadcast_to((low.min(axis=0) + high.max(axis=0)) / 2, low.shape)
    else:
        aim = _smooth((low + high) / 2, fps * TRACK_SECONDS)
    rotation = _view_rotation(path, camera, front)
    right, up, back = np.array(rotation.to_3x3()).T
    offset = path - aim[:, None]
    slope = math.tan(half_angle)
    near = offset @ back
    need = (
        np.maximum(np.abs(offset @ right) / slope, np.abs(offset @ up) * aspect / slope)
        * LENS_MARGIN
        + near
    )
    return aim + back * max(float(need.max()), body_size(path)), rotation


def _view_rotation(path: np.ndarray, camera: str, front: float) -> Matrix:
    """Which side of the body the camera looks at.

    `auto` shows a standing body from the front three quarters, a travelling one from its side.
    """
    centre = path.mean(axis=1)
    way = (centre[-1] - centre[0])[:2]
    travels = np.linalg.norm(way) > TRAVEL * body_size(path)
    heading = math.atan2(way[1], way[0]) if travels else front
    if camera == "front":
        turn = 0.0
    elif camera == "side":
        turn = math.pi / 2
    else:
        turn = math.radians(55 if travels else 28)
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


def _add_floor(collection: bpy.types.Collection, path: np.ndarray, level: float) -> None:
    """A chequered floor, far larger than the motion; its tiles have a metre for a human."""
    tile = body_size(path)
    low, high = (getattr(path[..., :2], end)(axis=(0, 1)) / tile for end in ("min", "max"))
    middle, reach = np.round((low + high) / 2), int((high - low).max() / 2) + FLOOR_TILES
    ticks = np.arange(-reach, reach + 1, dtype=float)
    xs, ys = np.meshgrid(*(tile * (ticks + at) for at in middle), indexing="ij")
    vertices = np.stack([xs, ys, np.full_like(xs, level)], axis=-1).reshape(-1, 3)
    side = len(ticks)
    i, j = (axis.ravel() for axis in np.meshgrid(*[np.arange(side - 1)] * 2, indexing="ij"))
    corner = i * side + j
    faces = np.stack([corner, corner + side, corner + side + 1, corner + 1], axis=-1)
    mesh = bpy.data.meshes.new(STAGE_NAME)
    mesh.from_pydata(vertices.tolist(), [], faces.tolist())
    for index, color in enumerate(FLOOR_COLORS):
        mesh.materials.append(plain_material(f"{STAGE_NAME} {index}", color))
    mesh.polygons.foreach_set("material_index", ((i + j) % 2).astype(np.int32))
    floor = bpy.data.objects.new(f"{STAGE_NAME} Floor", mesh)
    # It receives shadows; casting its own would double the time of a frame.
    floor.display.show_shadows = False
    collection.objects.link(floor)


def _add_camera(
    scene: bpy.types.Scene,
    collection: bpy.types.Collection,
    path: np.ndarray,
    start: int,
    kind: str,
    front: float,
) -> None:
    data = bpy.data.cameras.new(STAGE_NAME)
    data.lens = 50
    data.sensor_fit = "HORIZONTAL"
    camera = bpy.data.objects.new(f"{STAGE_NAME} Camera", data)
    collection.objects.link(camera)
    scene.camera = camera
    width, height = scene.render.resolution_x, scene.render.resolution_y
    fps = scene.render.fps / scene.render.fps_base
    places, rotation = camera_track(path, fps, width / height, data.angle_x / 2, kind, front)
    # Beyond the body lies the floor.
    far = float(np.linalg.norm(places[:, None] - path, axis=-1).max())
    data.clip_start = min(data.clip_start, 0.1 * body_size(path))
    data.clip_end = max(data.clip_end, 2.0 * far + FLOOR_TILES * body_size(path))
    camera.rotation_euler = rotation.to_euler()
    for index, place in enumerate(places):
        camera.location = place
        camera.keyframe_insert("location", frame=start + index)
