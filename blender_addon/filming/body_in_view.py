"""Where the body is that a camera has to show: its path, its size, its floor, and how it faces."""

import math

import bpy
import numpy as np

from ..retargeting.body_bones import way_bones
from ..retargeting.bone_mapping import filed_mapping
from ..retargeting.evaluated_pose import sample_pose, to_world
from ..retargeting.moved_meshes import rendered_meshes
from ..rig.binding import bind
from ..rig.read_rig import read_rig
from ..shared.errors import PlacidError

FLOOR_SLACK = 0.1  # metres between the lowest bone and the floor that is expected
FACING = -math.pi / 2  # the way a body faces where its rig says nothing: along -y
HEIGHT = 1.7  # metres
# Between these sizes a body counts as one of ordinary size.
ORDINARY = (0.2, 5.0)


def body_path(
    scene: bpy.types.Scene, armature: bpy.types.Object, frames: tuple[int, int]
) -> np.ndarray:
    """World positions (T, P, 3) of the ends of the body's bones in every frame."""
    path = sample_pose(scene, armature, _body(armature), range(frames[0], frames[1] + 1))
    return to_world(path.world, np.concatenate([path.heads, path.tails], axis=1))


def _body(armature: bpy.types.Object) -> list[str]:
    """The bones that are the body: those that deform something, but not what carries it along."""
    bones = armature.data.bones
    try:
        ways = way_bones(armature, filed_mapping(armature))
    except PlacidError:
        ways = set()
    skin = {group.name for mesh in rendered_meshes(armature) for group in mesh.vertex_groups}
    body = [bone.name for bone in bones if bone.use_deform and bone.name not in ways]
    return [name for name in body if name in skin] or body or [bone.name for bone in bones]


def floor_level(armature: bpy.types.Object, path: np.ndarray) -> float:
    """How high the floor under a body's path (T, P, 3) is.

    Bones end near the sole, not at it: a floor that is expected nearby is the one meant.
    """
    lowest = float(np.median(path[..., 2].min(axis=1)))
    expected = (0.0, float(armature.matrix_world.translation.z))
    nearest = min(expected, key=lambda level: abs(level - lowest))
    return nearest if abs(nearest - lowest) < FLOOR_SLACK * body_size(path) else lowest


def body_size(path: np.ndarray) -> float:
    """How many times as large as a human a body with the path (T, P, 3) is; 1 for about so."""
    size = float(np.ptp(path[0], axis=0).max()) / HEIGHT
    return 1.0 if ORDINARY[0] < size < ORDINARY[1] else max(size, 1e-3)


def facing(armature: bpy.types.Object) -> float:
    """Where a body faces in its rest pose: the angle from x to y in the world."""
    try:
        forward = bind(read_rig(armature), filed_mapping(armature)).axes[:, 2]
    except PlacidError:
        return FACING
    x, y, _ = np.array(armature.matrix_world.to_3x3()) @ forward
    return math.atan2(y, x)
