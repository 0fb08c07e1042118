"""Look for Strikes: the character's action goes through the backend's checks."""

from dataclasses import dataclass

import bpy

from ...core import characters, runtime
from ...core.operator_base import Operator
from ...link.client import Event, Lost, Take
from ...shared.errors import PlacidError
from ...shared.motion.audit import Audit
from ...shared.protocol.messages import AuditMotion, Error
from .action_motion import ActionMotion, unready


@dataclass(frozen=True)
class _Look:
    """Whose action is looked at; by number, as references die with every undo."""

    job: int
    scene: int
    armature: int
    action: int
    read: ActionMotion


_look: _Look | None = None


def is_looking() -> bool:
    """Whether an answer is waited for."""
    return _look is not None


class PLACID_OT_look_for_strikes(Operator, bpy.types.Operator):
    """Look for kicks, punches, boxing and swings in the action that the character plays, whoever \
made it; nothing is changed"""

    bl_idname = "placid.look_for_strikes"
    bl_label = "Look for Strikes"

    @classmethod
    def disabled_reason(cls, context):
        return "The action is being looked at" if is_looking() else unready(context)

    def run(self, context):
        global _look
        scene, armature = context.scene, characters.target(context)
        read = ActionMotion.read(scene, armature)
        current = runtime.get()
        current.notice = None
        job = current.session.submit(AuditMotion(), read.motion)
        action = armature.animation_data.action
        _look = _Look(job, scene.session_uid, armature.session_uid, action.session_uid, read)
        current.listeners.append(_hear)
        current.watch()


def _hear(event: Event) -> None:
    look = _look
    match event:
        case Take(job=job) if look is not None and job == look.job:
            _forget()
            assert event.motion.audit is not None, "the backend has looked"
            _fill(look, event.motion.audit)
        case Error(job=job) if look is not None and job == look.job:
            _forget()
            runtime.get().notice = PlacidError(event.code, event.message, event.details)
        case Lost(jobs=jobs) if look is not None and look.job in jobs:
            _forget()


def _forget() -> None:
    global _look
    _look = None
    runtime.get().listeners.remove(_hear)


def _fill(look: _Look, audit: Audit) -> None:
    scene = _by_uid(bpy.data.scenes, look.scene)
    if scene is None:
        return
    found = scene.placid_found
    found.armature = _by_uid(bpy.data.objects, look.armature)
    found.action = _by_uid(bpy.data.actions, look.action)
    found.strikes.clear()
    for strike in audit.strikes:
        row = found.strikes.add()
        doubt = "Possibly " if strike.certainty == "possible" else ""
        row.what = doubt + " ".join(filter(None, (strike.side, strike.strike)))
        row.first = look.read.frame(strike.start)
        row.last = look.read.frame(strike.end - 1)
    runtime.redraw()


def _by_uid(blocks, uid: int):
    return next((block for block in blocks if block.session_uid == uid), None)


CLASSES = (PLACID_OT_look_for_strikes,)
