"""Takes live in the .blend: the motion itself, what made it, and the action baked from it.

A take is baked when it is first shown, so that ten arriving takes cost Blender nothing.
"""

import logging
from collections.abc import Sequence

import bpy
import msgspec

from ..retargeting.apply_motion import apply_motion
from ..retargeting.bake import assign_action, fcurves_of
from ..rig.mapping import MappingError
from ..rig.skeleton_rig import RigError
from ..shared.errors import PlacidError
from ..shared.motion.motion import Motion, MotionError, decode_motion, encode_motion
from ..shared.protocol.messages import Request
from . import audits, scene_end
from .motion_settings import apply_options, in_place_of

log = logging.getLogger(__name__)

NAME_CHARACTERS = 40


def unpack_motion(data: bytes) -> Motion:
    """The motion that a take keeps. Raises PlacidError `damaged_take`."""
    try:
        return decode_motion(data)
    except MotionError as error:
        raise PlacidError(
            "damaged_take", "the take's motion is damaged; delete the take and generate again"
        ) from error


def request_of(take) -> Request:
    """What the take was made from. Raises PlacidError `damaged_take`."""
    try:
        return msgspec.json.decode(take.request, type=Request)
    except msgspec.MsgspecError as error:
        raise PlacidError(
            "damaged_take",
            "the take does not say how it was made; generate anew from its prompt",
        ) from error


def add_take(
    scene: bpy.types.Scene,
    armature: bpy.types.Object | None,
    request: Request,
    motion: Motion,
):
    """Append a take to the scene's list, unseen, and return it."""
    settings = scene.placid
    take = settings.takes.add()
    take.name = _name(request.prompt, [other.name for other in settings.takes[:-1]])
    take.prompt = request.prompt
    take.seed = motion.seed or 0
    take.request = msgspec.json.encode(request).decode()
    take.safety = request.safety or str(motion.provenance.get("safety", ""))
    take.concepts = ", ".join(request.concepts)
    take.changes = "\n".join(motion.provenance.get("changes", ()))
    audits.keep(take, motion)
    take.seconds = motion.seconds
    take.armature = armature
    take.motion = encode_motion(motion)
    return take


def show(scene: bpy.types.Scene, take) -> None:
    """Let the take's armature play it, baking it when that has not been done yet.

    The scene's end frame follows. A rejected take stays rejected, and is put away again when
    another one is shown.

    Raises:
        PlacidError: the armature is gone, or cannot play the motion.
    """
    _put_away_rejected(scene, take)
    armature = armature_of(take)
    playing = armature.animation_data.action if armature.animation_data else None
    before = _settled_action(scene, playing)
    if take.action is None or before not in (None, take.action):
        take.before = before
    if take.action is not None:
        assign_action(armature, take.action)
    else:
        _bake(scene, take, armature, playing)
    scene_end.extend(scene, take.action)
    if take.status == "ACCEPTED":
        scene_end.keep(scene)


def preview(scene: bpy.types.Scene, take) -> None:
    """Show a take; one that was rejected is open to judgement again."""
    show(scene, take)
    if take.status == "REJECTED":
        take.status = "NEW"


def retarget(scene: bpy.types.Scene, take, armature: bpy.types.Object) -> None:
    """Bake the take anew on an armature, with the scene's present settings.

    Raises:
        PlacidError: the armature cannot play the motion; the take is left without an action.
    """
    _drop_action(scene, take)
    take.armature = armature
    show(scene, take)
    if take.status == "ACCEPTED":
        take.action.use_fake_user = True
    else:
        take.status = "NEW"


def withdraw(scene: bpy.types.Scene, take) -> None:
    """Let the take's armature play again what it played before; the take's action stays."""
    armature, action = take.armature, take.action
    data = armature.animation_data if armature is not None else None
    if data is not None and action is not None and data.action == action:
        _play_only(armature, take.before)
        scene_end.restore(scene)


def accept(scene: bpy.types.Scene, take) -> None:
    """Keep the take: its action stays in the file even when nothing plays it."""
    show(scene, take)
    take.action.use_fake_user = True
    take.status = "ACCEPTED"
    scene_end.keep(scene)


def reject(scene: bpy.types.Scene, take) -> None:
    """Drop the take's action and give the armature back what it played before."""
    _drop_action(scene, take)
    take.status = "REJECTED"


