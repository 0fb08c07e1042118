"""Frame ranges of a motion made anew: its tokens round about are kept, so the new ones fit in."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import msgspec
import numpy as np

from backend.generation.audit_guard import Watched
from backend.generation.context import GenerationContext, subprogress
from backend.generation.motion_codec import Body
from backend.generation.redraws import AnyRedraw
from backend.generation.token_sampler import SampleSpec, derived_seed
from backend.models.reference_quirks import ReferenceQuirks
from backend.motion.anchoring import meet
from backend.motion.blending import insert
from backend.motion.features import Convention, bone_lengths, with_bone_lengths
from backend.motion.lengths import FPS, FRAMES_PER_TOKEN, MAX_FRAMES, MAX_TOKENS
from backend.motion.pacing import at_frames
from shared.errors import PlacidError
from shared.motion.kinematics import resample
from shared.motion.motion import Motion
from shared.protocol.requests import EditMotion

Range = tuple[int, int]

# Metres a second between two kept poses; people run no faster than 12, and with poses to meet less.
_FASTEST: Final = 8.0
# In a clip longer than the networks' window, at least so many frames to each side are seen.
_CONTEXT: Final = 16


def edit_motion(
    request: EditMotion, motion: Motion, seeds: Sequence[int], context: GenerationContext
) -> list[tuple[Motion, list[AnyRedraw]]]:
    """The motion with the ranges made anew, and what the guards drew anew, for each seed.

    Frame rate, up axis and length stay as they are; see `blending.insert` for what else stays, and
    `anchoring.meet` where kept frames are anchors.

    Raises:
        PlacidError: `bad_request` for a range that is longer than the networks can see round;
            `bad_anchor` for kept poses that nobody can reach in time.
    """
    start = motion.with_up("Y")
    if request.anchored:
        start = _filled(start, request.frames)
    results = [start] * len(seeds)
    journals: list[list[AnyRedraw]] = [[] for _ in seeds]
    [text] = context.encode([request.prompt])
    groups = _groups(request.frames, motion)
    for number, ranges in enumerate(groups):
        progress = subprogress(context.progress, number / len(groups), 1 / len(groups))
        window = _window(ranges, results[0])
        specs = []
        for seed, result in zip(seeds, results, strict=True):
            ids = context.codec.encode(resample(_cut(result, window), FPS).joints)
            editable = _editable(len(ids), ranges, window, motion.fps, request, context.quirks)
            own = derived_seed(seed, number)
            published = context.quirks.edits_all_residuals and not request.anchored
            specs.append(
                SampleSpec(
                    text,
                    own,
                    ids=ids,
                    editable=editable,
                    prompt=request.prompt,
                    all_residuals=published,
                )
            )
        made = []
        for spec, ids, journal in zip(
            specs, context.sampler.sample(specs, progress), journals, strict=True
        ):
            watched = Watched(ids, text, spec.seed, spec.prompt, spec.editable)
            shown, redraws = context.shown(watched, context.codec.decode)
            made.append(shown)
            drawn: list[AnyRedraw] = [*spec.journal, *redraws]
            journal += [_told(redraw, window, motion) for redraw in drawn]
        put = _met if request.anchored else _put_in
        results = [
            put(result, window, ranges, joints, contacts, context.codec.convention)
            for result, (joints, contacts) in zip(results, made, strict=True)
        ]
    return [
        (result.with_up(motion.up), journal)
        for result, journal in zip(results, journals, strict=True)
    ]


def _groups(frames: Sequence[Range], motion: Motion) -> list[list[Range]]:
    """Ranges that are made together, because one window shows them with what is round them."""
    length = _longest(motion)
    if len(motion) <= length:
        return [list(frames)]
    most = length - 2 * round(_CONTEXT * motion.fps / FPS)
    groups: list[list[Range]] = []
    for start, end in frames:
        if end - start > most:
            raise PlacidError(
                "bad_request",
                f"the frame range {start}:{end} has {end - start} frames, but in a motion of "
                f"{len(motion)} frames at most {most} can be made anew at a time; edit a shorter "
                "range, or cut the motion",
            )
        if groups and end - groups[-1][0][0] <= most:
            groups[-1].append((start, end))
        else:
            groups.append([(start, end)])
    return groups


def _window(ranges: Sequence[Range], motion: Motion) -> Range:
    """The frames that the networks see, with the ranges in their middle."""
    length = min(_longest(motion), len(motion))
    start = (ranges[0][0] + ranges[-1][1] - length) // 2
    start = min(max(start, 0), len(motion) - length)
    return start, start + length


def _longest(motion: Motion) -> int:
    """Frames of the motion's own rate that fit into the networks' window."""
    return int((MAX_FRAMES - 1) * motion.fps / FPS) + 1


def _editable(
    count: int,
    ranges: Sequence[Range],
    window: Range,
    fps: float,
    request: EditMotion,
    quirks: ReferenceQuirks,
) -> np.ndarray:
    """Which of the window's tokens are made anew: those of the ranges, but for anchors' own."""
    editable = np.zeros(count, bool)
    for start, end in ranges:
        editable[slice(*_tokens(start - window[0], end - window[0], fps, quirks))] = True
    if request.anchored:
        kept = np.flatnonzero(_kept(ranges, window))
        editable[np.minimum(kept * FPS / fps / FRAMES_PER_TOKEN, count - 1).astype(int)] = False
    return editable


def _kept(ranges: Sequence[Range], window: Range) -> np.ndarray:
    """Flags of the window's frames that are in no range."""
    kept = np.ones(window[1] - window[0], bool)
    for start, end in ranges:
        kept[max(0, start - window[0]) : end - window[0]] = False
    return kept


