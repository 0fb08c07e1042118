"""Retarget: bake the chosen take anew, on the chosen character and with the present settings."""

import bpy

from ...core import takes
from ...core.hand_edits import is_edited
from ..generate.operators import target_or_new
from .take_actions import EDITED, TakeVerb


class PLACID_OT_retarget(TakeVerb, bpy.types.Operator):
    """Bake the chosen take again on the chosen character, with the settings above"""

    bl_idname = "placid.retarget"
    bl_label = "Retarget Take"

    def question(self, take):
        return EDITED if is_edited(take) else ""

    def run(self, context):
        take = takes.active(context.scene)
        kept = takes.retarget(context.scene, take, target_or_new(context))
        self.report({"INFO"}, take.report)
        self.tell_kept(kept)


CLASSES = (PLACID_OT_retarget,)
