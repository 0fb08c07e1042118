"""Reduce Keys: the chosen take's keys, as few as the bounds of the panel Motion allow."""

import time

import bpy

from ...core import takes
from ...core.hand_edits import is_edited, note_baked
from ...core.motion_settings import key_bounds
from ...retargeting.bone_mapping import mapping_of
from ...retargeting.editable import check_editable
from ...retargeting.reduce_keys import reduction_steps
from ...rig.read_rig import read_rig
from ...shared.errors import PlacidError
from .take_actions import TakeVerb

_TICK_SECONDS = 0.01
# So long one tick works, so that Blender goes on drawing.
_WORK_SECONDS = 0.02


class PLACID_OT_reduce_keys(TakeVerb, bpy.types.Operator):
    """Replace the keyframes of the chosen take by few with Bezier handles, which follow the same
    movement within the bounds of the panel Motion"""

    bl_idname = "placid.reduce_keys"
    bl_label = "Reduce Keys"

    @classmethod
    def disabled_reason(cls, context):
        take = takes.active(context.scene)
        if take is not None and take.action is None:
            return "The take has no keys yet; Preview makes them"
        return super().disabled_reason(context)

    def run(self, context):
        for _ in self._steps(context):
            pass

    def invoke(self, context, event):
        """In a window the work is done between Blender's own; Esc gives it up."""
        if context.window is None:
            return self.execute(context)
        self._work = self._steps(context)
        self._timer = context.window_manager.event_timer_add(_TICK_SECONDS, window=context.window)
        context.window_manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def modal(self, context, event):
        # Other events wait: nothing else may change the action meanwhile, undo least of all.
        if event.type == "ESC":
            return self._end(context, {"CANCELLED"})
        if event.type != "TIMER":
            return {"RUNNING_MODAL"}
        self._over = False
        outcome = self.attempt(self._tick)
        going_on = outcome == {"FINISHED"} and not self._over
        return {"RUNNING_MODAL"} if going_on else self._end(context, outcome)

    def _tick(self) -> None:
        until = time.perf_counter() + _WORK_SECONDS
        while time.perf_counter() < until:
            if next(self._work, self) is self:
                self._over = True
                return

    def _end(self, context, outcome):
        context.window_manager.event_timer_remove(self._timer)
        self._work.close()
        return outcome

    def _steps(self, context):
        scene, take = context.scene, takes.active(context.scene)
        armature, action = takes.armature_of(take), take.action
        check_editable(armature)
        if action.library is not None:
            raise PlacidError(
                "linked", f"{action.name} is linked from another file; make it local first"
            )
        mapping = mapping_of(armature, read_rig(armature))
        edited = is_edited(take)
        share = yield from reduction_steps(scene, armature, action, mapping, key_bounds(scene))
        if not edited:
            note_baked(take)
        self.report({"INFO"}, f"{take.name}: {100.0 * share:.0f} % of the keys are left")


CLASSES = (PLACID_OT_reduce_keys,)
