"""Accept, reject and delete: what becomes of the chosen take."""

import bpy

from .. import takes
from .base import Verb


class TakeVerb(Verb):
    """Base of the verbs for the take chosen in the list; each is one step of undo."""

    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def obstacle(cls, context):
        return "" if takes.active(context.scene) else "There is no take"


class PLACID_OT_show_take(TakeVerb, bpy.types.Operator):
    """Let the character play the chosen take"""

    bl_idname = "placid.show_take"
    bl_label = "Preview"

    def act(self, context):
        takes.show(context.scene, takes.active(context.scene))


class PLACID_OT_accept_take(TakeVerb, bpy.types.Operator):
    """Keep the take: its action stays in the file even when nothing plays it"""

    bl_idname = "placid.accept_take"
    bl_label = "Accept"

    def act(self, context):
        takes.accept(context.scene, takes.active(context.scene))


class PLACID_OT_reject_take(TakeVerb, bpy.types.Operator):
    """Remove the take's action and give the character back what it played before"""

    bl_idname = "placid.reject_take"
    bl_label = "Reject"

    def act(self, context):
        takes.reject(context.scene, takes.active(context.scene))


class PLACID_OT_delete_take(TakeVerb, bpy.types.Operator):
    """Remove the take from the list; the action of an accepted take stays in the file"""

    bl_idname = "placid.delete_take"
    bl_label = "Delete"

    def act(self, context):
        takes.delete(context.scene, context.scene.placid.take_index)


CLASSES = (
    PLACID_OT_show_take,
    PLACID_OT_accept_take,
    PLACID_OT_reject_take,
    PLACID_OT_delete_take,
)
