"""Settings of the panel Motion that act on the take that is looked at, as soon as they change.

A take whose keys a person changed is asked about first. A slider that is dragged counts when it has
stood still for a moment.
"""

import time

import bpy

from ...core import arrivals, motion_settings, runtime, sequence, takes
from ...core.hand_edits import is_edited
from ...retargeting.slots import playing
from ...shared.errors import PlacidError
from .take_actions import EDITED, TakeVerb

_QUIET_SECONDS = 0.2


class PLACID_OT_rebake(TakeVerb, bpy.types.Operator):
    """Bake the chosen take anew on its own character, with the settings of the panel Motion"""

    bl_idname = "placid.rebake"
    bl_label = "Apply Motion Settings"

    def question(self, take):
        return EDITED if is_edited(take) else ""

    def run(self, context):
        take = takes.active(context.scene)
        armature = takes.armature_of(take)
        self.tell_kept(takes.retarget(context.scene, take, armature))


class LiveSettings:
    """A change that waits until nobody drags any more."""

    def __init__(self) -> None:
        self._scene = 0
        self._due = 0.0

    def note(self, scene: bpy.types.Scene) -> None:
        """A setting of a scene has changed."""
        self._scene = scene.session_uid
        self._due = time.monotonic() + _QUIET_SECONDS
        runtime.get().scheduler.start(self.tick, _QUIET_SECONDS)

    def tick(self) -> float | None:
        """Bake when it is time."""
        wait = self._due - time.monotonic()
        if wait > 0.0 or arrivals.is_dragging():
            return max(wait, _QUIET_SECONDS)
        scene = next((s for s in bpy.data.scenes if s.session_uid == self._scene), None)
        if scene is not None:
            _act(scene)
        return None


def _act(scene: bpy.types.Scene) -> None:
    take = takes.active(scene)
    if take is None or not is_live(take):
        return
    if is_edited(take):
        _ask()
        return
    try:
        # The playhead has moved on since.
        is_current = scene.placid_motion.start == "CURRENT"
        begin = round(sequence.first_frame(take)) if is_current else None
        takes.retarget(scene, take, take.armature, begin)
    except PlacidError as error:
        runtime.get().notice = error
        runtime.redraw()
        return
    except Exception as error:
        runtime.get().note_unforeseen(error)
        return
    arrivals.push_undo(f"Placid: {take.name}")


def is_live(take) -> bool:
    """Whether a take is a preview: its character plays it, and nobody has accepted it."""
    armature, action = take.armature, take.action
    is_shown = armature is not None and action is not None and playing(armature)[0] == action
    return is_shown and take.status == "NEW" and not sequence.is_pushed(take)


def _ask() -> None:
    """Let the person decide in a window; without one nothing happens by itself."""
    if not arrivals.has_window():
        return
    with bpy.context.temp_override(window=bpy.context.window_manager.windows[0]):
        bpy.ops.placid.rebake("INVOKE_DEFAULT")


CLASSES = (PLACID_OT_rebake,)
_LIVE = LiveSettings()


def register() -> None:
    """Hear of changed settings."""
    motion_settings.LISTENERS.append(_LIVE.note)


def unregister() -> None:
    """Hear of nothing any more."""
    motion_settings.LISTENERS.remove(_LIVE.note)
