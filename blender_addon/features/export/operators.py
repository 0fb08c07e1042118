"""Export: what the character plays, as a file for other programs."""

from collections.abc import Callable
from pathlib import Path

import bpy
from bpy.props import StringProperty
from bpy_extras.io_utils import ExportHelper

from ...core import characters
from ...core.operator_base import Operator
from ...retargeting import export
from ...retargeting.provenance import AUDIT_KEY
from ...shared.motion.audit import ANSWERS


class ExportVerb(Operator, ExportHelper):
    """Base of the exports: they name the function that writes the file."""

    write: Callable[[bpy.types.Context, bpy.types.Object, Path], str]

    @classmethod
    def disabled_reason(cls, context):
        armature = characters.target(context)
        if armature is None:
            return "Select a character first"
        if armature.animation_data is None or armature.animation_data.action is None:
            return "The character plays no action; accept a take first"
        return ""

    def run(self, context):
        path = Path(bpy.path.abspath(self.filepath))
        armature = characters.target(context)
        left_out = type(self).write(context, armature, path)
        # BVH has no place for it, and who reads the others may not look.
        audit = armature.animation_data.action.get(AUDIT_KEY, "")
        told = " ".join(filter(None, (f"Written: {path}", left_out, audit and f"Audit: {audit}")))
        strikes = bool(audit) and audit != ANSWERS["none"]
        self.report({"WARNING" if left_out or strikes else "INFO"}, told)


class PLACID_OT_export_bvh(ExportVerb, bpy.types.Operator):
    """Write the character's action as BVH, for motion tools"""

    bl_idname = "placid.export_bvh"
    bl_label = "BVH"
    filename_ext = ".bvh"
    filter_glob: StringProperty(default="*.bvh", options={"HIDDEN"})
    write = export.export_bvh


class PLACID_OT_export_glb(ExportVerb, bpy.types.Operator):
    """Write character and action as binary glTF, for engines and the web"""

    bl_idname = "placid.export_glb"
    bl_label = "GLB"
    filename_ext = ".glb"
    filter_glob: StringProperty(default="*.glb", options={"HIDDEN"})
    write = export.export_glb


class PLACID_OT_export_fbx(ExportVerb, bpy.types.Operator):
    """Write character and action as FBX, for engines and other 3D programs"""

    bl_idname = "placid.export_fbx"
    bl_label = "FBX"
    filename_ext = ".fbx"
    filter_glob: StringProperty(default="*.fbx", options={"HIDDEN"})
    write = export.export_fbx


class PLACID_OT_export_smplx(ExportVerb, bpy.types.Operator):
    """Write the action as SMPL-X parameters with AMASS's keys, for research tools"""

    bl_idname = "placid.export_smplx"
    bl_label = "SMPL-X"
    filename_ext = ".npz"
    filter_glob: StringProperty(default="*.npz", options={"HIDDEN"})
    write = export.export_smplx


CLASSES = (
    PLACID_OT_export_bvh,
    PLACID_OT_export_glb,
    PLACID_OT_export_fbx,
    PLACID_OT_export_smplx,
)
