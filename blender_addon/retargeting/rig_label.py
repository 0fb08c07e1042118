"""What the panel says about the chosen character; cheap enough to be asked at every redraw."""

import bpy

from ..rig.read_rig import read_rig
from ..shared.recognition.mapping import MappingError
from ..shared.recognition.skeleton_rig import RigError
from .bone_mapping import mapping_of

# Recognising a rig takes milliseconds: the last answer is kept for as long as its bones are.
_last: tuple[int, str, str] = (0, "", "")


def rig_label(armature: bpy.types.Object | None) -> str:
    """The character and its recognised rig in a few words."""
    if armature is None:
        return "Placid's own character will be added"
    return _recognised(armature)[0]


def rig_problem(armature: bpy.types.Object) -> str:
    """Why a rig cannot be animated, with a remedy; empty when it can."""
    return _recognised(armature)[1]


def _recognised(armature: bpy.types.Object) -> tuple[str, str]:
    """Label and problem."""
    global _last
    chosen = [(row.joint, row.bone) for row in armature.placid_mapping.rows]
    key = hash((armature.name, *armature.data.bones.keys(), *chosen))
    if key != _last[0]:
        _last = (key, *_recognise(armature))
    return _last[1:]


def _recognise(armature: bpy.types.Object) -> tuple[str, str]:
    try:
        return f"{armature.name}: {mapping_of(armature, read_rig(armature)).name}", ""
    except RigError as error:
        return f"{armature.name}: not recognised", error.message
    except MappingError as error:
        return f"{armature.name}: bone mapping incomplete", error.message
