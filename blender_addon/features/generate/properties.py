"""What Placid keeps in the .blend: the settings of the panel and the list of takes.

Choices that the backend offers are stored by name; the menus over them are drawn from its
capabilities, so a file made with another backend keeps its settings.
"""

import bpy
from bpy.props import (
    BoolProperty,
    CollectionProperty,
    EnumProperty,
    FloatProperty,
    IntProperty,
    PointerProperty,
    StringProperty,
)

from ...core import runtime, takes
from ...core.ranking import ORDERS
from ...core.take_properties import PlacidTake
from ...shared.errors import PlacidError
from ...shared.protocol.messages import Choice
from ...shared.protocol.validation import (
    MAX_GUIDANCE,
    MAX_PROMPT_CHARACTERS,
    MAX_SEED,
    MAX_STEPS,
    MAX_STRENGTH,
    MAX_TEMPERATURE,
)
from ...shared.safety_choice import OFF, TOKEN_GUARD, split_guard
from ...ui.frames import frames_of, seconds_of
from .typed import Typing

NOT_ASKED = "default"
_ON = "on"
LABEL_CHARACTERS = 16

# Blender does not keep dynamic menu entries alive; without this the labels turn to garbage.
_entries: dict[str, list[tuple[str, str, str, int]]] = {}


def _menu(kind: str, choices: tuple[Choice, ...], fallback: str) -> list:
    """Menu entries for the backend's choices; before it is known, the one fallback."""
    if choices:
        rows = [(c.name, _label(c), c.description, i) for i, c in enumerate(choices)]
    else:
        rows = [(NOT_ASKED, fallback, "Start the backend to see what it offers", 0)]
    _entries[kind] = rows
    return rows


def _label(choice: Choice) -> str:
    """The name that the description begins with, as in "MoMask: fills all tokens"; if that is too
    long for a menu in the sidebar, its short name in capitals."""
    name, colon, _ = choice.description.partition(":")
    if not colon:
        return choice.name.replace("_", " ").title()
    return name if len(name) <= LABEL_CHARACTERS else choice.name.upper()


def _offered(kind: str) -> tuple[Choice, ...]:
    capabilities = runtime.session().capabilities
    return getattr(capabilities, kind) if capabilities else ()


def _model_items(_settings, _context):
    return _menu("models", _offered("models"), "Backend's default")


def _safety_items(_settings, _context):
    return _menu("safety", _offered("safety"), "Backend's default")


def chosen_model(settings) -> str:
    """The model that the menu shows; what the file names when the backend is not known yet."""
    names = [choice.name for choice in _offered("models")]
    return settings.model_name if settings.model_name in names or not names else names[0]


def chosen_safety(settings) -> str:
    """The method that the menu shows, without the token guard that can be put beside it; what the
    file names when the backend is not known yet.
    """
    capabilities = runtime.session().capabilities
    if capabilities is None:
        return settings.safety_name
    names = [choice.name for choice in capabilities.safety]
    if settings.safety_name in names:
        return settings.safety_name
    return split_guard(capabilities.default_safety)[0] or TOKEN_GUARD


def chosen_guard(settings) -> bool | None:
    """Whether the token guard stands beside the method; None where the method says it all."""
    if not can_guard(settings):
        return None
    return _get_guard(settings)


def can_guard(settings) -> bool:
    """Whether the token guard can be switched: there is one, beside a method that edits weights."""
    capabilities = runtime.session().capabilities
    if capabilities is None:
        return bool(settings.guard_choice)
    return bool(capabilities.guarded_concepts) and chosen_safety(settings) not in (OFF, TOKEN_GUARD)


def _get_guard(settings) -> bool:
    if settings.guard_choice:
        return settings.guard_choice == _ON
    capabilities = runtime.session().capabilities
    return capabilities is not None and split_guard(capabilities.default_safety)[1]


def _set_guard(settings, value: bool) -> None:
    settings.guard_choice = _ON if value else OFF


def background_note() -> str:
    """What the backend fits in the background; empty for nothing, and before it is known."""
    capabilities = runtime.session().capabilities
    return capabilities.note if capabilities else ""


def description(kind: str, name: str) -> str:
    """What the backend says of one of its choices; empty when it is not known."""
    return next((c.description for c in _offered(kind) if c.name == name), "")


def _index_of(name: str, kind: str) -> int:
    names = [choice.name for choice in _offered(kind)]
    return names.index(name) if name in names else 0


def _get_model(settings) -> int:
    return _index_of(chosen_model(settings), "models")


def _set_model(settings, index: int) -> None:
    if choices := _offered("models"):
        settings.model_name = choices[index].name


def _get_safety(settings) -> int:
    return _index_of(chosen_safety(settings), "safety")


def _set_safety(settings, index: int) -> None:
    if choices := _offered("safety"):
        settings.safety_name = choices[index].name


