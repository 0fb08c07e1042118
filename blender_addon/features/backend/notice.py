"""What can be done about the last problem: put its sentence away, or open the preferences."""

import bpy

from ...core import runtime
from ...core.operator_base import Verb
from ...link import paths


class PLACID_OT_dismiss_notice(Verb, bpy.types.Operator):
    """Put this message away"""

    bl_idname = "placid.dismiss_notice"
    bl_label = "Dismiss"

    @classmethod
    def obstacle(cls, context):
        return "" if runtime.get().notice is not None else "There is no message"

    def act(self, context):
        runtime.get().notice = None


class PLACID_OT_open_preferences(Verb, bpy.types.Operator):
    """Open Placid's preferences, where the backend is set up"""

    bl_idname = "placid.open_preferences"
    bl_label = "Open Preferences"

    def act(self, context):
        bpy.ops.preferences.addon_show(module=paths.PACKAGE)


CLASSES = (PLACID_OT_dismiss_notice, PLACID_OT_open_preferences)
