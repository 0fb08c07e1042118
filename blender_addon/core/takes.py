"""Takes live in the .blend: the motion itself, what made it, and the action baked from it.

A take is baked when it is first shown, so that ten arriving takes cost Blender nothing.
"""

from dataclasses import replace

import bpy

from ..retargeting.animation_state import (
    AnimationState,
    play,
    return_to,
    unchanged_on_failure,
)
from ..retargeting.apply_motion import ApplyOptions, apply_motion
from ..retargeting.editable import check_editable, check_untweaked
from ..retargeting.replace_frames import replace_frames
from ..retargeting.slots import playing, slot_of
from ..shared.decoding.errors import UNDECODABLE, DecodeError
from ..shared.errors import PlacidError
from ..shared.motion.blocks import blocks_in
from ..shared.motion.changes import Change
from ..shared.motion.contacts import foot_slide
from ..shared.motion.motion import Motion, MotionError, decode_motion, encode_motion
from ..shared.motion.safety import changes_of, label_of, parts_of, repaired_spans
from ..shared.motion.understanding import match_in, understanding_in
from ..shared.protocol.messages import Request
from ..shared.protocol.stored_requests import decode_request, encode_request
from . import audits, scene_end, sequence, showing
from .hand_edits import is_edited, note_baked
from .motion_settings import apply_options, in_place_of, led_over
from .pins import pins_of
from .ranking import NO_MATCH

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
        return decode_request(take.request)
    except (DecodeError, *UNDECODABLE) as error:
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
    settings.last_number += 1
    take.number = settings.last_number
    take.name = _short(request.prompt)
    take.prompt = request.prompt
    take.seed = motion.seed or 0
    take.request = encode_request(request)
    label = label_of(motion.provenance)
    parts = parts_of(motion.provenance, len(motion))
    take.safety = label.safety
    take.concepts = ", ".join(label.concepts)
    take.label = label.sentence
    told = [f"Frames {p.start} to {p.end - 1}: {p.label.sentence}" for p in parts]
    take.changes = "\n".join([*(told if len(told) > 1 else ()), *changes_of(motion.provenance)])
    understanding = understanding_in(motion.provenance)
    take.doubt = understanding.warning if understanding else ""
    match = match_in(motion.provenance)
    take.match = NO_MATCH if match is None else match
    take.slide = foot_slide(motion)
    take.block_count = len(blocks_in(motion.provenance))
    audits.keep(take, motion)
    take.seconds = motion.seconds
    take.armature = armature
    take.motion = encode_motion(motion)
    return take


def note_original(take, original: bpy.types.Action) -> None:
    """Let a take be a copy of an action in which only the repaired frames are new."""
    take.original = original
    take.name = _short(f"{original.name} made safe")
    take.prompt = f"{original.name} without strikes"


def show(scene: bpy.types.Scene, take) -> None:
    """Let the take's armature play it, baking it when that has not been done yet.

    A take that is part of an NLA sequence is shown in it: what covers the sequence is taken off.
    The scene's end frame follows. A rejected take stays rejected, and is put away again when
    another one is shown.

    Raises:
        PlacidError: the armature is gone, or cannot play the motion; nothing has changed.
    """
    armature = armature_of(take)
    check_editable(armature)
    state = showing.behind(armature, take)
    if sequence.is_pushed(take):
        showing.uncover(armature, state)
        showing.put_away_rejected(scene, take)
        return
    if take.action is None:
        _bake(scene, take, armature, state)
    elif playing(armature)[0] != take.action:
        play(armature, take.action)
    showing.remember(take, state)
    showing.put_away_rejected(scene, take)
    scene_end.extend(scene, take.action)
    if take.status == "ACCEPTED":
        scene_end.keep(scene)


def preview(scene: bpy.types.Scene, take) -> None:
    """Show a take; one that was rejected is open to judgement again."""
    show(scene, take)
    if take.status == "REJECTED":
        take.status = "NEW"