def delete(scene: bpy.types.Scene, index: int) -> None:
    """Remove a take from the list. An accepted take's action stays in the file."""
    settings = scene.placid
    take = settings.takes[index]
    if take.status != "ACCEPTED":
        _drop_action(scene, take)
    settings.takes.remove(index)
    # The highlighted take is the one that plays: the neighbour takes over.
    settings.take_index = max(0, min(index, len(settings.takes) - 1))


def push_to_nla(scene: bpy.types.Scene, take) -> None:
    """Move the take from the armature's active action to a strip of its own NLA track."""
    accept(scene, take)
    armature = armature_of(take)
    data = armature.animation_data
    track = data.nla_tracks.new()
    track.name = take.name
    strip = track.strips.new(take.name, round(take.action.frame_range[0]), take.action)
    if hasattr(strip, "action_slot"):
        strip.action_slot = data.action_slot
    # Blender 5 makes strips without influence.
    strip.influence = 1.0
    data.action = None


def active(scene: bpy.types.Scene):
    """The take chosen in the list, or None."""
    settings = scene.placid
    if 0 <= settings.take_index < len(settings.takes):
        return settings.takes[settings.take_index]
    return None


def armature_of(take) -> bpy.types.Object:
    """Who plays the take. Raises PlacidError `no_armature` when it was deleted."""
    armature = take.armature
    if armature is None or not armature.users_scene:
        raise PlacidError(
            "no_armature",
            f"the character of the take {take.name!r} was deleted; choose one and retarget",
        )
    return armature


def target(context: bpy.types.Context) -> bpy.types.Object | None:
    """The chosen armature, else the active one, else the one of the active mesh, else None."""
    chosen = context.scene.placid.armature
    if chosen is not None and chosen.name in context.scene.objects:
        return chosen
    candidate = context.view_layer.objects.active
    if candidate is not None and candidate.type != "ARMATURE":
        candidate = candidate.find_armature()
    return candidate


def _bake(scene: bpy.types.Scene, take, armature: bpy.types.Object, playing) -> None:
    """Give the take its action; the armature plays `playing` again when that fails."""
    _play_only(armature, take.before)
    try:
        options = apply_options(scene, take.name)
        if take.placed:
            options = in_place_of(options, take.place)
        report = apply_motion(scene, armature, unpack_motion(take.motion), options)
    except (RigError, MappingError) as error:
        _play_only(armature, playing)
        raise PlacidError("unknown_rig", str(error)) from error
    take.action = report.action
    take.report = report.sentence


def _settled_action(scene: bpy.types.Scene, playing) -> bpy.types.Action | None:
    """What an armature plays, looking behind takes that nobody has accepted yet."""
    for take in scene.placid.takes:
        if playing is not None and take.action == playing and take.status != "ACCEPTED":
            return take.before
    return playing


def _play_only(armature: bpy.types.Object, action: bpy.types.Action | None) -> None:
    """Let an armature play an action, or rest when there is none but it played one."""
    data = armature.animation_data
    playing = data.action if data is not None else None
    if action is not None:
        assign_action(armature, action)
    elif playing is not None:
        _clear_pose(armature, playing)
        data.action = None


def _put_away_rejected(scene: bpy.types.Scene, shown) -> None:
    """Take rejected takes off their characters; they were shown only while they were chosen."""
    for take in scene.placid.takes:
        if take.status == "REJECTED" and take != shown:
            _drop_action(scene, take)


def _drop_action(scene: bpy.types.Scene, take) -> None:
    action, armature = take.action, take.armature
    if action is None:
        return
    scene_end.restore(scene)
    data = armature.animation_data if armature is not None else None
    if data is not None:
        for track in list(data.nla_tracks):
            if any(strip.action == action for strip in track.strips):
                data.nla_tracks.remove(track)
        if data.action == action:
            _play_only(armature, take.before)
    take.action = None
    action.use_fake_user = False
    if action.users == 0:
        bpy.data.actions.remove(action)


def _clear_pose(armature: bpy.types.Object, action: bpy.types.Action) -> None:
    """Back to the rest pose, for the bones that the action moved."""
    moved = {curve.data_path.split('"')[1] for curve in fcurves_of(action, armature)}
    for bone in armature.pose.bones:
        if bone.name in moved:
            bone.matrix_basis.identity()


def _name(prompt: str, taken: Sequence[str]) -> str:
    base = prompt.strip()
    if len(base) > NAME_CHARACTERS:
        base = base[:NAME_CHARACTERS].rsplit(" ", 1)[0] + "…"
    name, number = base, 1
    while name in taken:
        number += 1
        name = f"{base} {number}"
    return name
