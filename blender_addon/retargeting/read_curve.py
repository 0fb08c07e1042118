"""A curve object as the points of one line in the world."""

import bpy
import numpy as np

from ..shared.errors import PlacidError


def read_curve(scene_curve: bpy.types.Object, depsgraph: bpy.types.Depsgraph) -> np.ndarray:
    """The line (n, 3) that a curve object draws, evaluated, in the world, in its direction.

    Bezier, NURBS and poly curves alike; what makes it thick is left out.

    Raises:
        PlacidError: `bad_path` for an object that is no single line.
    """
    places, is_thick = _places(scene_curve.evaluated_get(depsgraph))
    if is_thick:
        thin = _thin(scene_curve)
        places, _ = _places(bpy.data.objects.new("thin", thin))
        bpy.data.curves.remove(thin)
    if places is None:
        raise PlacidError(
            "bad_path", f"{scene_curve.name} has several lines; keep one, or separate it"
        )
    if len(places) < 2:
        raise PlacidError(
            "bad_path", f"{scene_curve.name} has no line to follow; draw a curve of two points"
        )
    world = np.array(scene_curve.matrix_world)
    return places @ world[:3, :3].T + world[:3, 3]


def _thin(curve: bpy.types.Object) -> bpy.types.Curve:
    """A copy of the curve without a surface; it belongs to no scene."""
    data = curve.data.copy()
    assert isinstance(data, bpy.types.Curve), "chosen as one"
    data.bevel_depth = data.extrude = data.offset = 0.0
    data.bevel_object = data.taper_object = None
    data.dimensions = "3D"
    return data


def _places(item: bpy.types.Object) -> tuple[np.ndarray | None, bool]:
    """The points (n, 3) of a curve's line, None for several lines; and whether it is thick."""
    mesh = item.to_mesh()
    try:
        if mesh is None:
            return np.zeros((0, 3)), False
        return _line(mesh), len(mesh.polygons) > 0
    finally:
        item.to_mesh_clear()


def _line(mesh: bpy.types.Mesh) -> np.ndarray | None:
    count = len(mesh.vertices)
    flat = np.empty(3 * count, np.float32)
    mesh.vertices.foreach_get("co", flat)
    places = flat.reshape(count, 3).astype(float)
    edges = np.empty(2 * len(mesh.edges), np.int32)
    mesh.edges.foreach_get("vertices", edges)
    ends = {(min(pair), max(pair)) for pair in edges.reshape(-1, 2).tolist()}
    if any((low, low + 1) not in ends for low in range(count - 1)):
        return None
    is_closed = count > 2 and (0, count - 1) in ends
    return np.concatenate([places, places[:1]]) if is_closed else places
