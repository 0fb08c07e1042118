"""Set up: make the backend's environment in the background; and give that up."""

import bpy

from ...core import runtime
from ...core.operator_base import Operator


class PLACID_OT_set_up(Operator, bpy.types.Operator):
    """Make a Python environment for the backend in the extension's folder and install its \
libraries (about 1 GB); Blender's own Python is left alone"""

    bl_idname = "placid.set_up"
    bl_label = "Set Up Backend"

    @classmethod
    def disabled_reason(cls, context):
        if runtime.get().setup is not None:
            return "The set-up is running"
        if not bpy.app.online_access:
            return "Allow Online Access in Preferences > System first: libraries are downloaded"
        return ""

    def run(self, context):
        runtime.get().start_setup()


class PLACID_OT_cancel_set_up(Operator, bpy.types.Operator):
    """Stop the set-up; what it made so far is removed the next time"""

    bl_idname = "placid.cancel_set_up"
    bl_label = "Cancel Set-Up"

    @classmethod
    def disabled_reason(cls, context):
        return "" if runtime.get().setup is not None else "No set-up is running"

    def run(self, context):
        runtime.get().cancel_setup()


CLASSES = (PLACID_OT_set_up, PLACID_OT_cancel_set_up)
