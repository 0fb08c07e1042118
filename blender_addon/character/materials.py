"""Plain materials that look alike in every engine."""

import bpy

Color = tuple[float, float, float, float]


def plain_material(name: str, color: Color) -> bpy.types.Material:
    """The rough, one-coloured material of a name, made when the file has none."""
    material = bpy.data.materials.get(name)
    if material is not None:
        return material
    material = bpy.data.materials.new(name)
    material.diffuse_color = color
    material.roughness = 0.6
    if material.node_tree is None:  # Blender 5 makes the nodes by itself
        material.use_nodes = True
    surface = material.node_tree.nodes.get("Principled BSDF")
    if surface is not None:
        surface.inputs["Base Color"].default_value = color
        surface.inputs["Roughness"].default_value = 0.6
    return material
