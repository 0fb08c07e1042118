"""Takes on their way into the file: one undo step a generation, and none that undo loses.

A take arrives at any time, also while the user drags something or undoes an edit of theirs. It
waits until the drag is over, so that no half-dragged object is stored; what an undo step from
before its arrival lacks is put in again as long as its generation runs.
"""

import logging
import uuid
from dataclasses import dataclass, field

import bpy

from ..link.client import Take
from . import first_look, takes
from .jobs import Job

log = logging.getLogger(__name__)

_HANDLERS = (bpy.app.handlers.undo_post, bpy.app.handlers.redo_post)

# What an operator has that changes the scene, or holds the mouse, while it runs.
_DRAGGING = {"UNDO", "UNDO_GROUPED", "BLOCKING", "GRAB_CURSOR"}


@dataclass
class _Arrived:
    job: Job
    event: Take
    uid: str = field(default_factory=lambda: uuid.uuid4().hex)


class Arrivals:
    """The takes of generations that still run."""

    def __init__(self) -> None:
        self._arrived: list[_Arrived] = []
        self._present: set[str] = set()
        # Whether the user undid or redid something since the last look.
        self._undone = False
        # Blender keeps plain functions alone beyond the loading of another file.
        self._handler = bpy.app.handlers.persistent(lambda *_scene: self._note_undo())

    def add(self, job: Job, event: Take) -> None:
        """Put a take into the list and show the first one of its generation.

        Showing may fail, which becomes the notice: the take stays.
        """
        arrived = _Arrived(job, event)
        self._arrived.append(arrived)
        scene, take = _insert(arrived)
        job.takes.append(take.name)
        if len(job.takes) == 1:
            # The index shows the take by its update callback.
            scene.placid.take_index = len(scene.placid.takes) - 1
            if has_window():
                first_look.look_at(scene, take)
        self._present = _uids()

    def close(self, job: Job) -> None:
        """The generation is over: its takes are one step of undo."""
        self._arrived = [arrived for arrived in self._arrived if arrived.job is not job]
        if job.takes:
            more = f" and {len(job.takes) - 1} more" if len(job.takes) > 1 else ""
            push_undo(f"Placid: {job.takes[0]}{more}")

    def look(self) -> None:
        """See which takes are there.

        After an undo or redo, what was there before and is not any more is put in again.
        """
        if self._undone:
            lost = self._present - _uids()
            for arrived in self._arrived:
                if arrived.uid in lost:
                    _insert(arrived)
        self._undone = False
        if self._arrived:
            self._present = _uids()

    def listen(self) -> None:
        """Notice undo and redo from now on."""
        for handlers in _HANDLERS:
            if self._handler not in handlers:
                handlers.append(self._handler)

    def stop_listening(self) -> None:
        """Leave no handler behind."""
        for handlers in _HANDLERS:
            if self._handler in handlers:
                handlers.remove(self._handler)

    def _note_undo(self) -> None:
        self._undone = True


def _insert(arrived: _Arrived):
    """Scene and take."""
    job, event = arrived.job, arrived.event
    scene = _by_uid(bpy.data.scenes, job.scene) or bpy.context.scene
    armature = _by_uid(bpy.data.objects, job.armature)
    take = takes.add_take(scene, armature, job.request, event.motion)
    take.uid, take.generation = arrived.uid, job.uid
    if job.place is not None:
        take.placed, take.place = True, job.place
    for frame, pose in job.kept:
        held = take.kept.add()
        held.frame, held.pose = frame, _by_uid(bpy.data.actions, pose)
    take.kept_on = armature if job.kept else None
    if (original := _by_uid(bpy.data.actions, job.original)) is not None:
        takes.note_original(take, original)
    return scene, take


def is_dragging() -> bool:
    """Whether the user is in the middle of an operator, such as moving an object."""
    return any(
        _DRAGGING & set(operator.bl_options)
        for window in bpy.context.window_manager.windows
        for operator in window.modal_operators
    )


def push_undo(message: str) -> None:
    """One step of undo, outside of what operators do by themselves; none without a window."""
    if not has_window():
        return
    try:
        with bpy.context.temp_override(window=bpy.context.window_manager.windows[0]):
            bpy.ops.ed.undo_push(message=message)
    except RuntimeError as error:
        # Blender refuses where undo is off; the takes are there all the same.
        log.warning("no undo step: %s", error)


def has_window() -> bool:
    """Whether a person looks on."""
    return not bpy.app.background and len(bpy.context.window_manager.windows) > 0


def _uids() -> set[str]:
    return {take.uid for scene in bpy.data.scenes for take in scene.placid.takes}


def _by_uid(blocks, uid: int | None):
    return next((block for block in blocks if block.session_uid == uid), None)
