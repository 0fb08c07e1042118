"""MP4, PNG and contact sheets of a scene.

This module alone knows how Blender 4.2, 4.5 and 5.0 differ in output formats.
"""

import math
import tempfile
from collections.abc import Sequence
from pathlib import Path

import bpy
import numpy as np

from ..shared.errors import PlacidError


def render_video(scene: bpy.types.Scene, path: Path) -> Path:
    """Render the scene's range to an H.264 MP4 and return its path."""
    render = scene.render
    # Blender 5 asks for the kind of medium before it offers the format.
    if hasattr(render.image_settings, "media_type"):
        render.image_settings.media_type = "VIDEO"
    render.image_settings.file_format = "FFMPEG"
    render.ffmpeg.format = "MPEG4"
    render.ffmpeg.codec = "H264"
    render.ffmpeg.constant_rate_factor = "HIGH"
    render.ffmpeg.audio_codec = "NONE"
    render.use_file_extension = False
    _run_render(scene, path, animation=True)
    return path


def render_frames(scene: bpy.types.Scene, folder: Path) -> Path:
    """Render the scene's range to PNGs named after their frames, and return their folder."""
    _use_png(scene)
    for frame in range(scene.frame_start, scene.frame_end + 1):
        scene.frame_set(frame)
        _run_render(scene, folder / f"{frame:04d}.png", animation=False)
    return folder


def render_frame(scene: bpy.types.Scene, frame: int, path: Path) -> Path:
    """Render one frame to a PNG and return its path."""
    _use_png(scene)
    scene.frame_set(frame)
    _run_render(scene, path, animation=False)
    return path


def label_frames(scene: bpy.types.Scene, text: str) -> None:
    """Write a line into the corner of every picture that the scene renders."""
    render = scene.render
    for name in dir(render):
        if name.startswith("use_stamp_"):
            setattr(render, name, name == "use_stamp_note")
    render.use_stamp = True
    render.stamp_note_text = text
    render.stamp_font_size = max(10, render.resolution_y // 14)
    render.stamp_foreground = (1.0, 1.0, 1.0, 1.0)
    render.stamp_background = (0.0, 0.0, 0.0, 0.35)


def render_contact_sheet(
    scene: bpy.types.Scene, path: Path, count: int = 8, columns: int = 4
) -> Path:
    """Render `count` frames, evenly over the scene's range, into one PNG and return its path."""
    frames = np.linspace(scene.frame_start, scene.frame_end, count).round().astype(int)
    with tempfile.TemporaryDirectory() as folder:
        cells = [
            read_pixels(render_frame(scene, int(frame), Path(folder) / f"{index}.png"))
            for index, frame in enumerate(frames)
        ]
    write_sheet(cells, path, columns)
    return path


def write_sheet(cells: Sequence[np.ndarray], path: Path, columns: int) -> None:
    """Lay pictures of one size, (H, W, 4) each and bottom row first, out into one PNG."""
    pixels = lay_out(cells, columns)
    _make_folder(path)
    image = bpy.data.images.new("Placid Sheet", pixels.shape[1], pixels.shape[0])
    try:
        image.pixels.foreach_set(np.ascontiguousarray(pixels, dtype=np.float32).ravel())
        image.filepath_raw = str(path)
        image.file_format = "PNG"
        image.save()
    except RuntimeError as error:
        raise PlacidError(
            "render_failed", f"{path} cannot be written ({error}); choose another folder"
        ) from error
    finally:
        bpy.data.images.remove(image)


def lay_out(cells: Sequence[np.ndarray], columns: int) -> np.ndarray:
    """Pictures of one size side by side, line by line; all bottom row first."""
    rows = math.ceil(len(cells) / columns)
    blank = np.zeros_like(cells[0])
    blank[..., 3] = 1.0
    padded = [*cells, *[blank] * (rows * columns - len(cells))]
    strips = [
        np.concatenate(padded[row * columns : (row + 1) * columns], axis=1) for row in range(rows)
    ]
    # Blender's pictures start with the bottom row.
    return np.concatenate(strips[::-1], axis=0)


def _use_png(scene: bpy.types.Scene) -> None:
    render = scene.render
    if hasattr(render.image_settings, "media_type"):
        render.image_settings.media_type = "IMAGE"
    render.image_settings.file_format = "PNG"
    render.image_settings.color_mode = "RGB"
    render.use_file_extension = False


def _make_folder(path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise PlacidError(
            "not_writable",
            f"{path.parent} cannot be made ({error.strerror}); choose another folder",
        ) from error


def _run_render(scene: bpy.types.Scene, path: Path, animation: bool) -> None:
    _make_folder(path)
    scene.render.filepath = str(path)
    try:
        # Naming the scene in the call would leave animation at the frame of the window's scene.
        with bpy.context.temp_override(scene=scene, view_layer=scene.view_layers[0]):
            bpy.ops.render.render(animation=animation, write_still=not animation)
    except RuntimeError as error:
        raise PlacidError(
            "render_failed", f"{path.name} could not be rendered ({error}); see Blender's console"
        ) from error
    if not path.exists():
        raise PlacidError(
            "render_failed", f"{path} was not written; check that the folder can be written to"
        )


def read_pixels(path: Path) -> np.ndarray:
    """A picture as (H, W, 4) floats, bottom row first."""
    image = bpy.data.images.load(str(path))
    try:
        width, height = image.size
        pixels = np.empty(width * height * 4, dtype=np.float32)
        image.pixels.foreach_get(pixels)
        return pixels.reshape(height, width, 4)
    finally:
        bpy.data.images.remove(image)
