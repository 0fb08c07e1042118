"""Which frames of an action are meant."""

import bpy

from ...retargeting.export import playing_action
from ...retargeting.slots import curves_of
from ...shared.errors import PlacidError


def chosen_range(scene: bpy.types.Scene, armature: bpy.types.Object) -> tuple[int, int]:
    """First and last frame: the preview range, else the selected keyframes of the action.

    Raises:
        PlacidError: `no_action`, or `no_range` when neither tells a part of the action.
    """
    if scene.use_preview_range:
        return scene.frame_preview_start, scene.frame_preview_end
    action = playing_action(armature)
    frames, selected = set(), set()
    for curve in curves_of(action, armature):
        for point in curve.keyframe_points:
            frames.add(round(point.co.x))
            if point.select_control_point:
                selected.add(round(point.co.x))
    if len(selected) < 2 or selected == frames:
        raise PlacidError(
            "no_range",
            "no frames are chosen; set a preview range (P in the timeline) or select the "
            "keyframes of one part of the action",
        )
    return min(selected), max(selected)
