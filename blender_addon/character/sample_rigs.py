"""Rigs to try Placid on without a character of one's own: Placid's, Rigify's and Mixamo's names.

Rigify's metarig and a bare Mixamo skeleton have nothing to look at, so a jointed wooden figure is
put around their bones.
"""

import math
from collections.abc import Callable
from typing import Final

import bpy
import numpy as np
from mathutils import Matrix, Vector

from ..rig.read_rig import read_rig
from ..shared.motion.skeleton import JOINT_NAMES, PARENTS
from ..shared.recognition.detect import detect
from ..shared.recognition.mapping import Mapping, load_presets
from .armature import bone_tail, create_character, rest_joints
from .materials import plain_material

FIGURE_NAME = "Placid Figure"
FIGURE_COLOR = (0.55, 0.63, 0.74, 1.0)
SIDES = 12

# Thickness of the figure's parts, as a share of the body's height.
_RADII: Final = {
    "pelvis": 0.062,
    "spine": 0.066,
    "neck": 0.028,
    "head": 0.052,
    "hip": 0.042,
    "knee": 0.031,
    "ankle": 0.023,
    "foot": 0.02,
    "collar": 0.03,
    "shoulder": 0.027,
    "elbow": 0.021,
    "wrist": 0.017,
}
# The outline of a part: share of its length, share of its radius.
_OUTLINE: Final = ((0.0, 0.35), (0.06, 0.8), (0.2, 1.0), (0.7, 0.88), (0.94, 0.68), (1.0, 0.35))


def rigify_metarig(context: bpy.types.Context) -> bpy.types.Object:
    """Add Rigify's human metarig with a figure around its bones."""
    bpy.ops.preferences.addon_enable(module="rigify")
    bpy.ops.object.armature_human_metarig_add()
    armature = context.view_layer.objects.active
    add_figure(context, armature)
    return armature


def mixamo_skeleton(context: bpy.types.Context) -> bpy.types.Object:
    """Add a T-posed skeleton as an FBX import leaves it: Mixamo's names, centimetres, Y up."""
    mapping = next(preset for preset in load_presets() if preset.name == "Mixamo")
    names = _bone_names(mapping.prefixed(mapping.prefixes[0]))
    data = bpy.data.armatures.new("Armature")
    armature = bpy.data.objects.new("Armature", data)
    context.collection.objects.link(armature)
    armature.matrix_world = Matrix.Rotation(math.pi / 2, 4, "X") @ Matrix.Scale(0.01, 4)
    to_local = armature.matrix_world.inverted()
    joints = rest_joints()
    context.view_layer.objects.active = armature
    bpy.ops.object.mode_set(mode="EDIT")
    try:
        for index, joint in enumerate(JOINT_NAMES):
            bone = data.edit_bones.new(names[joint])
            bone.head = to_local @ Vector(joints[index])
            bone.tail = to_local @ Vector(bone_tail(joint, joints))
            if PARENTS[index] >= 0:
                bone.parent = data.edit_bones[names[JOINT_NAMES[PARENTS[index]]]]
    finally:
        bpy.ops.object.mode_set(mode="OBJECT")
    add_figure(context, armature)
    return armature


RIGS: Final[dict[str, Callable[[bpy.types.Context], bpy.types.Object]]] = {
    "placid": create_character,
    "rigify": rigify_metarig,
    "mixamo": mixamo_skeleton,
}


def add_figure(context: bpy.types.Context, armature: bpy.types.Object) -> bpy.types.Object:
    """Put one rigid part around every bone that stands for a joint, and return the mesh object.

    Soles are flat: what would reach below the armature's origin ends there.

    Raises:
        RigError: the rig is not recognised.
    """
    rig = read_rig(armature)
    mapping = detect(rig).mapping
    parts = _parts(mapping)
    bones = [armature.data.bones[name] for name in parts]
    ends = np.array([(bone.head_local, bone.tail_local) for bone in bones])
    # The pelvis bone points upwards; its part starts between the thighs.
    hips = [ends[list(parts).index(mapping.bones[f"{side}_hip"]), 0] for side in ("left", "right")]
    ends[list(parts).index(mapping.bones["pelvis"]), 0] = np.mean(hips, axis=0)
    height = np.ptp(ends.reshape(-1, 3), axis=0).max()
    mesh = bpy.data.meshes.new(FIGURE_NAME)
    vertices, faces = [], []
    for (head, tail), radius in zip(ends, parts.values(), strict=True):
        offset = SIDES * len(_OUTLINE) * len(vertices)
        part, quads = _spindle(head, tail, radius * height)
        vertices.append(part)
        faces += [[corner + offset for corner in face] for face in quads]
    points = np.concatenate(vertices)
    points -= np.minimum(points @ rig.up, 0.0)[:, None] * rig.up
    mesh.from_pydata(points.tolist(), [], faces)
    mesh.shade_smooth()
    mesh.materials.append(plain_material(FIGURE_NAME, FIGURE_COLOR))
    figure = bpy.data.objects.new(FIGURE_NAME, mesh)
    for number, bone in enumerate(bones):
        size = SIDES * len(_OUTLINE)
        members = range(number * size, (number + 1) * size)
        figure.vertex_groups.new(name=bone.name).add(list(members), 1.0, "REPLACE")
    figure.parent = armature
    figure.modifiers.new("Armature", "ARMATURE").object = armature
    context.collection.objects.link(figure)
    return figure


def _bone_names(mapping: Mapping) -> dict[str, str]:
    """Joint to bone for a mapping with as many spine and neck bones as Placid's skeleton has."""
    spine = dict(zip(("spine1", "spine2", "spine3"), mapping.spine, strict=True))
    return {**mapping.bones, **spine, "neck": mapping.neck[0]}


def _parts(mapping: Mapping) -> dict[str, float]:
    """Bone to relative radius."""
    singles = {bone: _RADII[joint.split("_")[-1]] for joint, bone in mapping.bones.items()}
    spine = dict.fromkeys(mapping.spine, _RADII["spine"])
    return {**singles, **spine, **dict.fromkeys(mapping.neck, _RADII["neck"])}


def _spindle(head: np.ndarray, tail: np.ndarray, radius: float) -> tuple[np.ndarray, list]:
    """Vertices (SIDES * len(_OUTLINE), 3) and faces of a closed turned part from head to tail."""
    axis = tail - head
    turn = np.array(Vector(axis).to_track_quat("Z", "Y").to_matrix())
    angles = np.arange(SIDES) * (2 * math.pi / SIDES)
    circle = np.stack([np.cos(angles), np.sin(angles), np.zeros(SIDES)], axis=-1) @ turn.T
    rings = [head + share * axis + wide * radius * circle for share, wide in _OUTLINE]
    faces = [
        [
            ring * SIDES + side,
            ring * SIDES + after,
            (ring + 1) * SIDES + after,
            (ring + 1) * SIDES + side,
        ]
        for ring in range(len(_OUTLINE) - 1)
        for side in range(SIDES)
        for after in [(side + 1) % SIDES]
    ]
    last = (len(_OUTLINE) - 1) * SIDES
    caps = [list(range(SIDES))[::-1], [last + side for side in range(SIDES)]]
    return np.concatenate(rings), [*faces, *caps]
