"""Load Motion: a motion's file, such as a batch writes, becomes a take."""

from pathlib import Path

import bpy
from bpy.props import StringProperty
from bpy_extras.io_utils import ImportHelper

from ...core import takes
from ...core.operator_base import Operator
from ...shared.motion.bvh import load_bvh
from ...shared.motion.motion import load_motion
from ...shared.motion.safety import MIXED, UNKNOWN, label_of
from ...shared.protocol.messages import Generate
from ..generate.operators import target_or_new


class PLACID_OT_load_motion(Operator, ImportHelper, bpy.types.Operator):
    """Add a motion that Placid wrote (npz or BVH) to the takes of the chosen character"""

    bl_idname = "placid.load_motion"
    bl_label = "Load Motion"
    bl_options = {"REGISTER", "UNDO"}
    filter_glob: StringProperty(default="*.npz;*.bvh", options={"HIDDEN"})

    def run(self, context):
        path = Path(bpy.path.abspath(self.filepath))
        motion = load_bvh(path) if path.suffix.lower() == ".bvh" else load_motion(path)
        label = label_of(motion.provenance)
        request = Generate(
            prompt=motion.prompt or path.stem,
            safety=None if label.safety in (UNKNOWN, MIXED) else label.safety,
            concepts=label.concepts or Generate("").concepts,
        )
        takes.add_take(context.scene, target_or_new(context), request, motion)
        # The index shows the take by its update callback.
        context.scene.placid.take_index = len(context.scene.placid.takes) - 1


CLASSES = (PLACID_OT_load_motion,)
