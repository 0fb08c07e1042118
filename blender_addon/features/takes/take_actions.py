"""Accept, reject and delete: what becomes of the chosen take."""

import bpy
from bpy.props import EnumProperty

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


class PLACID_OT_delete_takes(Operator, bpy.types.Operator):
    """Remove several takes from the list; accepted actions and keys that you changed stay"""

    bl_idname = "placid.delete_takes"
    bl_label = "Delete Takes"
    bl_options = {"REGISTER", "UNDO"}

    which: EnumProperty(
        name="Which",
        items=[
            ("REJECTED", "Rejected", "Those that were rejected"),
            ("UNJUDGED", "All but Favourites and Accepted", "Those that nobody has kept"),
            ("OTHERS", "All but the Chosen One", "All others, accepted ones too"),
            ("ALL", "All", "The whole list"),
        ],
    )

    @classmethod
    def disabled_reason(cls, context):
        return "" if context.scene.placid.takes else "There is no take"

    def invoke(self, context, event):
        count = len(self._chosen(context.scene))
        manager = context.window_manager
        title = f"Delete {count} take{'s' * (count != 1)}?"
        return manager.invoke_confirm(self, event, title=title)

    def run(self, context):
        scene = context.scene
        chosen = self._chosen(scene)
        kept = [takes.delete(scene, index) for index in reversed(chosen)]
        names = ", ".join(action.name for action in kept if action is not None)
        told = f"; your changes stay in the file, as {names}" if names else ""
        self.report({"INFO"}, f"{len(chosen)} takes deleted{told}")

    def _chosen(self, scene) -> list[int]:
        settings = scene.placid
        return [
            index
            for index, take in enumerate(settings.takes)
            if self.which == "ALL"
            or (self.which == "OTHERS" and index != settings.take_index)
            or (self.which == "REJECTED" and take.status == "REJECTED")
            or (self.which == "UNJUDGED" and take.status != "ACCEPTED" and not take.favourite)
        ]


CLASSES = (
    PLACID_OT_delete_takes,
    PLACID_OT_show_take,
    PLACID_OT_accept_take,
    PLACID_OT_reject_take,
    PLACID_OT_delete_take,
)
