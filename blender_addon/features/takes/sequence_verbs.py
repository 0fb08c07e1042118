"""A character's sequence: a take as a strip where it is or behind what plays; and back to it."""

import bpy

from ...core import characters, sequence, showing, takes
from ...core.hand_edits import is_edited
from ...core.operator_base import Operator
from .take_actions import EDITED, TakeVerb


class PLACID_OT_push_to_nla(TakeVerb, bpy.types.Operator):
    """Accept the take and put it as a strip on a new NLA track of its character"""

    bl_idname = "placid.push_to_nla"
    bl_label = "Push to NLA"

    def run(self, context):
        takes.push_to_nla(context.scene, takes.active(context.scene))


class PLACID_OT_append_take(TakeVerb, bpy.types.Operator):
    """Put the take behind what its character plays: place, facing and pose go on from there.
    Both become strips of the NLA"""

    bl_idname = "placid.append_take"
    bl_label = "Append"

    @classmethod
    def disabled_reason(cls, context):
        take = takes.active(context.scene)
        if take is not None and sequence.is_pushed(take):
            return "The take is in the sequence already; Variation makes another one"
        return super().disabled_reason(context)

    def question(self, take):
        return EDITED if is_edited(take) else ""

    def run(self, context):
        scene, take = context.scene, takes.active(context.scene)
        self.tell_kept(takes.append(scene, take, scene.placid_motion.overlap))


class PLACID_OT_back_to_sequence(Operator, bpy.types.Operator):
    """Take off the take that is shown, so that the character plays its NLA strips again"""

    bl_idname = "placid.back_to_sequence"
    bl_label = "Back to Sequence"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, context):
        armature = _character(context)
        if armature is None or showing.covered_by(armature) is None:
            return "No take covers an NLA sequence"
        return ""

    def run(self, context):
        showing.back_to_sequence(context.scene, _character(context))


def _character(context: bpy.types.Context) -> bpy.types.Object | None:
    """Whose sequence is meant: that of the chosen take, else of who is chosen."""
    take = takes.active(context.scene)
    return take.armature if take and take.armature else characters.target(context)


CLASSES = (PLACID_OT_push_to_nla, PLACID_OT_append_take, PLACID_OT_back_to_sequence)
