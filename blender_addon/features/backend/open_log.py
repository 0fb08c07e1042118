"""Placid's own files: a log in the system's text viewer, and the folder they are in."""

import bpy
from bpy.props import EnumProperty

from ...core.operator_base import Operator
from ...link import paths
from ...shared.errors import PlacidError
from ...ui.system_viewer import open_in_system

_LOGS = {"BACKEND": paths.backend_log, "SETUP": paths.setup_log}


class PLACID_OT_open_log(Operator, bpy.types.Operator):
    """Open the log in the system's text viewer"""

    bl_idname = "placid.open_log"
    bl_label = "Open Log"

    log: EnumProperty(
        items=[
            ("BACKEND", "Backend", "What the backend wrote"),
            ("SETUP", "Set-Up", "What the set-up wrote"),
        ]
    )

    def run(self, context):
        path = _LOGS[self.log]()
        if not path.is_file():
            raise PlacidError(
                "no_log", f"there is no log yet at {path}; start or set up the backend first"
            )
        open_in_system(path)


class PLACID_OT_open_folder(Operator, bpy.types.Operator):
    """Show the folder in which Placid keeps its environment and its logs, to free some space"""

    bl_idname = "placid.open_folder"
    bl_label = "Open Placid's Folder"

    def run(self, context):
        open_in_system(paths.user_folder())


CLASSES = (PLACID_OT_open_log, PLACID_OT_open_folder)
