"""Make Safe: the strikes that were found are taken out of the action, as a new take."""

import bpy

from ...core import runtime
from ...core.operator_base import Operator
from ...retargeting.slots import playing
from ...shared.errors import PlacidError
from ...shared.protocol.messages import RepairMotion
from ...shared.protocol.requests import MAX_RANGES
from ...shared.safety_choice import OFF
from ..generate.operators import new_seed, settings_of
from .action_motion import ActionMotion, unready


class PLACID_OT_make_safe(Operator, bpy.types.Operator):
    """Make the ticked frames anew, as a new take whose other frames are as they were; the action \
itself stays untouched"""

    bl_idname = "placid.make_safe"
    bl_label = "Make Safe"

    @classmethod
    def disabled_reason(cls, context):
        found = context.scene.placid_found
        if found.action is None or found.armature is None:
            return "Look for strikes first"
        if not any(row.take_out for row in found.strikes):
            return "Nothing is ticked"
        if playing(found.armature)[0] != found.action:
            return "The character plays another action now; look for strikes again"
        return unready(context)

    def run(self, context):
        scene, found = context.scene, context.scene.placid_found
        armature, action = found.armature, found.action
        read = ActionMotion.read(scene, armature)
        new_seed(scene.placid)
        settings = settings_of(scene.placid) | {"takes": 1}
        if settings["safety"] == OFF:
            # What takes strikes out must not put any in.
            settings["safety"] = None
        request = RepairMotion(frames=_ranges(found, read), **settings)
        runtime.get().generate(
            scene, request, lambda: armature, read.motion, place=read.first, original=action
        )


def _ranges(found, read: ActionMotion) -> tuple[tuple[int, int], ...]:
    """The ticked strikes in the motion's frames; none where all are ticked.

    Raises:
        PlacidError: `bad_request` for more than can be told one by one.
    """
    if all(row.take_out for row in found.strikes):
        return ()
    spans = sorted(read.span(row.first, row.last) for row in found.strikes if row.take_out)
    joined: list[tuple[int, int]] = []
    for start, end in spans:
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    if len(joined) > MAX_RANGES:
        raise PlacidError(
            "bad_request",
            f"{len(joined)} places are ticked; tick all, or at most {MAX_RANGES} at a time",
        )
    return tuple(joined)


CLASSES = (PLACID_OT_make_safe,)
