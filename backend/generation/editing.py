"""Frame ranges of a motion made anew: its tokens round about are kept, so the new ones fit in."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import msgspec
import numpy as np

from backend.generation.context import GenerationContext, subprogress
from backend.generation.motion_codec import Body
from backend.generation.redraws import Redraw
from backend.generation.token_sampler import SampleSpec, derived_seed
from backend.motion.blending import insert
from backend.motion.features import Convention
from backend.motion.lengths import FPS, FRAMES_PER_TOKEN, MAX_FRAMES, MAX_TOKENS
from shared.errors import PlacidError
from shared.motion.kinematics import resample
from shared.motion.motion import Motion
from shared.protocol.requests import EditMotion

Range = tuple[int, int]

# In a clip longer than the networks' window, at least so many frames to each side are seen.
_CONTEXT: Final = 16


def edit_motion(
    request: EditMotion, motion: Motion, seeds: Sequence[int], context: GenerationContext
) -> list[tuple[Motion, list[Redraw]]]:
    """The motion with the ranges made anew, and what the token guard drew anew, for each seed.

    Frame rate, up axis and length stay as they are; see `seams.insert` for what else stays.

    Raises:
        PlacidError: `bad_request` for a range that is longer than the networks can see round.
    """
    results = [motion.with_up("Y")] * len(seeds)
    journals: list[list[Redraw]] = [[] for _ in seeds]
    [text] = context.encode([request.prompt])
    groups = _groups(request.frames, motion)
    for number, ranges in enumerate(groups):
        progress = subprogress(context.progress, number / len(groups), 1 / len(groups))
        window = _window(ranges, results[0])
        specs = []
        for seed, result in zip(seeds, results, strict=True):
            ids = context.codec.encode(resample(_cut(result, window), FPS).joints)
            editable = np.zeros(len(ids), bool)
            for start, end in ranges:
                tokens = _tokens(start - window[0], end - window[0], motion.fps)
                editable[slice(*tokens)] = True
            own = derived_seed(seed, number)
            specs.append(SampleSpec(text, own, ids=ids, editable=editable, prompt=request.prompt))
        made = [context.codec.decode(ids) for ids in context.sampler.sample(specs, progress)]
        for spec, journal in zip(specs, journals, strict=True):
            journal += [_told(redraw, window, motion) for redraw in spec.journal]
        results = [
            _put_in(result, window, ranges, joints, contacts, context.codec.convention)
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


def _tokens(start: int, end: int, fps: float) -> Range:
    """The tokens that hold frames [start, end) of another frame rate."""
    per_token = FRAMES_PER_TOKEN * fps / FPS
    return int(start / per_token), min(int(np.ceil(end / per_token)), MAX_TOKENS)


def _told(redraw: Redraw, window: Range, motion: Motion) -> Redraw:
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
