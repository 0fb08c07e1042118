"""Push to NLA: keep a take as a strip that can be moved, blended and repeated."""

import bpy

from ...core import takes
from .take_actions import TakeVerb


class PLACID_OT_push_to_nla(TakeVerb, bpy.types.Operator):
    """Accept the take and put it as a strip on a new NLA track of its character"""

    bl_idname = "placid.push_to_nla"
    bl_label = "Push to NLA"

    def run(self, context):
        takes.push_to_nla(context.scene, takes.active(context.scene))


CLASSES = (PLACID_OT_push_to_nla,)
