"""Cancel: give up what is being generated."""

import bpy

from ...core import runtime
from ...core.operator_base import Operator


class PLACID_OT_cancel(Operator, bpy.types.Operator):
    """Stop generating; takes that are finished stay"""

    bl_idname = "placid.cancel"
    bl_label = "Cancel"

    @classmethod
    def disabled_reason(cls, context):
        return "" if runtime.get().job else "Nothing is being generated"

    def run(self, context):
        runtime.get().cancel()


CLASSES = (PLACID_OT_cancel,)
