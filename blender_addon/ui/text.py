"""Sentences in a layout; Blender's labels are single lines."""

import textwrap

import bpy

PIXELS_PER_CHARACTER = 7.0
LEAST_CHARACTERS = 20


def characters_of(context: bpy.types.Context) -> int:
    """About how many characters fit into a line of the region that is drawn."""
    scale = context.preferences.system.ui_scale
    return int(context.region.width / (PIXELS_PER_CHARACTER * scale)) - 6


def draw_text(layout: bpy.types.UILayout, text: str, characters: int, icon: str = "NONE") -> None:
    """A text in as many lines as it needs, the icon before the first."""
    column = layout.column(align=True)
    indent = "NONE" if icon == "NONE" else "BLANK1"
    for index, line in enumerate(textwrap.wrap(text, max(LEAST_CHARACTERS, characters))):
        column.label(text=line, icon=indent if index else icon)


def draw_sentence(layout: bpy.types.UILayout, sentence: str, characters: int) -> None:
    """A problem, highlighted, in as many lines as it needs."""
    column = layout.column()
    column.alert = True
    draw_text(column, sentence[:1].upper() + sentence[1:] + ".", characters, "ERROR")
