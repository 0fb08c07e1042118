"""Batch: run a table of prompts, pause it, and look at the results."""

import bpy

from ...core import runtime
from ...core.operator_base import Operator
from ...ui.system_viewer import open_in_system
from . import run as batch_run
from .settings import folder_of, look_of, table_of


class PLACID_OT_start_batch(Operator, bpy.types.Operator):
    """Generate every row of the table, and film it; what is done already is skipped"""

    bl_idname = "placid.start_batch"
    bl_label = "Start Batch"

    @classmethod
    def disabled_reason(cls, context):
        if not context.scene.placid_batch.table:
            return "Choose a table first: a CSV or JSON file with a column 'prompt'"
        if (run := batch_run.current()) is not None and run.active:
            return "The batch is running"
        if runtime.get().setup is not None:
            return "The backend is being set up"
        return ""

    def run(self, context):
        settings = context.scene.placid_batch
        runtime.get().notice = None
        look = look_of(settings, context.scene)
        batch_run.start(table_of(settings), folder_of(settings), look)


class PLACID_OT_pause_batch(Operator, bpy.types.Operator):
    """Stop after what is done; Resume goes on with the rest, even after Blender was closed"""

    bl_idname = "placid.pause_batch"
    bl_label = "Pause Batch"

    @classmethod
    def disabled_reason(cls, context):
        run = batch_run.current()
        return "" if run is not None and run.active else "No batch is running"

    def run(self, context):
        batch_run.current().pause()


class PLACID_OT_open_batch_folder(Operator, bpy.types.Operator):
    """Show the folder with the results"""

    bl_idname = "placid.open_batch_folder"
    bl_label = "Open Results"

    @classmethod
    def disabled_reason(cls, context):
        if not context.scene.placid_batch.table:
            return "Choose a table first"
        if not folder_of(context.scene.placid_batch).is_dir():
            return "There are no results yet"
        return ""

    def run(self, context):
        open_in_system(folder_of(context.scene.placid_batch))


CLASSES = (PLACID_OT_start_batch, PLACID_OT_pause_batch, PLACID_OT_open_batch_folder)
