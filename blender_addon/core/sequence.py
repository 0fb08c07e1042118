"""A character's NLA sequence: takes as strips, one strip a take."""

import contextlib
from collections.abc import Iterator

import bpy

from ..retargeting.animation_state import play
from ..retargeting.slots import slot_of, strips_of
from ..shared.errors import PlacidError


def is_pushed(take) -> bool:
    """Whether a strip of the take's armature plays the take."""
    return take.action is not None and bool(_strips(take))


def first_frame(take) -> float:
    """The scene's frame in which a take begins: its action's, or that of its strip."""
    strips = _strips(take)
    return strips[0].frame_start if strips else take.action.frame_range[0]


def check_used(armature: bpy.types.Object) -> None:
    """Raises PlacidError `nla_off` when an armature's NLA does not play."""
    data = armature.animation_data
    if data is not None and not data.use_nla:
        raise PlacidError(
            "nla_off",
            f"the NLA of {armature.name} is switched off; tick the box beside its name in the NLA "
            "editor first",
        )


def check_removable(armature: bpy.types.Object, action: bpy.types.Action) -> None:
    """Raises PlacidError `grouped` when a strip that plays the action is within a meta strip."""
    data = armature.animation_data
    tracks = data.nla_tracks if data is not None else ()
    loose = [s for track in tracks for s in track.strips if s.action == action]
    if len(loose) < len(strips_of(data, action)):
        raise PlacidError(
            "grouped",
            f"a meta strip of {armature.name} holds the take; ungroup it first (Remove Meta Strips "
            "in the NLA editor's menu Strip)",
        )


def last_frame(armature: bpy.types.Object) -> float | None:
    """The scene's frame in which the last strip of an armature ends; None where none plays."""
    data = armature.animation_data
    tracks = [track for track in data.nla_tracks if not track.mute] if data is not None else ()
    return max((s.frame_end for t in tracks for s in t.strips if not s.mute), default=None)


def add_strip(armature: bpy.types.Object, name: str) -> bpy.types.NlaTrack:
    """Let a new track play the action that the armature plays now; returns the track."""
    data = armature.animation_data
    action, slot = data.action, data.action_slot
    track = data.nla_tracks.new()
    try:
        track.name = name
        strip = track.strips.new(name, round(action.frame_range[0]), action)
        strip.action_slot = slot
        # Blender 5 makes strips without influence; those that hold backwards freeze earlier ones.
        strip.influence = 1.0
        strip.extrapolation = "HOLD_FORWARD"
        strip.blend_type = data.action_blend_type
    except BaseException:
        data.nla_tracks.remove(track)
        raise
    play(armature, None)
    return track


@contextlib.contextmanager
def beneath(armature: bpy.types.Object, action: bpy.types.Action | None) -> Iterator[None]:
    """In the block only those tracks play that lie beneath the strips of an action."""
    data = armature.animation_data
    tracks = list(data.nla_tracks) if data is not None and action is not None else []
    own = [bool(set(track.strips) & set(strips_of(data, action))) for track in tracks]
    covered = tracks[own.index(True) :] if any(own) else []
    muted = [track.mute for track in covered]
    try:
        for track in covered:
            track.mute = True
        yield
    finally:
        for track, was_muted in zip(covered, muted, strict=True):
            track.mute = was_muted


def exchange(armature: bpy.types.Object, old: bpy.types.Action, new: bpy.types.Action) -> None:
    """Let the strips that play an action play another one, from the same frame on."""
    slot = slot_of(new, armature)
    for strip in strips_of(armature.animation_data, old):
        start = strip.frame_start
        strip.action = new
        strip.action_slot = slot
        strip.action_frame_start, strip.action_frame_end = new.frame_range
        strip.frame_start_ui = start


def remove_strips(armature: bpy.types.Object, action: bpy.types.Action) -> None:
    """Remove the strips that play an action, and the tracks that are empty then."""
    tracks = armature.animation_data.nla_tracks
    for track in list(tracks):
        mine = [strip for strip in track.strips if strip.action == action]
        for strip in mine:
            track.strips.remove(strip)
        if mine and not track.strips:
            tracks.remove(track)


def plays_anything(armature: bpy.types.Object) -> bool:
    """Whether an armature has an action or a strip left."""
    data = armature.animation_data
    return data.action is not None or any(track.strips for track in data.nla_tracks)


def _strips(take) -> list[bpy.types.NlaStrip]:
    return strips_of(take.armature.animation_data, take.action) if take.armature else []
