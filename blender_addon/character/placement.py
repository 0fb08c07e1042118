"""A place for a new character where nothing else stands."""

from collections.abc import Iterator
from typing import Final

import bpy
import numpy as np
from mathutils import Vector

# What a standing body with hanging arms takes, metres: to each side of its place, and in height.
_HALF: Final = 0.5
_HEIGHT: Final = 1.8
# What is lower is a floor.
_FLOOR: Final = 0.1
_STEP: Final = 0.25
_FARTHEST: Final = 5.0
_SOLID: Final = ("MESH", "CURVE", "SURFACE", "META", "FONT", "VOLUME")


def step_aside(context: bpy.types.Context, armature: bpy.types.Object) -> None:
    """Move a new character to the nearest place in which it stands in no other object.

    It stays where it is when there is none near, as within a room that is one object.
    """
    boxes = [
        _box(item)
        for item in context.view_layer.objects
        if item.type in _SOLID and item.visible_get() and item.find_armature() != armature
    ]
    here = np.array(armature.location)
    free = (place for place in _places(here) if not any(_stands_in(place, box) for box in boxes))
    armature.location = next(free, here).tolist()


def _places(here: np.ndarray) -> Iterator[np.ndarray]:
    """Here, then beside, behind and before it, ever farther away."""
    yield here
    for distance in np.arange(_STEP, _FARTHEST + _STEP, _STEP):
        for way in ((1, 0), (-1, 0), (0, 1), (0, -1)):
            yield here + distance * np.array([*way, 0.0])


def _box(item: bpy.types.Object) -> tuple[np.ndarray, np.ndarray]:
    """Lowest and highest corner (3,) in the world."""
    corners = np.array([item.matrix_world @ Vector(corner) for corner in item.bound_box])
    return corners.min(axis=0), corners.max(axis=0)


def _stands_in(place: np.ndarray, box: tuple[np.ndarray, np.ndarray]) -> bool:
    low = place + np.array((-_HALF, -_HALF, _FLOOR))
    high = place + np.array((_HALF, _HALF, _HEIGHT))
    return bool((low < box[1]).all() and (box[0] < high).all())
