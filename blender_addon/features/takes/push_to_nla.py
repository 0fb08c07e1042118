"""Push to NLA: keep a take as a strip that can be moved, blended and repeated; and look at it."""

import bpy

from ...core import characters, showing, takes
from ...core.operator_base import Operator
from .take_actions import TakeVerb


class PLACID_OT_push_to_nla(TakeVerb, bpy.types.Operator):
    """Accept the take and put it as a strip on a new NLA track of its character"""

    bl_idname = "placid.push_to_nla"
    bl_label = "Push to NLA"

    def run(self, context):
        takes.push_to_nla(context.scene, takes.active(context.scene))


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


CLASSES = (PLACID_OT_push_to_nla, PLACID_OT_back_to_sequence)
