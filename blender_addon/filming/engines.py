"""Workbench, EEVEE and Cycles: their names in each Blender version, and light that suits them."""

import math

import bpy
from mathutils import Vector

SKY_COLOR = (0.42, 0.46, 0.52)
LIGHT_DIRECTION = (0.35, 0.45, 0.82)  # as Workbench counts it
SUN_DIRECTION = (-0.45, -0.55, 0.8)  # where the sun stands: before the body, to its right
SUN_STRENGTH = 2.4
SUN_SIZE = math.radians(4)  # how soft the shadows are


def use_engine(
    scene: bpy.types.Scene, collection: bpy.types.Collection, engine: str, samples: int, name: str
) -> None:
    """Let the scene be rendered by an engine of `shared.filming.orders.ENGINES`, with light.

    Args:
        collection: takes the lamp, where the engine needs one.
        samples: a pixel, for EEVEE and Cycles.
        name: of the world and the lamp.
    """
    scene.render.film_transparent = False
    # A film curve would only make the flat colours dull.
    scene.view_settings.view_transform = "Standard"
    scene.world = bpy.data.worlds.new(name)
    scene.world.color = SKY_COLOR
    if engine == "workbench":
        _use_workbench(scene)
        return
    _add_sky(scene.world)
    _add_sun(collection, name)
    if engine == "cycles":
        scene.render.engine = "CYCLES"
        scene.cycles.samples = samples
        # Some systems' own Blenders are built without a denoiser, and would not render with one.
        scene.cycles.use_denoising = bool(scene.cycles.denoiser)
    else:
        scene.render.engine = _eevee()
        scene.eevee.taa_render_samples = samples
        scene.eevee.use_shadows = True


def _use_workbench(scene: bpy.types.Scene) -> None:
    scene.render.engine = "BLENDER_WORKBENCH"
    # Five samples cost three times as much and look the same.
    scene.display.render_aa = "FXAA"
    shading = scene.display.shading
    shading.light = "STUDIO"
    shading.color_type = "MATERIAL"
    shading.show_shadows = True
    shading.shadow_intensity = 0.45
    shading.show_cavity = True
    shading.cavity_type = "WORLD"
    scene.display.light_direction = LIGHT_DIRECTION


def _eevee() -> str:
    return "BLENDER_EEVEE" if bpy.app.version >= (5, 0, 0) else "BLENDER_EEVEE_NEXT"


def _add_sky(world: bpy.types.World) -> None:
    if world.node_tree is None:  # Blender 5 makes the nodes by itself
        world.use_nodes = True
    background = world.node_tree.nodes.get("Background")
    if background is not None:
        background.inputs["Color"].default_value = (*SKY_COLOR, 1.0)
        background.inputs["Strength"].default_value = 0.6


def _add_sun(collection: bpy.types.Collection, name: str) -> None:
    data = bpy.data.lights.new(name, "SUN")
    data.energy = SUN_STRENGTH
    data.angle = SUN_SIZE
    sun = bpy.data.objects.new(f"{name} Sun", data)
    # A lamp shines along its own -z.
    sun.rotation_euler = Vector(SUN_DIRECTION).to_track_quat("Z", "Y").to_euler()
    collection.objects.link(sun)
