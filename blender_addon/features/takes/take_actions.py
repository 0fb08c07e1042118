"""Accept, reject and delete: what becomes of the chosen take."""

import bpy

from ...core import runtime, takes
from ...core.operator_base import Operator


class TakeVerb(Operator):
    """Base of the verbs for the take chosen in the list; each is one step of undo."""

    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, context):
        return "" if takes.active(context.scene) else "There is no take"


class PLACID_OT_show_take(TakeVerb, bpy.types.Operator):
    """Play the chosen take from its beginning; a rejected one is as new again"""

    bl_idname = "placid.show_take"
    bl_label = "Preview"

    def run(self, context):
        take = takes.active(context.scene)
        takes.preview(context.scene, take)
        context.scene.frame_set(round(take.action.frame_range[0]))
        if context.screen is not None and not context.screen.is_animation_playing:
            bpy.ops.screen.animation_play()


class PLACID_OT_accept_take(TakeVerb, bpy.types.Operator):
    """Keep the take: its action stays in the file even when nothing plays it"""

    bl_idname = "placid.accept_take"
    bl_label = "Accept"

    @classmethod
    def disabled_reason(cls, context):
        take = takes.active(context.scene)
        if take is not None and take.status == "ACCEPTED":
            return "The take is accepted already"
        return super().disabled_reason(context)

    def run(self, context):
        take = takes.active(context.scene)
        # So that one undo takes the take off the character instead of leaving its preview there.
        takes.withdraw(context.scene, take)
        runtime.push_undo(f"Placid: before {take.name}")
        takes.accept(context.scene, take)


class PLACID_OT_reject_take(TakeVerb, bpy.types.Operator):
    """Remove the take's action and give the character back what it played before"""

    bl_idname = "placid.reject_take"
    bl_label = "Reject"

    @classmethod
    def disabled_reason(cls, context):
        take = takes.active(context.scene)
        # One that is shown again can be taken off the character again.
        if take is not None and take.status == "REJECTED" and take.action is None:
            return "The take is rejected already; Preview brings it back"
        return super().disabled_reason(context)

    def run(self, context):
        takes.reject(context.scene, takes.active(context.scene))


class PLACID_OT_delete_take(TakeVerb, bpy.types.Operator):
    """Remove the take from the list; the action of an accepted take stays in the file"""

    bl_idname = "placid.delete_take"
    bl_label = "Delete"

    def run(self, context):
        takes.delete(context.scene, context.scene.placid.take_index)


CLASSES = (
    PLACID_OT_show_take,
    PLACID_OT_accept_take,
    PLACID_OT_reject_take,
    PLACID_OT_delete_take,
)
