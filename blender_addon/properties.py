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

from . import runtime, takes
from .shared.errors import PlacidError
from .shared.protocol import MAX_PROMPT_CHARACTERS, MAX_SEED, MAX_STRENGTH, Choice

NOT_ASKED = "default"

# Blender does not keep dynamic menu entries alive; without this the labels turn to garbage.
_entries: dict[str, list[tuple[str, str, str, int]]] = {}


def _menu(kind: str, choices: tuple[Choice, ...], fallback: str) -> list:
    """Menu entries for the backend's choices; before it is known, the one fallback."""
    if choices:
        rows = [(c.name, _label(c.name), c.description, i) for i, c in enumerate(choices)]
    else:
        rows = [(NOT_ASKED, fallback, "Start the backend to see what it offers", 0)]
    _entries[kind] = rows
    return rows


def _label(name: str) -> str:
    return name.upper() if len(name) <= 4 and name != "off" else name.replace("_", " ").title()


def _offered(kind: str) -> tuple[Choice, ...]:
    capabilities = runtime.session().capabilities
    return getattr(capabilities, kind) if capabilities else ()


def _model_items(_settings, _context):
    return _menu("models", _offered("models"), "Backend's default")


def _safety_items(_settings, _context):
    return _menu("safety", _offered("safety"), "Backend's default")


def _index_of(name: str, kind: str) -> int:
    names = [choice.name for choice in _offered(kind)]
    return names.index(name) if name in names else 0


def _get_model(settings) -> int:
    return _index_of(settings.model_name, "models")


def _set_model(settings, index: int) -> None:
    if choices := _offered("models"):
        settings.model_name = choices[index].name


def _get_safety(settings) -> int:
    capabilities = runtime.session().capabilities
    default = capabilities.default_safety if capabilities else ""
    return _index_of(settings.safety_name or default, "safety")


def _set_safety(settings, index: int) -> None:
    if choices := _offered("safety"):
        settings.safety_name = choices[index].name


def _is_armature(_settings, candidate: bpy.types.Object) -> bool:
    return candidate.type == "ARMATURE"


def _show_take(settings, context) -> None:
    take = takes.active(context.scene)
    if take is None or take.status == "REJECTED":
        return
    try:
        takes.show(context.scene, take)
    except PlacidError as error:
        runtime.get().notice = error
    except Exception as error:
        runtime.get().note_unforeseen(error)


class PlacidTake(bpy.types.PropertyGroup):
    """One generated motion; `motion` holds the file that `save_motion` writes."""

    prompt: StringProperty(name="Prompt")
    seed: IntProperty(name="Seed")
    model: StringProperty(name="Model")
    safety: StringProperty(name="Safety")
    concepts: StringProperty(name="Concepts")
    strength: FloatProperty(name="Strength", default=1.0)
    seconds: FloatProperty(name="Length", unit="TIME_ABSOLUTE")
    status: EnumProperty(
        name="Status",
        items=[
            ("NEW", "New", "Not judged yet", "DOT", 0),
            ("ACCEPTED", "Accepted", "Kept: its action is saved with the file", "CHECKMARK", 1),
            ("REJECTED", "Rejected", "Its action was removed; the motion is still here", "X", 2),
        ],
    )
    report: StringProperty(name="Report")
    armature: PointerProperty(type=bpy.types.Object)
    action: PointerProperty(type=bpy.types.Action)
    before: PointerProperty(
        type=bpy.types.Action, description="The action the armature had before this take"
    )
    motion: StringProperty(subtype="BYTE_STRING")


class PlacidSettings(bpy.types.PropertyGroup):
    """The panel's settings, on the scene."""

    prompt: StringProperty(
        name="Prompt",
        description="What the body shall do, in English: a person walks forward and waves",
        maxlen=MAX_PROMPT_CHARACTERS,
        options={"TEXTEDIT_UPDATE"},
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
    concepts: StringProperty(
        name="Forget",
        description="Concepts to forget, separated by commas",
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
    armature: PointerProperty(
        name="Character",
        type=bpy.types.Object,
        poll=_is_armature,
        description="Who moves; empty: the selected armature, else Placid's own character",
    )
    takes: CollectionProperty(type=PlacidTake)
    take_index: IntProperty(name="Take", update=_show_take)


CLASSES = (PlacidTake, PlacidSettings)


def register() -> None:
    for cls in CLASSES:
        bpy.utils.register_class(cls)
    bpy.types.Scene.placid = PointerProperty(type=PlacidSettings)


def unregister() -> None:
    del bpy.types.Scene.placid
    for cls in reversed(CLASSES):
        bpy.utils.unregister_class(cls)
