"""Whether an armature can be given an action now, and what to do when it cannot."""

import bpy

from ..shared.errors import PlacidError
from .evaluated_pose import check_posed


def check_editable(armature: bpy.types.Object) -> None:
    """Raises PlacidError with the remedy when an armature cannot be given an action now.

    `linked` for one of another file, `tweaked` while an NLA strip of its is edited, `not_posed` in
    Edit Mode and in Rest Position.
    """
    check_own(armature)
    check_untweaked(armature)
    check_posed(armature)


def check_untweaked(armature: bpy.types.Object) -> None:
    """Raises PlacidError `tweaked` while a strip of an armature's is edited."""
    data = armature.animation_data
    if data is not None and data.use_tweak_mode:
        raise PlacidError(
            "tweaked",
            f"an NLA strip of {armature.name} is being edited, which locks its action; press Tab "
            "in the NLA editor to leave the strip",
        )


def check_own(armature: bpy.types.Object) -> None:
    """Raises PlacidError `linked` when what is changed on an armature is not saved here."""
    override = armature.override_library
    if armature.library is not None or (override is not None and override.is_system_override):
        raise PlacidError(
            "linked",
            f"{armature.name} is linked from another file and cannot be changed here; choose "
            "Object > Library Override > Make for it first",
        )
