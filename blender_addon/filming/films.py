"""One motion on an armature becomes a film; several become a sheet of moments."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import bpy
import numpy as np

from ..retargeting.apply_motion import ApplyOptions, Report, apply_motion
from ..retargeting.bone_mapping import filed_mapping
from ..retargeting.export import played_frames
from ..shared.filming.orders import Film, Sheet
from ..shared.motion.motion import load_motion
from .render import (
    label_frames,
    read_pixels,
    render_frame,
    render_frames,
    render_video,
    write_sheet,
)
from .stage import preview_scene

SHEET_COLUMNS = 6
SHEET_TAKES = 6  # so many takes of one prompt are shown, one a line
CELL_SIZE = (256, 256)  # a standing body fills a square better than a wide picture


def film(armature: bpy.types.Object, order: Film) -> str:
    """Film a motion on the armature; returns how well the rig follows one that is baked for it."""
    look = order.look
    size = (look.width, look.height)
    with staged(armature, order.motion, order, size) as (scene, report):
        if look.format == "mp4":
            render_video(scene, Path(order.out))
        else:
            render_frames(scene, Path(order.out))
    return report.sentence if report else ""


def sheet(armature: bpy.types.Object, order: Sheet) -> str:
    """Film moments of motions, a line for each, into one PNG; returns how the rig follows."""
    cells, reports = [], []
    for motion in order.motions[:SHEET_TAKES]:
        with staged(armature, motion, order, CELL_SIZE) as (scene, report):
            cells += list(moments(scene, SHEET_COLUMNS))
            reports.append(report.sentence if report else "")
    write_sheet(cells, Path(order.out), SHEET_COLUMNS)
    return "; ".join(reports)


@contextmanager
def staged(
    armature: bpy.types.Object, motion_path: str, order: Film | Sheet, size: tuple[int, int]
) -> Iterator[tuple[bpy.types.Scene, Report | None]]:
    """A scene in which the armature plays a motion, filmed as the order says, and how it follows.

    Without a path, what the armature plays already is filmed, about which nothing is said.
    `size` is the picture's width and height in pixels.
    """
    source = armature.users_scene[0]
    source.render.fps, source.render.fps_base = order.look.fps, 1.0
    if motion_path:
        options = ApplyOptions(mapping=filed_mapping(armature))
        report = apply_motion(source, armature, load_motion(Path(motion_path)), options)
    else:
        report = None
    first, last = played_frames(armature)
    engine = (order.look.engine, order.look.samples)
    with preview_scene(armature, (first, last), size, order.camera, *engine) as scene:
        yield scene, report


def moments(scene: bpy.types.Scene, count: int) -> Iterator[np.ndarray]:
    """Pictures (H, W, 4) evenly over the scene's range, bottom row first, each with its time."""
    frames = np.linspace(scene.frame_start, scene.frame_end, count).round().astype(int)
    fps = scene.render.fps / scene.render.fps_base
    with tempfile.TemporaryDirectory() as folder:
        for frame in frames:
            label_frames(scene, f"{(frame - scene.frame_start) / fps:.1f} s")
            yield read_pixels(render_frame(scene, int(frame), Path(folder) / "moment.png"))