def _filled(motion: Motion, ranges: Sequence[Range]) -> Motion:
    """The motion with a plain way from kept pose to kept pose, whatever was between them.

    Raises PlacidError `bad_anchor` for poses that are too far apart in space for their time.
    """
    kept = np.flatnonzero(_kept(ranges, (0, len(motion))))
    if len(kept) == 0:
        raise PlacidError(
            "bad_anchor", "no frame is kept; leave out the frames whose poses shall stay"
        )
    roots = motion.joints[kept, 0]
    speeds = np.linalg.norm(np.diff(roots, axis=0), axis=-1) * motion.fps / np.diff(kept)
    if len(speeds) and speeds.max() > _FASTEST:
        worst = int(speeds.argmax())
        raise PlacidError(
            "bad_anchor",
            f"from the pose in frame {kept[worst]} to that in frame {kept[worst + 1]} the body "
            f"would have to move at {speeds[worst]:.0f} m/s; give it more frames, or put the poses "
            "nearer to each other",
        )
    places = np.interp(np.arange(len(motion)), kept, np.arange(len(kept)))
    joints = at_frames(motion.joints[kept], places).astype(np.float32)
    joints = with_bone_lengths(joints, bone_lengths(motion.joints[kept]))
    joints[kept] = motion.joints[kept]
    return replace(motion, joints=joints)


def _met(
    motion: Motion,
    window: Range,
    ranges: Sequence[Range],
    joints: np.ndarray,
    contacts: np.ndarray,
    convention: Convention,
) -> Motion:
    """The motion with the ranges filled by what was made for the window, which meets the rest."""
    here = slice(*window)
    body = Body.of(motion.joints[here], convention)
    fresh = resample(Motion(body.fit(joints), fps=FPS, contacts=contacts), motion.fps)
    assert fresh.contacts is not None
    shown = np.minimum(np.arange(window[1] - window[0]), len(fresh) - 1)
    kept = _kept(ranges, window)
    new, stands = meet(
        motion.joints[here], kept, fresh.joints[shown], fresh.contacts[shown], motion.fps
    )
    result = motion.joints.copy()
    result[here] = new
    flags = None
    if motion.contacts is not None:
        flags = motion.contacts.astype(bool)
        flags[here] = np.where(kept[:, None], flags[here], stands)
    return replace(motion, joints=result, contacts=flags)


def _tokens(start: int, end: int, fps: float, quirks: ReferenceQuirks) -> Range:
    """The tokens that hold frames [start, end) of another frame rate.

    As published, the last token is held only if all its frames are in the range.
    """
    per_token = FRAMES_PER_TOKEN * fps / FPS
    if quirks.edits_all_residuals:
        return int(start / per_token), min(int(end / per_token), MAX_TOKENS)
    return int(start / per_token), min(int(np.ceil(end / per_token)), MAX_TOKENS)


def _told(redraw: AnyRedraw, window: Range, motion: Motion) -> AnyRedraw:
    """What was drawn anew, in the motion's own frames instead of those of the window."""
    rate = motion.fps / FPS
    start, end = (window[0] + round(frame * rate) for frame in (redraw.start, redraw.end))
    return msgspec.structs.replace(redraw, start=start, end=min(end, window[1]))


def _cut(motion: Motion, window: Range) -> Motion:
    return replace(motion, joints=motion.joints[slice(*window)], contacts=None)


def _put_in(
    motion: Motion,
    window: Range,
    ranges: Sequence[Range],
    joints: np.ndarray,
    contacts: np.ndarray,
    convention: Convention,
) -> Motion:
    """The motion with ranges taken from joints and contacts of the window, at 20 fps."""
    size = window[1] - window[0]
    body = Body.of(motion.joints[slice(*window)], convention)
    fresh = resample(Motion(body.fit(joints), fps=FPS, contacts=contacts), motion.fps)
    assert fresh.contacts is not None
    result = motion.joints
    flags = None if motion.contacts is None else motion.contacts.astype(bool)
    for start, end in ranges:
        new = result.copy()
        shown = min(size, len(fresh))
        new[window[0] : window[0] + shown] = fresh.joints[:shown]
        new[window[0] + shown : window[1]] = fresh.joints[-1]
        result = insert(result, new, start, end, motion.fps)
        if flags is not None:
            inside = np.arange(start, end) - window[0]
            flags[start:end] = fresh.contacts[np.minimum(inside, len(fresh) - 1)]
    return replace(motion, joints=result, contacts=flags)
