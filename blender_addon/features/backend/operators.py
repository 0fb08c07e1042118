"""Start, rest and stop the backend by hand; a generation starts it by itself."""

import bpy

from ...core import runtime
from ...core.operator_base import Operator
from ...link import launch


class PLACID_OT_start_backend(Operator, bpy.types.Operator):
    """Start the backend afresh, so that the choices it offers are known"""

    bl_idname = "placid.start_backend"
    bl_label = "Restart Backend"

    @classmethod
    def disabled_reason(cls, context):
        if runtime.get().setup is not None:
            return "The backend is being set up"
        return launch.disabled_reason()

    def run(self, context):
        runtime.get().notice = None
        runtime.get().stop_backend()
        runtime.session().restart()
        runtime.get().watch()


class PLACID_OT_stop_backend(Operator, bpy.types.Operator):
    """End the backend and free its memory; takes stay"""

    bl_idname = "placid.stop_backend"
    bl_label = "Stop Backend"

    @classmethod
    def disabled_reason(cls, context):
        return "" if runtime.session().running else "The backend is not running"

    def run(self, context):
        runtime.get().stop_backend()


class PLACID_OT_unload(Operator, bpy.types.Operator):
    """Free the memory that the backend takes, for a render for example; the next generation \
starts it again"""

    bl_idname = "placid.unload"
    bl_label = "Unload Model"

    @classmethod
    def disabled_reason(cls, context):
        session = runtime.session()
        if not session.running:
            return "The backend takes no memory now"
        return "A generation is running; cancel it or wait" if session.jobs else ""

    def run(self, context):
        runtime.session().rest()


CLASSES = (PLACID_OT_start_backend, PLACID_OT_stop_backend, PLACID_OT_unload)
