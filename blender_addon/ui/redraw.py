"""Repainting of editors other than the one that a change was made in."""

import bpy

_TIMELINES = ("DOPESHEET_EDITOR", "NLA_EDITOR")


def redraw_timelines() -> None:
    """Repaint the editors that show time."""
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            if area.type in _TIMELINES:
                area.tag_redraw()
