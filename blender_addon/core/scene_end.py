"""The scene's end frame follows the takes, so that what plays is neither cut off nor trailed by
frames in which nothing moves.

While a take is previewed, the end is on loan: a rejected take gives it back as it was, an accepted
one keeps it, and an end that the user sets meanwhile is the user's.
"""

import math

import bpy

# The range that Blender gives a new scene; whoever leaves it so has not chosen any.
_UNTOUCHED = (1, 250)
# Keys at a rate of their own lie between frames; rounding must not add a frame.
_TOLERANCE = 1e-3


def extend(scene: bpy.types.Scene, action: bpy.types.Action) -> None:
    """Let the scene reach to the last key of a take's action.

    The untouched range of a new scene ends there, unless something else is animated; every other
    range is only extended.
    """
    settings = scene.placid
    last = math.ceil(action.frame_range[1] - _TOLERANCE)
    end = settings.own_end if _is_lent(scene) else scene.frame_end
    fits = (scene.frame_start, end) == _UNTOUCHED and _plays_takes_only(scene)
    settings.own_end, settings.lent_end = end, last if fits else max(end, last)
    scene.frame_end = settings.lent_end


def keep(scene: bpy.types.Scene) -> None:
    """The end stays where it is."""
    scene.placid.lent_end = 0


def restore(scene: bpy.types.Scene) -> None:
    """The end is again what it was before the take."""
    if _is_lent(scene):
        scene.frame_end = scene.placid.own_end
    keep(scene)


def _is_lent(scene: bpy.types.Scene) -> bool:
    """Whether the end is the one that a preview set, and nobody has changed it since."""
    return scene.placid.lent_end != 0 and scene.frame_end == scene.placid.lent_end


def _plays_takes_only(scene: bpy.types.Scene) -> bool:
    """Whether the scene has nothing that takes time but takes that nobody has accepted yet."""
    takes = scene.placid.takes
    if any(take.status == "ACCEPTED" for take in takes) or _has_strips(scene.sequence_editor):
        return False
    return set(bpy.data.actions) <= {take.action for take in takes}


def _has_strips(editor: bpy.types.SequenceEditor | None) -> bool:
    """Whether sounds or films are cut; Blender 5 has only the newer name for them."""
    if editor is None:
        return False
    return bool(editor.strips_all if hasattr(editor, "strips_all") else editor.sequences_all)
