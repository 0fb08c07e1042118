"""Prompts one after the other, from the markers of a scene."""

import bpy

from ...shared.errors import PlacidError
from ...shared.protocol.messages import Segment


def segments_of_markers(scene: bpy.types.Scene) -> list[Segment]:
    """A segment from each marker to the next one, the last to the end of the scene.

    The marker's name is the prompt. Raises PlacidError `no_markers`.
    """
    fps = scene.render.fps / scene.render.fps_base
    markers = sorted(scene.timeline_markers, key=lambda marker: marker.frame)
    ends = [*(marker.frame for marker in markers[1:]), scene.frame_end + 1]
    segments = [
        Segment(marker.name.strip(), (end - marker.frame) / fps)
        for marker, end in zip(markers, ends, strict=False)
        if end > marker.frame
    ]
    if not segments:
        raise PlacidError(
            "no_markers",
            "the scene has no markers before its end; add one where each prompt begins and name "
            "it after the prompt",
        )
    return segments
