"""What the panel and the preferences both draw: the backend's state and the last problem."""

import bpy

from ..core.runtime import Runtime
from ..shared.errors import PlacidError
from .text import draw_sentence

STATES = {
    "stopped": ("Backend: not running", "RADIOBUT_OFF"),
    "resting": ("Backend: at rest, its memory is free", "SORTTIME"),
    "starting": ("Backend: starting", "SORTTIME"),
    "loading": ("Backend: loading", "SORTTIME"),
    "ready": ("Backend: ready", "RADIOBUT_ON"),
    "failed": ("Backend: no model", "ERROR"),
}


def draw_backend(layout: bpy.types.UILayout, current: Runtime) -> None:
    """The backend's state in a line, with what can be done about it."""
    state, capabilities = current.session.state, current.session.capabilities
    text, icon = STATES[state]
    if state == "stopped" and not current.session.launched:
        text = "Backend: not started yet"
    elif state == "ready" and capabilities is not None:
        text += f" on {capabilities.device}"
    row = layout.row(align=True)
    row.label(text=text, icon=icon)
    if not current.session.running:
        row.operator("placid.start_backend", text="", icon="PLAY")
        return
    row.operator("placid.unload", text="", icon="TRIA_DOWN_BAR")
    row.operator("placid.start_backend", text="", icon="FILE_REFRESH")
    row.operator("placid.stop_backend", text="", icon="CANCEL")


def draw_notice(layout: bpy.types.UILayout, notice: PlacidError, characters: int) -> None:
    """The last problem: its sentence, and the buttons that help."""
    box = layout.box()
    draw_sentence(box, notice.message, characters)
    row = box.row(align=True)
    if notice.code == "backend_missing":
        row.operator("placid.open_preferences", icon="PREFERENCES")
    else:
        row.operator("placid.copy_report", icon="COPYDOWN")
        row.operator("placid.open_log", icon="TEXT").log = (
            "SETUP" if notice.code == "setup_failed" else "BACKEND"
        )
    row.operator("placid.dismiss_notice", text="", icon="X")