def retarget(
    scene: bpy.types.Scene, take, armature: bpy.types.Object, begin: int | None = None
) -> bpy.types.Action | None:
    """Bake the take anew on an armature, with the scene's present settings.

    Strips of the same armature play the new action; those of another one keep the old action.

    Args:
        begin: frame of its first key; None leaves that to the settings.

    Returns:
        The former action where a person had changed it: it stays in the file.

    Raises:
        PlacidError: an armature cannot play the motion or give the old one up; nothing has changed.
    """
    former, old = take.armature, take.action
    check_editable(armature)
    moves = old is not None and former is not None and former != armature
    if moves:
        check_untweaked(former)
    kept = old if is_edited(take) else None
    before = (take.before, take.before_slot, take.before_pose)
    state = showing.behind(armature, take)
    pushed = old is not None and former == armature and sequence.is_pushed(take)
    moved_off = showing.behind(former, take) if moves and showing.plays(former, old) else None
    follows_at = round(sequence.first_frame(take)) if pushed and take.seam else None
    _bake(scene, take, armature, state, follows_at, begin)
    if moved_off is not None:
        return_to(former, moved_off)
    if pushed:
        sequence.exchange(armature, old, take.action)
        showing.uncover(armature, state)
    showing.remember(take, state)
    take.armature = armature
    if old is not None and former == armature:
        slot = slot_of(take.action, armature)
        showing.pass_on(old, take.action, slot.handle if slot else 0, take.before_pose)
    elif old is not None:
        showing.pass_on(old, *before)
    showing.drop(old, kept is not None)
    if take.status == "ACCEPTED":
        take.action.use_fake_user = True
    else:
        take.status = "NEW"
    if not pushed:
        scene_end.extend(scene, take.action)
    return kept


def accept(scene: bpy.types.Scene, take) -> None:
    """Keep the take: its action stays in the file even when nothing plays it.

    So does what the armature played before it.
    """
    show(scene, take)
    take.action.use_fake_user = True
    if take.before is not None and take.before.library is None:
        take.before.use_fake_user = True
    take.status = "ACCEPTED"
    scene_end.keep(scene)


def reject(scene: bpy.types.Scene, take) -> bpy.types.Action | None:
    """Drop the take's action and give the armature back what it played before.

    Returns:
        The action where a person had changed it: it stays in the file.

    Raises:
        PlacidError: the armature is locked; nothing has changed.
    """
    kept = showing.put_away(scene, take)
    take.status = "REJECTED"
    return kept


def delete(scene: bpy.types.Scene, index: int) -> bpy.types.Action | None:
    """Remove a take from the list; an accepted take's action stays in the file, as does one that
    a person changed, which is returned. Raises PlacidError when the armature is locked."""
    settings = scene.placid
    take = settings.takes[index]
    kept = showing.put_away(scene, take) if take.status != "ACCEPTED" else None
    settings.takes.remove(index)
    # The highlighted take is the one that plays: the neighbour takes over.
    settings.take_index = max(0, min(index, len(settings.takes) - 1))
    return kept


def push_to_nla(scene: bpy.types.Scene, take) -> None:
    """Move the take from the armature's active action to a strip of its own NLA track.

    A take that has a strip keeps that one. Raises PlacidError; nothing has changed then.
    """
    armature = armature_of(take)
    check_editable(armature)
    sequence.check_used(armature)
    accept(scene, take)
    if not sequence.is_pushed(take):
        sequence.add_strip(armature, take.name)


