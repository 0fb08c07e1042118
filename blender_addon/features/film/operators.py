"""Film Take: the chosen take as an MP4, with a camera of its own; giving that up; the result."""

from pathlib import Path

import bpy
from bpy.props import StringProperty
from bpy_extras.io_utils import ExportHelper

from ...core import takes
from ...core.operator_base import Operator
from ...shared.names import file_name
from ...ui.system_viewer import open_in_system
from ..batch.settings import film_look
from . import job as film_take


class PLACID_OT_film_take(Operator, ExportHelper, bpy.types.Operator):
    """Film the take as MP4 with a camera that follows the character, in the engine and size of \
the panel Batch; a second Blender without a window does it"""

    bl_idname = "placid.film_take"
    bl_label = "Film Take"
    filename_ext = ".mp4"
    filter_glob: StringProperty(default="*.mp4", options={"HIDDEN"})

    @classmethod
    def disabled_reason(cls, context):
        take = takes.active(context.scene)
        if take is None:
            return "There is no take"
        if take.status == "REJECTED":
            return "The take is rejected; Preview brings it back"
        if take.action is None:
            return "The take has no action; Preview bakes it"
        return "A film is being made" if film_take.current() else ""

    def invoke(self, context, event):
        folder = Path(bpy.data.filepath).parent if bpy.data.filepath else Path.home()
        name = file_name(takes.active(context.scene).name)
        self.filepath = str(folder / f"{name}{self.filename_ext}")
        return super().invoke(context, event)

    def run(self, context):
        scene, take = context.scene, takes.active(context.scene)
        look = film_look(scene.placid_batch, scene, "mp4")
        film_take.start(take, look, Path(bpy.path.abspath(self.filepath)))


class PLACID_OT_cancel_film(Operator, bpy.types.Operator):
    """Stop filming; no file is left"""

    bl_idname = "placid.cancel_film"
    bl_label = "Cancel Film"

    @classmethod
    def disabled_reason(cls, context):
        return "" if film_take.current() else "No film is being made"

    def run(self, context):
        film_take.close()


class PLACID_OT_open_film_folder(Operator, bpy.types.Operator):
    """Show the folder with the film"""

    bl_idname = "placid.open_film_folder"
    bl_label = "Open Folder"

    @classmethod
    def description(cls, context, properties):
        film = film_take.finished()
        return f"Show the folder with the film: {film.path.parent}" if film else cls.__doc__

    @classmethod
    def disabled_reason(cls, context):
        return "" if film_take.finished() else "No film was made"

    def run(self, context):
        open_in_system(film_take.finished().path.parent)


CLASSES = (PLACID_OT_film_take, PLACID_OT_cancel_film, PLACID_OT_open_film_folder)
