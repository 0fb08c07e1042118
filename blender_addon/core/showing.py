"""What a character plays while takes are looked at, and how it is given back what it played before.

A take that nobody has accepted is only shown: behind it stands what the armature played before,
which comes back when the take goes.
"""

import contextlib
from collections.abc import Iterator

import bpy

from ..retargeting.animation_state import (
    AnimationState,
    capture,
    decode_pose,
    encode_pose,
    play,
    return_to,
    without_leftovers,
)
from ..retargeting.editable import check_untweaked
from ..retargeting.slots import playing
from ..shared.errors import PlacidError
from . import scene_end, sequence
from .hand_edits import is_edited


def behind(armature: bpy.types.Object, shown) -> AnimationState:
    """What an armature plays, looking behind `shown` and takes that nobody has accepted yet."""
    action, _ = playing(armature)
    present = capture(armature)
    for take in all_takes():
        shows = action is not None and take.action == action
        if shows and (take == shown or take.status != "ACCEPTED"):
            pose = decode_pose(take.before_pose) or present.pose
            return AnimationState(take.before, take.before_slot, pose)
    return present


def remember(take, state: AnimationState) -> None:
    """Note what the take's armature played before it."""
    take.before, take.before_slot = state.action, state.slot
    take.before_pose = encode_pose(state.pose)


def uncover(armature: bpy.types.Object, state: AnimationState) -> None:
    """Let an armature play its NLA sequence, with no take before it."""
    if state.action is not None and any(take.action == state.action for take in all_takes()):
        play(armature, None)
    elif playing(armature)[0] != state.action:
        return_to(armature, state)


def put_away_rejected(scene: bpy.types.Scene, shown) -> None:
    """Take rejected takes off their characters; they were shown only while they were chosen.

    Those that are locked now go the next time.
    """
    for take in scene.placid.takes:
        if take.status == "REJECTED" and take != shown:
            with contextlib.suppress(PlacidError):
                put_away(scene, take)


def put_away(scene: bpy.types.Scene, take) -> bpy.types.Action | None:
    """Take a take's action off its armature and out of the file; returns it where it was edited."""
    action, armature = take.action, take.armature
    if action is None:
        return None
    if armature is not None:
        check_untweaked(armature)
        sequence.check_removable(armature, action)
    kept = action if is_edited(take) else None
    shown = armature is not None and plays(armature, action)
    state = behind(armature, take) if shown else None
    if armature is not None and sequence.is_pushed(take):
        with without_leftovers(armature, action):
            sequence.remove_strips(armature, action)
        if not sequence.plays_anything(armature):
            # As if it had never been pushed.
            pose = decode_pose(take.before_pose) or capture(armature).pose
            state = AnimationState(take.before, take.before_slot, pose)
    if state is not None:
        return_to(armature, state)
        scene_end.restore(scene)
    take.action = None
    pass_on(action, take.before, take.before_slot, take.before_pose)
    drop(action, kept is not None)
    return kept


def pass_on(gone: bpy.types.Action, action: bpy.types.Action | None, slot: int, pose: str) -> None:
    """What stands behind a take that goes, stands behind the takes that were shown after it."""
    for take in all_takes():
        if take.before == gone:
            take.before, take.before_slot, take.before_pose = action, slot, pose


def drop(action: bpy.types.Action | None, edited: bool) -> None:
    """Remove an action that nothing plays any more, unless it holds a person's work."""
    if action is None:
        return
    action.use_fake_user = edited
    if action.users == 0:
        bpy.data.actions.remove(action)


def plays(armature: bpy.types.Object, action: bpy.types.Action) -> bool:
    return playing(armature)[0] == action


def all_takes() -> Iterator:
    """The takes of all scenes: an armature may be in several."""
    for scene in bpy.data.scenes:
        yield from scene.placid.takes


def back_to_sequence(scene: bpy.types.Scene, armature: bpy.types.Object) -> None:
    """Take off the take that covers an armature's NLA sequence. Raises PlacidError."""
    check_untweaked(armature)
    uncover(armature, behind(armature, None))
    scene_end.restore(scene)


def covered_by(armature: bpy.types.Object):
    """The take that covers an armature's NLA sequence, or None."""
    data = armature.animation_data
    if data is None or data.action is None or not any(t.strips for t in data.nla_tracks):
        return None
    return next((take for take in all_takes() if take.action == data.action), None)
