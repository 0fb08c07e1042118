"""Placid's own character: an armature named after the SMPL-22 joints and a mannequin on it."""

import functools

import bpy
import numpy as np
from mathutils import Vector

from ..shared.motion.skeleton import JOINT, JOINT_NAMES, PARENTS, REFERENCE_OFFSETS
from .body_mesh import body_surface, skin_weights
from .materials import plain_material

ARMATURE_NAME = "Placid"
BODY_NAME = "Placid Body"
SOLE = 0.008  # metres between the toe joint, which motions keep on the floor, and the sole
BODY_COLOR = (0.86, 0.70, 0.54, 1.0)

# The joint a bone's tail lies at; the others end in the flesh, by an offset from their own joint.
_TAILS = {
    "pelvis": "spine1",
    "spine1": "spine2",
    "spine2": "spine3",
    "spine3": "neck",
    "neck": "head",
    **{
        f"{side}_{joint}": f"{side}_{child}"
        for side in ("left", "right")
        for joint, child in {
            "hip": "knee",
            "knee": "ankle",
            "ankle": "foot",
            "collar": "shoulder",
            "shoulder": "elbow",
            "elbow": "wrist",
        }.items()
    },
}
_ENDS = {
    "head": (0.0, -0.01, 0.19),
    "left_foot": (0.0, -0.07, 0.0),
    "right_foot": (0.0, -0.07, 0.0),
    "left_wrist": (0.16, 0.0, 0.0),
    "right_wrist": (-0.16, 0.0, 0.0),
}


def rest_joints() -> np.ndarray:
    """Rest positions (22, 3) of the character in metres: Z up, facing -Y, soles at z = 0."""
    joints = np.zeros((len(JOINT_NAMES), 3))
    for index, parent in enumerate(PARENTS):
        if parent >= 0:
            joints[index] = joints[parent] + REFERENCE_OFFSETS[index]
    joints = np.stack([joints[:, 0], -joints[:, 2], joints[:, 1]], axis=-1)
    joints[:, 2] += SOLE - joints[:, 2].min()
    return joints


def create_character(context: bpy.types.Context) -> bpy.types.Object:
    """Add the character to the current collection and return its armature, selected and active.

    Where that collection shows nothing or belongs to another file, it goes to the scene's own.
    """
    collection = _open_collection(context)
    armature = _create_armature(context, collection)
    collection.objects.link(_create_body(armature))
    return armature


def bone_tail(name: str, joints: np.ndarray) -> np.ndarray:
    """Rest position (3,) of a bone's tail."""
    if name in _TAILS:
        return joints[JOINT[_TAILS[name]]]
    return joints[JOINT[name]] + np.array(_ENDS[name])


def _open_collection(context: bpy.types.Context) -> bpy.types.Collection:
    chosen = context.view_layer.active_layer_collection
    collection = chosen.collection
    is_own = collection.library is None and collection.override_library is None
    return collection if is_own and chosen.is_visible else context.scene.collection


def _create_armature(
    context: bpy.types.Context, collection: bpy.types.Collection
) -> bpy.types.Object:
    data = bpy.data.armatures.new(ARMATURE_NAME)
    armature = bpy.data.objects.new(ARMATURE_NAME, data)
    collection.objects.link(armature)
    if context.view_layer.objects.active is not None and context.mode != "OBJECT":
        bpy.ops.object.mode_set(mode="OBJECT")
    for other in context.view_layer.objects.selected:
        other.select_set(False)
    context.view_layer.objects.active = armature
    armature.select_set(True)
    armature.location = context.scene.cursor.location
    joints = rest_joints()
    bpy.ops.object.mode_set(mode="EDIT")
    try:
        for index, name in enumerate(JOINT_NAMES):
            bone = data.edit_bones.new(name)
            bone.head = joints[index]
            bone.tail = bone_tail(name, joints)
            if PARENTS[index] >= 0:
                bone.parent = data.edit_bones[JOINT_NAMES[PARENTS[index]]]
            # Bones along the view direction would make a roll from -Y degenerate: feet use up.
            bone.align_roll(Vector((0, 0, 1) if "foot" in name or "ankle" in name else (0, -1, 0)))
    finally:
        bpy.ops.object.mode_set(mode="OBJECT")
    data.display_type = "STICK"
    armature.show_in_front = True
    return armature


def _create_body(armature: bpy.types.Object) -> bpy.types.Object:
    vertices, quads, names, weights = _body_geometry()
    mesh = bpy.data.meshes.new(BODY_NAME)
    mesh.vertices.add(len(vertices))
    mesh.vertices.foreach_set("co", vertices.astype(np.float32).ravel())
    mesh.loops.add(quads.size)
    mesh.loops.foreach_set("vertex_index", quads.astype(np.int32).ravel())
    mesh.polygons.add(len(quads))
    mesh.polygons.foreach_set("loop_start", np.arange(0, quads.size, 4, dtype=np.int32))
    mesh.update(calc_edges=True)
    mesh.validate()
    mesh.shade_smooth()
    mesh.materials.append(plain_material(BODY_NAME, BODY_COLOR))
    body = bpy.data.objects.new(BODY_NAME, mesh)
    _assign_weights(body, names, weights)
    body.parent = armature
    modifier = body.modifiers.new("Armature", "ARMATURE")
    modifier.object = armature
    return body


@functools.cache
def _body_geometry() -> tuple[np.ndarray, np.ndarray, list[str], np.ndarray]:
    """Vertices, quads, bone names and weights: the same for every character."""
    joints = rest_joints()
    vertices, quads = body_surface(dict(zip(JOINT_NAMES, joints, strict=True)))
    return vertices, quads, *skin_weights(vertices, quads, _bone_segments(joints))


def _bone_segments(joints: np.ndarray) -> dict[str, np.ndarray]:
    """Where each bone holds the flesh: its own length, plus the hips' and the collars' roots."""
    segments = {
        name: [(joints[index], bone_tail(name, joints))] for index, name in enumerate(JOINT_NAMES)
    }
    for side in ("left", "right"):
        hip, shoulder = joints[JOINT[f"{side}_hip"]], joints[JOINT[f"{side}_shoulder"]]
        segments["pelvis"].append((joints[0], hip + np.array([0, 0, 0.03])))
        chest = joints[JOINT["spine3"]] * (0, 1, 1)
        segments["spine3"].append((chest, shoulder * (0.62, 1, 1) - np.array([0, 0, 0.05])))
    return {name: np.array(parts) for name, parts in segments.items()}


def _assign_weights(body: bpy.types.Object, names: list[str], weights: np.ndarray) -> None:
    for column, name in enumerate(names):
        group = body.vertex_groups.new(name=name)
        # Blender adds vertices with one weight at a time: group them by rounded weight.
        levels = np.round(weights[:, column] * 200).astype(int)
        for level in np.unique(levels[levels > 0]):
            group.add(np.flatnonzero(levels == level).tolist(), level / 200, "REPLACE")