def append(scene: bpy.types.Scene, take, overlap: int) -> bpy.types.Action | None:
    """Let the take follow what its armature plays, as a strip: place, facing and pose go on.

    What plays without being a strip becomes one. Where nothing plays, the take is pushed.

    Args:
        overlap: frames in which the take leads over from the strip before it; at least one.

    Returns:
        The former action where a person had changed it: it stays in the file.

    Raises:
        PlacidError: `in_sequence` when it is a strip already, or the armature cannot play it;
            nothing has changed then.
    """
    armature = armature_of(take)
    check_editable(armature)
    sequence.check_used(armature)
    if sequence.is_pushed(take):
        raise PlacidError(
            "in_sequence",
            f"{take.name!r} is in the sequence already; make another one with Variation first",
        )
    state = showing.behind(armature, take)
    if state.action is None and sequence.last_frame(armature) is None:
        push_to_nla(scene, take)
        return None
    old, kept = take.action, take.action if is_edited(take) else None
    track, seam = None, take.seam
    try:
        with unchanged_on_failure(armature):
            return_to(armature, state)
            if state.action is not None:
                track = sequence.add_strip(armature, state.action.name)
                state = AnimationState(None, 0, state.pose)
            end = sequence.last_frame(armature)
            take.seam = max(1, overlap)
            _bake(scene, take, armature, state, round(end) - take.seam)
    except BaseException:
        take.seam = seam
        if track is not None:
            armature.animation_data.nla_tracks.remove(track)
        raise
    take.placed = False
    showing.remember(take, state)
    showing.drop(old, kept is not None)
    sequence.add_strip(armature, take.name)
    take.action.use_fake_user = True
    take.status = "ACCEPTED"
    scene_end.extend(scene, take.action)
    scene_end.keep(scene)
    return kept


def active(scene: bpy.types.Scene):
    """The take chosen in the list, or None."""
    settings = scene.placid
    if 0 <= settings.take_index < len(settings.takes):
        return settings.takes[settings.take_index]
    return None


def armature_of(take) -> bpy.types.Object:
    """Who plays the take. Raises PlacidError `no_armature` when it was deleted."""
    armature = take.armature
    if armature is None or not armature.users_scene or armature.type != "ARMATURE":
        raise PlacidError(
            "no_armature",
            f"the character of the take {take.name!r} was deleted; choose one and retarget",
        )
    return armature


def _bake(
    scene: bpy.types.Scene,
    take,
    armature: bpy.types.Object,
    state: AnimationState,
    follows_at: int | None = None,
    begin: int | None = None,
) -> None:
    """Give the take its action, on an armature that is in `state` but for unaccepted takes.

    Args:
        follows_at: frame in which the take begins to lead over from the strips beneath it.
        begin: frame of the first key of one that does not.
    """
    with unchanged_on_failure(armature):
        return_to(armature, state)
        options = apply_options(scene, take.name)
        if follows_at is not None:
            options = led_over(options, follows_at, take.seam)
        elif take.placed:
            options = in_place_of(options, take.place)
            # Another character does other things in these frames.
            if take.kept_on == armature:
                held = tuple((kept.frame, kept.pose) for kept in take.kept)
                options = replace(options, kept=held)
        elif begin is not None:
            options = replace(options, frame_start=begin)
        ground = scene.placid_pins.ground
        options = replace(options, pins=pins_of(scene, armature), ground=ground)
        where = scene if armature.name in scene.objects else armature.users_scene[0]
        with sequence.beneath(armature, take.action):
            made = _put_on(where, armature, take, options, follows_at is None)
    take.action, take.report = made
    change = options.change
    take.mirrored, take.speed, take.cut_start = change.mirror, change.speed, change.cut_start
    note_baked(take)


def _put_on(
    scene: bpy.types.Scene,
    armature: bpy.types.Object,
    take,
    options: ApplyOptions,
    is_in_place: bool,
) -> tuple[bpy.types.Action, str]:
    """The action of a take, and how it was made, for people."""
    motion = unpack_motion(take.motion)
    spans = repaired_spans(motion.provenance)
    is_copy = take.original is not None and take.armature == armature and is_in_place
    if not (is_copy and spans and options.change == Change() and not options.loop):
        report = apply_motion(scene, armature, motion, options)
        return report.action, report.sentence
    action = replace_frames(
        scene, armature, take.original, motion, take.place, spans, take.name, options.mapping
    )
    new = sum(end - start for start, end in spans) / len(motion)
    told = f"{new:.0%} of the frames are new, all others are those of {take.original.name}"
    return action, told


def _short(prompt: str) -> str:
    base = prompt.strip()
    return base[:NAME_CHARACTERS].rsplit(" ", 1)[0] + "…" if len(base) > NAME_CHARACTERS else base
