"""Cancel: give up what is being generated."""

import bpy

from ...core import runtime
from ...core.operator_base import Verb


class PLACID_OT_cancel(Verb, bpy.types.Operator):
    """Stop generating; takes that are finished stay"""

    bl_idname = "placid.cancel"
    bl_label = "Cancel"

    @classmethod
    def obstacle(cls, context):
        return "" if runtime.get().job else "Nothing is being generated"

    def act(self, context):
        runtime.get().cancel()


CLASSES = (PLACID_OT_cancel,)
