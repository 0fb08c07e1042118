"""In-between: make the chosen frames of an action anew; what lies around them stays."""

import bpy

from ...core import characters, runtime
from ...core.operator_base import Operator
from ...retargeting.export import played_frames
from ...retargeting.read_motion import read_motion
from ...shared.errors import PlacidError
from ...shared.protocol.messages import EditMotion
from ..generate.operators import busy, new_seed, settings_of
from .frame_range import chosen_range


class PLACID_OT_in_between(Operator, bpy.types.Operator):
    """Make the chosen frames of the character's action anew, as a new take; they fit what lies \
before and behind them"""

    bl_idname = "placid.in_between"
    bl_label = "Regenerate Frames"

    @classmethod
    def disabled_reason(cls, context):
        armature = characters.target(context)
        if armature is None:
            return "Select a character first"
        if armature.animation_data is None or armature.animation_data.action is None:
            return "The character plays no action; accept a take first"
        if not context.scene.placid_timeline.between_prompt.strip():
            return "Describe what the body shall do in the chosen frames"
        return busy() or characters.problem(context)

    def run(self, context):
        scene, armature = context.scene, characters.target(context)
        first, last = played_frames(armature)
        start, end = chosen_range(scene, armature)
        start, end = max(start, first), min(end, last)
        if start > end:
            raise PlacidError(
                "no_range",
                f"the chosen frames lie outside of the action, which has frames {first} to {last}; "
                "choose some of these",
            )
        settings = scene.placid
        new_seed(settings)
        request = EditMotion(
            prompt=scene.placid_timeline.between_prompt.strip(),
            frames=((start - first, end - first + 1),),
            **settings_of(settings),
        )
        # Where the object's parent carries it, it will carry the new take.
        motion = read_motion(scene, armature, (first, last), space="parent")
        runtime.get().generate(scene, request, lambda: armature, motion, place=first)


CLASSES = (PLACID_OT_in_between,)
