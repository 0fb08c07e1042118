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


# Buttons that help with a problem, by its code: operator and its word.
_HELP = {
    "backend_missing": (("placid.open_preferences", "Open Preferences"),),
    "setup_failed": (("placid.set_up", "Set Up Again"),),
    "version_mismatch": (("placid.set_up", "Set Up Again"),),
    "not_writable": (("placid.open_folder", "Open Folder"),),
    "backend_unavailable": (("placid.start_backend", "Restart Backend"),),
    "backend_lost": (("placid.start_backend", "Restart Backend"),),
    "backend_hung": (("placid.start_backend", "Restart Backend"),),
    "unknown_rig": (("placid.guess_mapping", "Guess Bones"),),
    "bad_rig": (("placid.guess_mapping", "Guess Bones"),),
}


def draw_notice(layout: bpy.types.UILayout, notice: PlacidError, characters: int) -> None:
    """The last problem: its sentence, and the buttons that help."""
    box = layout.box()
    draw_sentence(box, notice.message, characters)
    row = box.row(align=True)
    for operator, word in _HELP.get(notice.code, ()):
        # The build for Blender's extension platform has no set-up.
        if hasattr(bpy.types, _class_name(operator)):
            row.operator(operator, text=word)
    if notice.code != "backend_missing":
        row.operator("placid.copy_report", text="", icon="COPYDOWN")
        row.operator("placid.open_log", text="", icon="TEXT").log = (
            "SETUP" if notice.code == "setup_failed" else "BACKEND"
        )
    row.operator("placid.dismiss_notice", text="", icon="X")


def _class_name(operator: str) -> str:
    room, _, verb = operator.partition(".")
    return f"{room.upper()}_OT_{verb}"
