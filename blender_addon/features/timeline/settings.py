"""What the Timeline panel keeps in the .blend: the blocks, and the prompt of the in-between."""

import bpy
from bpy.props import (
    BoolProperty,
    CollectionProperty,
    FloatProperty,
    IntProperty,
    PointerProperty,
    StringProperty,
)

from ...shared.protocol.messages import MAX_PROMPT_CHARACTERS, Segment
from ...shared.protocol.validation import MAX_SEAM_SECONDS
from ...ui.frames import frames_of, seconds_of
from ...ui.redraw import redraw_timelines


def _redraw(_settings, _context) -> None:
    redraw_timelines()


class PlacidStrip(bpy.types.PropertyGroup):
    """One prompt, how long it is acted on, and how it follows from the one before it."""

    prompt: StringProperty(name="Prompt", maxlen=MAX_PROMPT_CHARACTERS, update=_redraw)
    seconds: FloatProperty(
        name="Seconds",
        description="How long the prompt is acted on",
        default=4.0,
        min=1.0,
        max=9.8,
        step=50,
        precision=1,
        update=_redraw,
    )
    frames: IntProperty(
        name="Frames",
        description="How long the prompt is acted on, in frames of the scene",
        get=lambda strip: frames_of(strip.id_data, strip.seconds),
        set=lambda strip, frames: setattr(strip, "seconds", seconds_of(strip.id_data, frames)),
    )
    seam: FloatProperty(
        name="Seam",
        description="Seconds about its beginning that are made anew, so that it follows from the "
        "prompt before it; 0 makes a hard change",
        default=0.8,
        min=0.0,
        max=MAX_SEAM_SECONDS,
        step=20,
        precision=1,
    )


class PlacidTimeline(bpy.types.PropertyGroup):
    """The settings of timeline and in-between, on the scene."""

    strips: CollectionProperty(type=PlacidStrip)
    strip_index: IntProperty(name="Block", update=_redraw)
    show_blocks: BoolProperty(
        name="Show in Timeline",
        description="Draw the prompts in the timeline, where they can be dragged: their ends for "
        "their length, else their order",
        default=True,
        update=_redraw,
    )
    between_prompt: StringProperty(
        name="In-Between Prompt",
        description="What the body shall do in the chosen frames, in English",
        maxlen=MAX_PROMPT_CHARACTERS,
        options={"TEXTEDIT_UPDATE"},
    )


def segments_of(settings: PlacidTimeline) -> tuple[Segment, ...]:
    """The blocks of the list as a request has them."""
    return tuple(
        Segment(strip.prompt.strip(), round(strip.seconds, 3), round(strip.seam, 3))
        for strip in settings.strips
    )


def register() -> None:
    bpy.utils.register_class(PlacidStrip)
    bpy.utils.register_class(PlacidTimeline)
    bpy.types.Scene.placid_timeline = PointerProperty(type=PlacidTimeline)


def unregister() -> None:
    del bpy.types.Scene.placid_timeline
    bpy.utils.unregister_class(PlacidTimeline)
    bpy.utils.unregister_class(PlacidStrip)
