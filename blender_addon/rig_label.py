"""What the panel says about the chosen character; cheap enough to be asked at every redraw."""

import bpy


def rig_label(armature: bpy.types.Object | None) -> str:
    """The character and its recognised rig in a few words."""
    if armature is None:
        return "Placid's own character will be added"
    return f"{armature.name}: {len(armature.data.bones)} bones"
