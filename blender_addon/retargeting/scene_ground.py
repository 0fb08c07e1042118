"""What of a scene feet can stand on: its visible meshes, but for characters."""

import bpy
import numpy as np
from mathutils import Vector

from ..rig.binding import Binding
from ..rig.terrain import Ground as Heights
from .ground import Ground

# Below where one looks from, in metres of our skeleton.
_DEPTH = 2.5
# Surfaces that are looked through, one after another: a character's own clothes and props.
_MOST_LAYERS = 16


def ground_below(scene: bpy.types.Scene, armature: bpy.types.Object, binding: Binding) -> Heights:
    """Heights of the scene's ground for `rig.terrain`, in the binding's axes and unit.

    Deformed meshes and what hangs on an armature are no ground. The ground is that of the present
    frame.
    """
    ground = Ground.of(np.array(armature.matrix_world), binding)
    size = ground.size(binding)
    depsgraph = bpy.context.evaluated_depsgraph_get()
    down = Vector((-ground.axes[:, 1]).tolist())

    def heights(eyes: np.ndarray) -> np.ndarray:
        found = np.zeros(len(eyes))
        for number, start in enumerate(ground.outside(eyes / size).tolist()):
            place = _hit(scene, depsgraph, Vector(start), down, _DEPTH / ground.scale)
            if place is not None:
                found[number] = ground.inside(np.array(place))[1] * size
        return found

    return heights


def _hit(
    scene: bpy.types.Scene,
    depsgraph: bpy.types.Depsgraph,
    start: Vector,
    down: Vector,
    depth: float,
) -> Vector | None:
    """Where a ray meets ground first; None for nowhere."""
    for _ in range(_MOST_LAYERS):
        is_hit, place, _, _, item, _ = scene.ray_cast(depsgraph, start, down, distance=depth)
        if not is_hit:
            return None
        if not _is_carried(item):
            return place
        travelled = (place - start).length + 1e-4 * depth
        start, depth = start + travelled * down, depth - travelled
        if depth <= 0.0:
            return None
    return None


def _is_carried(item: bpy.types.Object | None) -> bool:
    """Whether an object belongs to a character: it is deformed by one or hangs on one."""
    if item is not None and item.find_armature() is not None:
        return True
    while item is not None:
        if item.type == "ARMATURE":
            return True
        item = item.parent
    return False
