"""In-between: make the chosen frames of an action anew; what lies around them stays."""

import bpy

from ...core import runtime, takes
from ...core.operator_base import Operator
from ...retargeting.export import playing_action
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
        armature = takes.target(context)
        if armature is None:
            return "Select a character first"
        if armature.animation_data is None or armature.animation_data.action is None:
            return "The character plays no action; accept a take first"
        if not context.scene.placid_timeline.between_prompt.strip():
            return "Describe what the body shall do in the chosen frames"
        return busy()

    def run(self, context):
        scene, armature = context.scene, takes.target(context)
        first, last = (round(frame) for frame in playing_action(armature).frame_range)
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
        motion = read_motion(scene, armature, (first, last))
        runtime.get().generate(scene, request, lambda: armature, motion, place=first)


CLASSES = (PLACID_OT_in_between,)
