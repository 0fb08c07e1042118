"""What the Timeline panel keeps in the .blend: the strips, and the prompt of the in-between."""

import bpy
from bpy.props import (
    CollectionProperty,
    FloatProperty,
    IntProperty,
    PointerProperty,
    StringProperty,
)

from ...shared.protocol.messages import MAX_PROMPT_CHARACTERS, Segment


class PlacidStrip(bpy.types.PropertyGroup):
    """One prompt and how long it is acted on."""

    prompt: StringProperty(name="Prompt", maxlen=MAX_PROMPT_CHARACTERS)
    seconds: FloatProperty(name="Seconds", default=4.0, min=1.0, max=9.8, step=50, precision=1)


class PlacidTimeline(bpy.types.PropertyGroup):
    """The settings of timeline and in-between, on the scene."""

    strips: CollectionProperty(type=PlacidStrip)
    strip_index: IntProperty(name="Strip")
    between_prompt: StringProperty(
        name="In-Between Prompt",
        description="What the body shall do in the chosen frames, in English",
        maxlen=MAX_PROMPT_CHARACTERS,
        options={"TEXTEDIT_UPDATE"},
    )


def segments_of(settings: PlacidTimeline) -> tuple[Segment, ...]:
    """The strips of the list as a request has them."""
    return tuple(
        Segment(strip.prompt.strip(), round(strip.seconds, 3)) for strip in settings.strips
    )


def register() -> None:
    bpy.utils.register_class(PlacidStrip)
    bpy.utils.register_class(PlacidTimeline)
    bpy.types.Scene.placid_timeline = PointerProperty(type=PlacidTimeline)


def unregister() -> None:
    del bpy.types.Scene.placid_timeline
    bpy.utils.unregister_class(PlacidTimeline)
    bpy.utils.unregister_class(PlacidStrip)
