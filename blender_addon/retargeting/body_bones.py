"""Which bones show where a body is: on a rig of controls, the bones that carry the skin.

A control says what an animator asked for; the bone that follows it through constraints says what
the rig made of it, by whichever of several controls it was moved.
"""

import bpy

from ..shared.recognition.mapping import Mapping

# Of the length of a control; its follower rests at the same place.
_NEAR = 0.02


def body_bones(armature: bpy.types.Object, mapping: Mapping) -> dict[str, str]:
    """By mapped bone, the deforming bone that rests where it does, else the mapped bone."""
    bones = armature.data.bones
    skin = [bone for bone in bones if bone.use_deform]
    return {name: _follower(bones[name], skin) for name in mapping.all_bones() if name in bones}


def way_bones(armature: bpy.types.Object, mapping: Mapping) -> set[str]:
    """The bones that may carry a body through the scene and are none of it: the root bone and
    whatever else the pelvis hangs on."""
    pelvis = armature.data.bones[mapping.bones["pelvis"]]
    root = set() if mapping.root is None else {mapping.root}
    return root | {bone.name for bone in pelvis.parent_recursive}


def _follower(control: bpy.types.Bone, skin: list[bpy.types.Bone]) -> str:
    if control.use_deform:
        return control.name
    reach = _NEAR * control.length
    near = [bone for bone in skin if (bone.head_local - control.head_local).length < reach]
    if not near:
        return control.name
    along = control.tail_local - control.head_local
    return min(near, key=lambda bone: (bone.tail_local - bone.head_local).angle(along, 0.0)).name