def _is_armature(_settings, candidate: bpy.types.Object) -> bool:
    return candidate.type == "ARMATURE"


def _show_take(settings, context) -> None:
    take = takes.active(context.scene)
    if take is None:
        return
    try:
        takes.show(context.scene, take)
    except PlacidError as error:
        runtime.get().notice = error
    except Exception as error:
        runtime.get().note_unforeseen(error)


class PlacidSettings(bpy.types.PropertyGroup):
    """The panel's settings, on the scene."""

    prompt: StringProperty(
        name="Prompt",
        description="What the body shall do, in English: a person walks forward and waves",
        maxlen=MAX_PROMPT_CHARACTERS,
        options={"TEXTEDIT_UPDATE"},
        update=lambda _settings, _context: Typing.note(),
    )
    automatic_length: BoolProperty(
        name="Automatic Length", description="Let the model choose how long the motion takes"
    )
    seconds: FloatProperty(
        name="Seconds",
        description="Length of each take",
        default=6.0,
        min=1.0,
        max=9.8,
        step=50,
        precision=1,
    )
    frames: IntProperty(
        name="Frames",
        description="Length of each take, in frames of the scene",
        get=lambda settings: frames_of(settings.id_data, settings.seconds),
        set=lambda settings, frames: setattr(
            settings, "seconds", seconds_of(settings.id_data, frames)
        ),
    )
    take_count: IntProperty(
        name="Takes", description="How many variations to make", default=1, min=1, max=16
    )
    seed: IntProperty(
        name="Seed", description="The same seed gives the same motion", min=0, max=MAX_SEED
    )
    lock_seed: BoolProperty(
        name="Lock Seed", description="Keep the seed; otherwise every generation takes a new one"
    )
    model_name: StringProperty()
    model: EnumProperty(
        name="Model",
        description="Text-to-motion model",
        items=_model_items,
        get=_get_model,
        set=_set_model,
    )
    safety_name: StringProperty()
    safety: EnumProperty(
        name="Method",
        description="How the model was made to forget",
        items=_safety_items,
        get=_get_safety,
        set=_set_safety,
    )
    guard_choice: StringProperty(description="on or off, once the user has said so")
    token_guard: BoolProperty(
        name="Token Guard",
        description="Draw anew what looks like the concept before it becomes motion. Nothing of it "
        "is in the model's weights",
        get=_get_guard,
        set=_set_guard,
    )
    concepts: StringProperty(
        name="Forget",
        description="Concepts to forget beside violence, separated by commas: those that are built "
        "in, or your own words for an action, such as: crawl, creep. A kind of violence alone "
        "(kick) leaves the other kinds free; -violence leaves all of it",
        default="violence",
        search=lambda _settings, _context, _text: [c.name for c in _offered("concepts")],
        search_options={"SUGGESTION"},
    )
    strength: FloatProperty(
        name="Strength",
        description="How far the edit is applied; 1 is as it was fitted",
        default=1.0,
        min=0.0,
        max=MAX_STRENGTH,
        subtype="FACTOR",
    )
    own_sampling: BoolProperty(
        name="Own Sampling",
        description="Sample as set below instead of as the model does best",
    )
    guidance: FloatProperty(
        name="Guidance",
        description="How closely the motion follows the prompt; high values exaggerate",
        default=3.0,
        min=0.0,
        max=MAX_GUIDANCE,
        soft_max=10.0,
        precision=1,
        step=50,
    )
    steps: IntProperty(
        name="Steps",
        description="Sampling iterations; more is slower and seldom better",
        default=10,
        min=1,
        max=MAX_STEPS,
        soft_max=30,
    )
    temperature: FloatProperty(
        name="Temperature",
        description="How daring the sampling is; takes differ more with high values",
        default=1.0,
        min=0.01,
        max=MAX_TEMPERATURE,
        soft_max=2.0,
    )
    armature: PointerProperty(
        name="Character",
        type=bpy.types.Object,
        poll=_is_armature,
        description="Who moves; empty: the selected armature, else Placid's own character",
    )
    takes: CollectionProperty(type=PlacidTake)
    last_number: IntProperty(description="Number of the newest take")
    take_order: EnumProperty(
        name="Order", description="Which takes come first in the list", items=ORDERS
    )
    only_favourites: BoolProperty(name="Favourites", description="List favourites only")
    only_character: BoolProperty(
        name="This Character", description="List the takes of the chosen character only"
    )
    own_end: IntProperty(description="The scene's end frame without the previewed take")
    lent_end: IntProperty(description="The end frame that the preview set; 0 when it set none")
    take_index: IntProperty(name="Take", update=_show_take)


def register() -> None:
    bpy.utils.register_class(PlacidSettings)
    bpy.types.Scene.placid = PointerProperty(type=PlacidSettings)


def unregister() -> None:
    del bpy.types.Scene.placid
    bpy.utils.unregister_class(PlacidSettings)
