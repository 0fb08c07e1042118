"""What the Batch panel keeps in the .blend."""

from pathlib import Path

import bpy
from bpy.props import BoolProperty, EnumProperty, IntProperty, PointerProperty, StringProperty

from ...shared.filming.orders import FilmFormat, RenderSettings


class PlacidBatch(bpy.types.PropertyGroup):
    """The settings of a batch, on the scene."""

    table: StringProperty(
        name="Table",
        description="CSV or JSON file with a column 'prompt' and a row for each motion",
        subtype="FILE_PATH",
    )
    folder: StringProperty(
        name="Results",
        description="Folder for the motions and films; empty: a folder beside the table",
        subtype="DIR_PATH",
    )
    film: BoolProperty(
        name="Film",
        description="Film each take and lay moments of each prompt out on a contact sheet",
        default=True,
    )
    engine: EnumProperty(
        name="Engine",
        items=[
            ("workbench", "Workbench", "Plain and fast, needs no lights"),
            ("eevee", "EEVEE", "Light and shadow; needs a graphics card"),
            ("cycles", "Cycles", "The finest light, and the slowest"),
        ],
    )
    format: EnumProperty(
        name="Format",
        items=[
            ("mp4", "MP4", "One video a take"),
            ("png", "PNG", "One folder of pictures a take"),
        ],
    )
    width: IntProperty(name="Width", default=640, min=16, max=8192, step=2, subtype="PIXEL")
    height: IntProperty(name="Height", default=360, min=16, max=8192, step=2, subtype="PIXEL")
    samples: IntProperty(name="Samples", description="Samples a pixel", default=16, min=1, max=4096)


def table_of(settings: PlacidBatch) -> Path:
    """The chosen table."""
    return Path(bpy.path.abspath(settings.table))


def folder_of(settings: PlacidBatch) -> Path:
    """Where the results go."""
    if settings.folder:
        return Path(bpy.path.abspath(settings.folder))
    table = table_of(settings)
    return table.with_name(f"{table.stem}-results")


def look_of(settings: PlacidBatch, scene: bpy.types.Scene) -> RenderSettings | None:
    """How a batch's films look; None when nothing is filmed."""
    return film_look(settings, scene, settings.format) if settings.film else None


def film_look(
    settings: PlacidBatch, scene: bpy.types.Scene, film_format: FilmFormat
) -> RenderSettings:
    """How films of this format look, at the scene's frame rate."""
    return RenderSettings(
        engine=settings.engine,
        format=film_format,
        # The codec of the MP4 wants even numbers.
        width=settings.width // 2 * 2,
        height=settings.height // 2 * 2,
        fps=max(1, round(scene.render.fps / scene.render.fps_base)),
        samples=settings.samples,
    )


def register() -> None:
    bpy.utils.register_class(PlacidBatch)
    bpy.types.Scene.placid_batch = PointerProperty(type=PlacidBatch)


def unregister() -> None:
    del bpy.types.Scene.placid_batch
    bpy.utils.unregister_class(PlacidBatch)
