"""Preferences: where the backend runs, its set-up and its state."""

import sys
from pathlib import Path

import bpy
from bpy.props import BoolProperty, EnumProperty, IntProperty, StringProperty

from ...core import runtime
from ...link import launch, libraries, paths
from ...ui.backend_status import draw_backend, draw_notice
from ...ui.text import draw_sentence, draw_text

CHARACTERS = 90
_LOOK_SECONDS = 0.2


def _choose_python(_preferences, _context) -> None:
    if not launch.disabled_reason():
        # Chosen again, it is looked at again: something may have been installed there.
        libraries.forget(launch.backend_python())
        runtime.get().forget_environment()


class PlacidPreferences(bpy.types.AddonPreferences):
    """Stored with Blender's user preferences."""

    bl_idname = paths.PACKAGE

    full_backend: BoolProperty(
        name="Full Backend",
        description="Run in an environment with PyTorch, for graphics cards and other checkpoints. "
        "Off: the instant backend, which runs in Blender's own Python",
        update=_choose_python,
    )
    python_path: StringProperty(
        name="Existing Environment",
        description="Python of an environment that has the Full Backend's libraries; "
        "empty: the one that the set-up makes",
        subtype="FILE_PATH",
        update=_choose_python,
    )
    torch_build: EnumProperty(
        name="PyTorch",
        description="Which build of PyTorch the set-up installs; on Apple computers there is one, "
        "which can use the graphics processor",
        items=[
            ("auto", "Automatic", "The one for NVIDIA if its driver is there, else the smaller"),
            ("cpu", "Processor", "Runs everywhere; about 200 MB to download"),
            ("cuda", "NVIDIA (CUDA)", "For NVIDIA graphics cards; several GB to download"),
        ],
    )
    device: EnumProperty(
        name="Device",
        description="Where the model runs, from the next start of the backend on",
        items=[
            ("auto", "Automatic", "The graphics card if there is one, else the processor"),
            ("cpu", "Processor", "Slower, always available"),
            ("cuda", "NVIDIA (CUDA)", "An NVIDIA graphics card"),
            ("mps", "Apple (MPS)", "The graphics processor of an Apple computer"),
        ],
    )
    checkpoints: StringProperty(
        name="Checkpoint Folder",
        description="Folder with an official MoMask or BAMM release, or another checkpoint; "
        "empty: the embedded model. Takes effect when the backend is started again",
        subtype="DIR_PATH",
    )
    idle_minutes: IntProperty(
        name="Unload After",
        description="Minutes without a generation after which the backend frees the model's "
        "memory; 0: never. The next generation loads it again",
        default=10,
        min=0,
        max=1440,
    )
    frame_takes: BoolProperty(
        name="Show New Takes",
        description="Turn the 3D views to the character of a new take where they do not show it",
        default=True,
    )
    play_takes: BoolProperty(
        name="Play New Takes", description="Begin to play as soon as a new take is there"
    )
    log_level: EnumProperty(
        name="Log Level",
        description="How much the backend writes into its log, from its next start on",
        items=[
            ("error", "Errors", "Failures only"),
            ("info", "Normal", "Starts, requests and failures"),
            ("debug", "Everything", "Details for finding a fault"),
        ],
        default="info",
    )

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        _draw_setup(layout.box(), self)
        column = layout.column()
        column.use_property_split = True
        column.use_property_decorate = False
        full = column.column()
        if launch.offers_full_backend():
            full.prop(self, "full_backend")
            full = column.column()
            full.active = self.full_backend or bool(self.python_path)
            if sys.platform != "darwin":
                full.prop(self, "torch_build")
        full.prop(self, "python_path")
        column.separator()
        column.prop(self, "device")
        column.prop(self, "checkpoints")
        column.prop(self, "idle_minutes", text="Unload After (Minutes)")
        column.prop(self, "log_level")
        looks = column.column(heading="New Takes")
        looks.prop(self, "frame_takes", text="Show")
        looks.prop(self, "play_takes", text="Play")
        row = layout.row(align=True)
        row.operator("placid.open_log", text="Open Backend Log", icon="TEXT").log = "BACKEND"
        if launch.offers_full_backend():
            row.operator("placid.open_log", text="Open Set-Up Log", icon="TEXT").log = "SETUP"
        row.operator("placid.copy_report", icon="COPYDOWN")


def _draw_setup(box: bpy.types.UILayout, preferences: PlacidPreferences) -> None:
    current = runtime.get()
    if current.setup is not None:
        row = box.row(align=True)
        row.progress(factor=current.setup.fraction, text=current.setup.label)
        row.operator("placid.cancel_set_up", text="", icon="X")
        lines = box.column(align=True)
        lines.active = False
        for line in current.setup.recent:
            lines.label(text=line)
        return
    if disabled_reason := launch.disabled_reason("below"):
        draw_sentence(box, disabled_reason, CHARACTERS)
        if launch.offers_full_backend() and not bpy.app.online_access:
            draw_text(
                box,
                "The set-up downloads libraries, and online access is off: allow it in "
                "System > Network, or choose an existing environment below.",
                CHARACTERS,
            )
    elif preferences.python_path:
        _draw_chosen(box, launch.backend_python())
        draw_backend(box, current)
    else:
        where = "Ready: the instant backend runs in Blender's own Python"
        if not launch.is_instant():
            where = "Ready: the Full Backend runs in its own environment"
        box.label(text=where, icon="CHECKMARK")
        draw_backend(box, current)
    if not launch.has_pytorch():
        sentence = "PyTorch has no build for Macs with Intel processors; the instant backend serves"
        draw_text(box, f"{sentence} the embedded model there.", CHARACTERS)
    elif launch.offers_full_backend():
        again = " Again" if launch.has_environment() else ""
        box.operator("placid.set_up", text=f"Set Up Full Backend{again}", icon="IMPORT")
    # An obstacle is told above, in words that fit here.
    if (
        current.notice is not None
        and current.notice.message.lower() != launch.disabled_reason().lower()
    ):
        draw_notice(box, current.notice, CHARACTERS)


def _draw_chosen(box: bpy.types.UILayout, python: Path) -> None:
    """What an environment of the user's own is worth, which it says itself."""
    problem = libraries.problem_of(python)
    if problem is None:
        box.label(text="Looking for the backend's libraries", icon="SORTTIME")
        runtime.get().scheduler.start(_redraw_when_known, _LOOK_SECONDS)
    elif problem:
        box.label(text="The chosen environment cannot run the Full Backend", icon="ERROR")
        remedy = f"{python} {problem}; choose another one below, or leave that empty and set up"
        draw_sentence(box, remedy, CHARACTERS)
    else:
        text = "Ready: the Full Backend runs in the chosen environment"
        box.label(text=text, icon="CHECKMARK")


def _redraw_when_known() -> float | None:
    """Look whether the environment that is chosen now has answered."""
    if not launch.disabled_reason() and libraries.problem_of(launch.backend_python()) is None:
        return _LOOK_SECONDS
    runtime.redraw()
    return None


CLASSES = (PlacidPreferences,)

register, unregister = bpy.utils.register_classes_factory(CLASSES)
