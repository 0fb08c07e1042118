"""Generate: send the panel's settings to the backend; and the same again for an old take."""

import random

import bpy
import msgspec

from ...character.armature import create_character
from ...character.placement import step_aside
from ...core import characters, runtime, takes
from ...core.operator_base import Operator
from ...core.prompt_book import BOOK
from ...core.safety_words import OFF_WORD
from ...link import launch
from ...shared.concepts import forgotten
from ...shared.errors import PlacidError
from ...shared.motion.safety import NOTHING, OFF, announce
from ...shared.protocol.messages import (
    MAX_SEED,
    MAX_TAKES,
    EditMotion,
    Generate,
    RepairMotion,
    SamplingOptions,
)
from .properties import chosen_guard, chosen_model, chosen_safety


def request_of(settings) -> Generate:
    """The panel's settings as a request."""
    return Generate(
        prompt=settings.prompt.strip(),
        seconds=None if settings.automatic_length else round(settings.seconds, 3),
        **settings_of(settings),
    )


def settings_of(settings) -> dict[str, object]:
    """The panel's settings that every kind of request has."""
    options: dict[str, object] = {}
    if model := chosen_model(settings):
        options["model"] = model
    if settings.own_sampling:
        options["sampling"] = SamplingOptions(
            steps=settings.steps,
            guidance=round(settings.guidance, 3),
            temperature=round(settings.temperature, 3),
        )
    return {
        "takes": settings.take_count,
        "seed": settings.seed,
        "safety": chosen_safety(settings) or None,
        "token_guard": chosen_guard(settings),
        "concepts": concepts_of(settings),
        "strength": round(settings.strength, 3),
        **options,
    }


def concepts_of(settings) -> tuple[str, ...]:
    """The concepts that the panel names."""
    return tuple(word.strip() for word in settings.concepts.split(",") if word.strip())


def safety_words(settings) -> str:
    """What a request of these settings forgets, in a few words: "violence: forgotten"."""
    if chosen_safety(settings) == OFF:
        return OFF_WORD
    try:
        concepts = forgotten(concepts_of(settings)) if settings.strength >= NOTHING else ()
    except PlacidError:
        return "not understood"
    return f"{', '.join(concepts)}: forgotten" if concepts else "nothing is forgotten"


def forgetting(settings) -> str:
    """What a request of these settings forgets, and which violence it does not; or what is wrong
    with them.
    """
    try:
        sentence = announce(
            chosen_safety(settings) or None,
            chosen_guard(settings),
            concepts_of(settings),
            settings.strength,
        )
    except PlacidError as error:
        sentence = str(error)
    return sentence[0].upper() + sentence[1:]


def new_seed(settings) -> None:
    """Draw a seed, unless the user locked the one that is there."""
    if not settings.lock_seed:
        settings.seed = _drawn_seed()


def target_or_new(context: bpy.types.Context) -> bpy.types.Object:
    """Who shall move; Placid's own character is made when nobody is chosen.

    Raises:
        PlacidError: `no_armature`, when who is chosen cannot move.
    """
    if reason := characters.problem(context):
        raise PlacidError("no_armature", reason)
    armature = characters.target(context)
    if armature is None:
        armature = create_character(context)
        step_aside(context, armature)
    return armature


def busy() -> str:
    """Why nothing can be generated now; empty when it can."""
    current = runtime.get()
    if current.job:
        return "A generation is running; cancel it or wait"
    if current.setup is not None:
        return "The backend is being set up"
    return "" if current.session.running else launch.disabled_reason()


class PLACID_OT_generate(Operator, bpy.types.Operator):
    """Make takes of the prompt; Blender stays usable meanwhile"""

    bl_idname = "placid.generate"
    bl_label = "Generate"

    @classmethod
    def disabled_reason(cls, context):
        if not context.scene.placid.prompt.strip():
            return "Describe the motion first, for example: a person waves"
        return busy() or characters.problem(context)

    def run(self, context):
        generate(context)


def generate(context: bpy.types.Context) -> None:
    """Send what the panel says. Raises PlacidError."""
    settings = context.scene.placid
    new_seed(settings)
    runtime.get().generate(context.scene, request_of(settings), lambda: target_or_new(context))
    BOOK.note(settings.prompt.strip())


class RemakeVerb(Operator):
    """Base of the verbs that make the chosen take once more, by its own request."""

    @classmethod
    def disabled_reason(cls, context):
        take = takes.active(context.scene)
        if take is None:
            return "There is no take"
        try:
            if isinstance(takes.request_of(take), EditMotion | RepairMotion):
                return "This take changed a part of another one: change that part again instead"
        except PlacidError as error:
            return error.message
        return busy()

    def seed_of(self, take) -> int:
        """The seed to make it with."""
        raise NotImplementedError

    def run(self, context):
        take = takes.active(context.scene)
        seed = self.seed_of(take)
        request = msgspec.structs.replace(takes.request_of(take), takes=1, seed=seed)
        try:
            armature = takes.armature_of(take)
        except PlacidError:
            armature = None
        runtime.get().generate(context.scene, request, lambda: armature or target_or_new(context))


class PLACID_OT_regenerate(RemakeVerb, bpy.types.Operator):
    """Make the chosen take once more, with its own prompt, seed, safety and sampling"""

    bl_idname = "placid.regenerate"
    bl_label = "Again"

    def seed_of(self, take):
        return take.seed


class PLACID_OT_variation(RemakeVerb, bpy.types.Operator):
    """Make another take like the chosen one: the same prompt, safety and sampling, a new seed"""

    bl_idname = "placid.variation"
    bl_label = "Variation"

    def seed_of(self, take):
        return _drawn_seed()


def _drawn_seed() -> int:
    return random.randrange(MAX_SEED - MAX_TAKES)


CLASSES = (PLACID_OT_generate, PLACID_OT_regenerate, PLACID_OT_variation)
