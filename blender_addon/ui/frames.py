"""Lengths in frames of a scene beside lengths in seconds."""

import bpy


def rate_of(scene: bpy.types.Scene) -> float:
    """Frames a second."""
    return scene.render.fps / scene.render.fps_base


def frames_of(scene: bpy.types.Scene, seconds: float) -> int:
    """The frames that so many seconds take."""
    return round(seconds * rate_of(scene))


def seconds_of(scene: bpy.types.Scene, frames: int) -> float:
    """The seconds that so many frames take."""
    return frames / rate_of(scene)
