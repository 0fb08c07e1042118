"""Generate: send the panel's settings to the backend; and the same again for an old take."""

import random

import bpy

from .. import runtime, takes
from ..character import create_character
from ..shared.protocol import MAX_SEED, MAX_TAKES, Generate
from .base import Verb


def request_of(settings) -> Generate:
    """The panel's settings as a request."""
    return Generate(
        prompt=settings.prompt.strip(),
        seconds=None if settings.automatic_length else round(settings.seconds, 3),
        **settings_of(settings),
    )


def settings_of(settings) -> dict[str, object]:
    """The panel's settings that every kind of request has."""
    options = {"model": settings.model_name} if settings.model_name else {}
    return {
        "takes": settings.take_count,
        "seed": settings.seed,
        "safety": settings.safety_name or None,
        "concepts": tuple(word.strip() for word in settings.concepts.split(",") if word.strip()),
        "strength": round(settings.strength, 3),
        **options,
    }


def new_seed(settings) -> None:
    """Draw a seed, unless the user locked the one that is there."""
    if not settings.lock_seed:
        settings.seed = random.randrange(MAX_SEED - MAX_TAKES)


def busy() -> str:
    """Why nothing can be generated now; empty when it can."""
    if runtime.get().job:
        return "A generation is running; cancel it or wait"
    if runtime.get().setup is not None:
        return "The backend is being set up"
    return ""


def target_or_new(context: bpy.types.Context) -> bpy.types.Object:
    """Who shall move; Placid's own character is made when nobody is chosen."""
    armature = takes.target(context)
    if armature is None:
        armature = create_character(context)
        context.scene.placid.armature = armature
        if not bpy.app.background:
            bpy.ops.ed.undo_push(message="Placid: add character")
    return armature


class PLACID_OT_generate(Verb, bpy.types.Operator):
    """Make takes of the prompt; Blender stays usable meanwhile"""

    bl_idname = "placid.generate"
    bl_label = "Generate"

    @classmethod
    def obstacle(cls, context):
        if not context.scene.placid.prompt.strip():
            return "Describe the motion first, for example: a person waves"
        return busy()

    def act(self, context):
        settings = context.scene.placid
        new_seed(settings)
        runtime.get().generate(context.scene, request_of(settings), lambda: target_or_new(context))


class PLACID_OT_regenerate(Verb, bpy.types.Operator):
    """Make the chosen take again with its own prompt, seed and safety"""

    bl_idname = "placid.regenerate"
    bl_label = "Regenerate"

    @classmethod
    def obstacle(cls, context):
        if takes.active(context.scene) is None:
            return "There is no take"
        return busy()

    def act(self, context):
        take = takes.active(context.scene)
        request = Generate(
            prompt=take.prompt,
            seconds=round(take.seconds, 3),
            seed=take.seed,
            model=take.model,
            safety=take.safety or None,
            concepts=tuple(word.strip() for word in take.concepts.split(",") if word.strip()),
            strength=round(take.strength, 3),
        )
        armature = take.armature
        runtime.get().generate(context.scene, request, lambda: armature or target_or_new(context))


CLASSES = (PLACID_OT_generate, PLACID_OT_regenerate)
