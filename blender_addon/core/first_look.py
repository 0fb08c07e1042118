"""What happens when a take is seen for the first time: the playhead goes to its beginning, its
character comes into view, and it plays where the preferences say so."""

from typing import Final

import bpy
import numpy as np
from bpy_extras.view3d_utils import location_3d_to_region_2d
from mathutils import Vector

from ..link import launch
from . import sequence

# Of the character's height: how far away a view is from which it looks small, and its own.
_FAR: Final = 12.0
_NEAR: Final = 1.5
_GOOD: Final = 2.5


def look_at(scene: bpy.types.Scene, take) -> None:
    """Show a take that has just arrived, in every window that shows its scene."""
    armature, action = take.armature, take.action
    if armature is None or action is None:
        return
    preferences = launch.preferences()
    scene.frame_set(round(sequence.first_frame(take)))
    for window in bpy.context.window_manager.windows:
        if window.scene != scene:
            continue
        if preferences.frame_takes:
            for area in window.screen.areas:
                if area.type == "VIEW_3D":
                    bring_into_view(area, armature)
        if preferences.play_takes and not window.screen.is_animation_playing:
            with bpy.context.temp_override(window=window):
                bpy.ops.screen.animation_play()


def bring_into_view(area: bpy.types.Area, armature: bpy.types.Object) -> None:
    """Turn to a character that a 3D view does not show as a whole, or only small."""
    space = area.spaces.active
    view = space.region_3d
    region = next(region for region in area.regions if region.type == "WINDOW")
    if view is None or view.view_perspective == "CAMERA":
        return
    points = body_points(armature)
    middle = Vector((points.min(axis=0) + points.max(axis=0)) / 2.0)
    height = float(np.ptp(points, axis=0).max())
    is_seen = all(_is_within(region, view, Vector(point)) for point in points)
    if not is_seen or view.view_distance > _FAR * height:
        view.view_location = middle
        if not _NEAR * height < view.view_distance < _FAR * height / 2.0:
            view.view_distance = _GOOD * height


def body_points(armature: bpy.types.Object) -> np.ndarray:
    """Ends of the bones (2 B, 3) in the world, as they are posed."""
    ends = [end for bone in armature.pose.bones for end in (bone.head, bone.tail)]
    return np.array([armature.matrix_world @ end for end in ends])


def _is_within(region: bpy.types.Region, view: bpy.types.RegionView3D, point: Vector) -> bool:
    seen = location_3d_to_region_2d(region, view, point)
    return seen is not None and 0 <= seen.x <= region.width and 0 <= seen.y <= region.height
