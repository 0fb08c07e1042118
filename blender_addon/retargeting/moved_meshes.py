"""The meshes that an armature moves."""

import bpy


def rendered_meshes(armature: bpy.types.Object) -> list[bpy.types.Object]:
    """The meshes that the armature moves and that are rendered, hidden in the viewport or not."""
    return [mesh for mesh in _moved_meshes(armature) if not mesh.hide_render]


def hidden_meshes(armature: bpy.types.Object) -> list[bpy.types.Object]:
    """The meshes that the armature moves and that are not rendered."""
    return [mesh for mesh in _moved_meshes(armature) if mesh.hide_render]


def _moved_meshes(armature: bpy.types.Object) -> list[bpy.types.Object]:
    return [
        other
        for other in armature.users_scene[0].objects
        if other.type == "MESH" and (other.parent == armature or _is_deformed(other, armature))
    ]


def _is_deformed(mesh: bpy.types.Object, armature: bpy.types.Object) -> bool:
    return any(m.type == "ARMATURE" and m.object == armature for m in mesh.modifiers)
