"""The panel Batch: a table of prompts as a queue."""

import bpy

from ...ui.panel_base import Tab
from ...ui.text import characters_of, draw_sentence, draw_text
from . import run as batch_run

FAILURES_SHOWN = 3


class PLACID_PT_batch(Tab, bpy.types.Panel):
    bl_label = "Batch"
    bl_parent_id = "PLACID_PT_main"
    bl_options = {"DEFAULT_CLOSED"}
    bl_order = 40

    def draw(self, context: bpy.types.Context) -> None:
        settings = context.scene.placid_batch
        layout = self.layout
        run = batch_run.current()
        column = layout.column()
        column.use_property_split = True
        column.use_property_decorate = False
        column.enabled = run is None or not run.active
        column.prop(settings, "table")
        column.prop(settings, "folder")
        column.prop(settings, "film")
        if settings.film:
            column.prop(settings, "engine")
            column.prop(settings, "format")
            row = column.row(align=True)
            row.prop(settings, "width", text="Size")
            row.prop(settings, "height", text="")
            if settings.engine != "workbench":
                column.prop(settings, "samples")
        _draw_run(layout, run, characters_of(context))
        layout.operator("placid.open_batch_folder", icon="FILE_FOLDER")


def _draw_run(layout: bpy.types.UILayout, run: batch_run.BatchRun | None, characters: int) -> None:
    if run is not None and run.active:
        row = layout.row(align=True)
        row.progress(factor=run.fraction, text=run.stage)
        row.operator("placid.pause_batch", text="", icon="PAUSE")
    else:
        row = layout.row()
        row.scale_y = 1.3
        paused = run is not None and run.state == "paused"
        text = "Resume Batch" if paused else "Start Batch"
        row.operator("placid.start_batch", text=text, icon="PLAY")
    if run is None:
        return
    if run.batch is not None:
        layout.label(text=f"{run.batch.done} of {run.batch.total} results are there")
        for sentence in run.forgetting[:FAILURES_SHOWN]:
            draw_text(layout, sentence.capitalize(), characters, "INFO")
        failures = list(run.batch.failures.items())
        for number, error in failures[:FAILURES_SHOWN]:
            draw_sentence(layout, f"Row {number}: {error.message}", characters)
        if len(failures) > FAILURES_SHOWN:
            layout.label(text=f"and {len(failures) - FAILURES_SHOWN} more rows failed")
        doubts = list(run.doubts.items())
        for number, warning in doubts[:FAILURES_SHOWN]:
            draw_text(layout, f"Row {number}: {warning}.", characters, "QUESTION")
        if len(doubts) > FAILURES_SHOWN:
            layout.label(text=f"and {len(doubts) - FAILURES_SHOWN} more rows that it does not know")
    if run.error is not None:
        draw_sentence(layout, run.error.message, characters)


def register() -> None:
    bpy.utils.register_class(PLACID_PT_batch)


def unregister() -> None:
    bpy.utils.unregister_class(PLACID_PT_batch)
