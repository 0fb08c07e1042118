"""Accept, reject and delete: what becomes of the chosen take."""

import bpy

from ...core import sequence, takes
from ...core.hand_edits import is_edited
from ...core.operator_base import Operator

EDITED = "You changed the keys of this take. The changed action stays in the file."


class TakeVerb(Operator):
    """Base of the verbs for the take chosen in the list; each is one step of undo.

    A button asks before work that a person did by hand is put aside; that work stays in the file.
    """

    bl_options = {"REGISTER", "UNDO"}

    def question(self, take) -> str:
        """What to ask before it is done; empty when there is nothing to ask."""
        return ""

    def invoke(self, context, event):
        if text := self.question(takes.active(context.scene)):
            manager = context.window_manager
            return manager.invoke_confirm(self, event, title=self.bl_label, message=text)
        return self.execute(context)

    def tell_kept(self, kept: bpy.types.Action | None) -> None:
        """Say where the changed action of a take is that has been put aside."""
        if kept is not None:
            self.report({"INFO"}, f"Your changes stay in the file, as the action {kept.name}")

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
        context.scene.frame_set(round(sequence.first_frame(take)))
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
        takes.accept(context.scene, takes.active(context.scene))


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

    def question(self, take):
        if is_edited(take):
            return EDITED
        if sequence.is_pushed(take):
            return "The take's strip in the NLA goes, too."
        return ""

    def run(self, context):
        self.tell_kept(takes.reject(context.scene, takes.active(context.scene)))


class PLACID_OT_delete_take(TakeVerb, bpy.types.Operator):
    """Remove the take from the list; the action of an accepted take stays in the file"""

    bl_idname = "placid.delete_take"
    bl_label = "Delete"

    def question(self, take):
        if take.status != "ACCEPTED" and is_edited(take):
            return EDITED
        return ""

    def run(self, context):
        self.tell_kept(takes.delete(context.scene, context.scene.placid.take_index))


CLASSES = (
    PLACID_OT_show_take,
    PLACID_OT_accept_take,
    PLACID_OT_reject_take,
    PLACID_OT_delete_take,
)
