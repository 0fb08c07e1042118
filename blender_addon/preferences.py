"""Preferences: where the backend runs, its set-up and its state."""

import bpy
from bpy.props import EnumProperty, StringProperty

from . import paths, runtime
from .environment import is_complete
from .sentences import draw_sentence


class PlacidPreferences(bpy.types.AddonPreferences):
    """Stored with Blender's user preferences."""

    bl_idname = __package__

    python_path: StringProperty(
        name="Existing Environment",
        description="Python of an environment that has the backend's libraries; "
        "empty: the one that Set Up Backend makes",
        subtype="FILE_PATH",
    )
    device: EnumProperty(
        name="Device",
        description="Where the model runs",
        items=[
            ("auto", "Automatic", "The graphics card if there is one, else the processor"),
            ("cpu", "Processor", "Slower, always available"),
            ("cuda", "NVIDIA", "CUDA"),
            ("mps", "Apple", "Metal"),
        ],
    )

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        _draw_state(layout.box(), self)
        column = layout.column()
        column.use_property_split = True
        column.prop(self, "python_path")
        column.prop(self, "device")
        row = layout.row(align=True)
        row.operator("placid.open_log", text="Open Backend Log", icon="TEXT").log = "BACKEND"
        row.operator("placid.open_log", text="Open Set-Up Log", icon="TEXT").log = "SETUP"
        row.operator("placid.copy_report", icon="COPYDOWN")


def _draw_state(layout: bpy.types.UILayout, preferences: PlacidPreferences) -> None:
    current = runtime.get()
    if current.setup is not None:
        layout.progress(factor=current.setup.fraction, text=current.setup.label)
        layout.label(text=current.setup.detail)
        layout.operator("placid.cancel_set_up", icon="X")
        return
    if preferences.python_path:
        layout.label(text="The backend runs in the environment chosen below", icon="CHECKMARK")
    elif is_complete(paths.environment_folder(), paths.requirements_path()):
        layout.label(text="The backend is set up", icon="CHECKMARK")
    else:
        layout.label(text="The backend is not set up yet (about 1 GB to download)", icon="INFO")
        if not bpy.app.online_access:
            layout.label(text="Online access is off: System > Network > Allow Online Access")
    layout.operator("placid.set_up", icon="IMPORT")
    if current.notice is not None:
        draw_sentence(layout, current.notice.message, 90)


def register() -> None:
    bpy.utils.register_class(PlacidPreferences)


def unregister() -> None:
    bpy.utils.unregister_class(PlacidPreferences)
