"""Prompts to choose from: what the model knows by category, what was used lately, favourites."""

from typing import Final

import bpy
from bpy.props import StringProperty

from ...core.operator_base import Operator
from ...core.prompt_book import BOOK
from .pick_action import known_actions

# Categories and the first words of the names of the actions in them; the rest is in the last one.
CATEGORIES: Final[dict[str, tuple[str, ...]]] = {
    "Going": ("walk", "run", "jog", "turn", "stop", "climb", "crawl", "step", "sneak", "stairs"),
    "Sport": (
        *("jump", "jumping", "squat", "cartwheel", "basketball", "knee", "toe", "warm", "twist"),
        *("arm", "balance", "spin", "stretch", "throw", "golf", "tennis", "hop", "skip"),
    ),
    "Gestures": (
        *("wave", "bow", "call", "direct", "guide", "raise", "reach", "signals", "tell", "laugh"),
        *("clap", "point", "nod", "shrug", "salute"),
    ),
    "Everyday": ("drink", "mop", "pick", "sit", "stand", "wash", "lie", "eat", "put", "carry"),
    "Dance": ("dance",),
    "Fighting": ("karate", "boxing", "punch", "kick", "sword", "fight"),
    "Other": (),
}
_SHOWN: Final = 60  # characters of a prompt in a menu


def category_of(name: str) -> str:
    """The category of an action by its name, such as "turn left: run"."""
    first = name.replace(":", " ").split()[0]
    return next((title for title, words in CATEGORIES.items() if first in words), "Other")


class PLACID_OT_use_prompt(Operator, bpy.types.Operator):
    """Put this prompt into the field"""

    bl_idname = "placid.use_prompt"
    bl_label = "Use Prompt"
    bl_options = {"REGISTER", "UNDO"}

    prompt: StringProperty(name="Prompt")

    @classmethod
    def description(cls, context, properties):
        return properties.prompt or cls.__doc__

    def run(self, context):
        context.scene.placid.prompt = self.prompt


class PLACID_OT_mark_prompt(Operator, bpy.types.Operator):
    """Keep this prompt among the favourites, or take it from there"""

    bl_idname = "placid.mark_prompt"
    bl_label = "Favourite Prompt"

    @classmethod
    def disabled_reason(cls, context):
        return "" if context.scene.placid.prompt.strip() else "There is no prompt"

    def run(self, context):
        BOOK.mark(context.scene.placid.prompt.strip())


class PLACID_MT_prompts(bpy.types.Menu):
    bl_idname = "PLACID_MT_prompts"
    bl_label = "Prompts"

    def draw(self, context):
        layout = self.layout
        for title, prompts in (("Favourites", BOOK.favourites), ("Lately", BOOK.history)):
            if prompts:
                layout.label(text=title)
                for prompt in prompts:
                    text = prompt if len(prompt) <= _SHOWN else f"{prompt[: _SHOWN - 1]}…"
                    layout.operator("placid.use_prompt", text=text).prompt = prompt
                layout.separator()
        if not BOOK.favourites and not BOOK.history:
            layout.label(text="What you generate appears here")


class PLACID_MT_actions(bpy.types.Menu):
    bl_idname = "PLACID_MT_actions"
    bl_label = "Actions"

    def draw(self, context):
        layout = self.layout
        known = known_actions()
        if not known:
            layout.label(text="Start the backend to see what its model knows")
            layout.operator("placid.start_backend", icon="PLAY", text="Start Backend")
            return
        layout.operator("placid.pick_action", text="Search", icon="VIEWZOOM")
        layout.separator()
        present = {category_of(name) for name in known}
        for title, menu in zip(CATEGORIES, _CATEGORY_MENUS, strict=True):
            if title in present:
                layout.menu(menu.bl_idname)


def _category_menu(title: str) -> type[bpy.types.Menu]:
    """The menu of one category."""

    def draw(self, context):
        for name, example in known_actions().items():
            if category_of(name) == title:
                self.layout.operator("placid.use_prompt", text=name.capitalize()).prompt = example

    identifier = f"PLACID_MT_actions_{title.lower()}"
    about = {"bl_idname": identifier, "bl_label": title, "draw": draw}
    return type(identifier, (bpy.types.Menu,), about)


_CATEGORY_MENUS: Final = tuple(_category_menu(title) for title in CATEGORIES)

CLASSES = (
    PLACID_OT_use_prompt,
    PLACID_OT_mark_prompt,
    PLACID_MT_prompts,
    *_CATEGORY_MENUS,
    PLACID_MT_actions,
)
