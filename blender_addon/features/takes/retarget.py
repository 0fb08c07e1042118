"""Retarget: bake the chosen take anew, on the chosen character and with the present settings."""

import bpy

from ...core import takes
from ..generate.operators import target_or_new
from .take_actions import TakeVerb


class PLACID_OT_retarget(TakeVerb, bpy.types.Operator):
    """Bake the chosen take again on the chosen character, with the settings above"""

    bl_idname = "placid.retarget"
    bl_label = "Retarget Take"

    def run(self, context):
        take = takes.active(context.scene)
        takes.retarget(context.scene, take, target_or_new(context))
        self.report({"INFO"}, take.report)


CLASSES = (PLACID_OT_retarget,)
