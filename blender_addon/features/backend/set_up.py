"""Set up: make the Full Backend's environment in the background; and give that up."""

import bpy

from ...core import runtime
from ...core.operator_base import Operator
from ...link import launch


class PLACID_OT_set_up(Operator, bpy.types.Operator):
    """Make a Python environment with PyTorch in the extension's folder (about 1 GB), for graphics \
cards and other checkpoints; the instant backend needs none, and Blender is left alone"""

    bl_idname = "placid.set_up"
    bl_label = "Set Up Full Backend"

    @classmethod
    def disabled_reason(cls, context):
        if runtime.get().setup is not None:
            return "The set-up is running"
        if not launch.has_pytorch():
            return "PyTorch has no build for Macs with Intel processors"
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
