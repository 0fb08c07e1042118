"""Whether a take's action is still as it was baked, or holds work that a person did."""

import hashlib

import bpy
import numpy as np


def note_baked(take) -> None:
    """Remember the take's action as it is now."""
    take.baked = fingerprint(take.action)


def is_edited(take) -> bool:
    """Whether the take's action was changed after it was baked."""
    return take.action is not None and take.baked != fingerprint(take.action)


def fingerprint(action: bpy.types.Action) -> str:
    """A short text that differs whenever the curves of an action differ."""
    digest = hashlib.blake2b(digest_size=16)
    for layer in action.layers:
        for strip in layer.strips:
            for bag in strip.channelbags:
                for curve in bag.fcurves:
                    _add(digest, curve)
    return digest.hexdigest()


def _add(digest, curve: bpy.types.FCurve) -> None:
    points = curve.keyframe_points
    places = np.empty(2 * len(points), dtype=np.float32)
    kinds = np.empty(len(points), dtype=np.int32)
    points.foreach_get("co", places)
    points.foreach_get("interpolation", kinds)
    modifiers = [modifier.type for modifier in curve.modifiers]
    head = (curve.data_path, curve.array_index, curve.extrapolation, curve.mute, modifiers)
    digest.update(repr(head).encode())
    digest.update(places.tobytes())
    digest.update(kinds.tobytes())
    if (kinds == _BEZIER).any():
        for side in ("handle_left", "handle_right"):
            points.foreach_get(side, places)
            digest.update(places.tobytes())


_BEZIER = bpy.types.Keyframe.bl_rna.properties["interpolation"].enum_items["BEZIER"].value
