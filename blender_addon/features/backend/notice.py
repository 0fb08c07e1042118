"""What can be done about the last problem: put its sentence away, or open the preferences."""

import bpy

from ...core import runtime
from ...core.operator_base import Operator
from ...link import paths


class PLACID_OT_dismiss_notice(Operator, bpy.types.Operator):
    """Put this message away"""

    bl_idname = "placid.dismiss_notice"
    bl_label = "Dismiss"

    @classmethod
    def disabled_reason(cls, context):
        return "" if runtime.get().notice is not None else "There is no message"

    def run(self, context):
        runtime.get().notice = None


class PLACID_OT_open_preferences(Operator, bpy.types.Operator):
    """Open Placid's preferences, where the backend is set up"""

    bl_idname = "placid.open_preferences"
    bl_label = "Open Preferences"

    def run(self, context):
        bpy.ops.preferences.addon_show(module=paths.PACKAGE)


CLASSES = (PLACID_OT_dismiss_notice, PLACID_OT_open_preferences)
