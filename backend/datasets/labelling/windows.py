"""Recordings cut into windows whose labels hold for just these frames."""

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

import numpy as np
from scipy.ndimage import uniform_filter1d

from backend.datasets import geometry
from backend.datasets.actions import Action
from backend.datasets.labelling import events, limbs, phases, steps
from backend.datasets.labelling.travel import locomotion, travel
from backend.datasets.preparation import PreparedClip
from backend.datasets.sources import Segment
from backend.motion.features import features_to_joints
from backend.motion.lengths import MAX_FRAMES
from shared.motion.skeleton import JOINT

SHORTEST, LONGEST = 40, 160  # frames of a window
_SHORT: Final = (24, 60)  # of windows of walking and running
_EVERY: Final = 14  # frames from one window to the next
# Metres a frame of the pelvis that is walking, and frames that it walks or stands at least.
_WALKS: Final = 0.012
_AWHILE: Final = 18
_LOW: Final = 0.72  # metres, below which a pelvis does not walk upright
_MOST_COUNTED: Final = 8
_ABOVE: Final = 0.1  # metres above the neck
_IDLE: Final = 0.004  # metres a frame and joint, with which nobody dances

_TRAVELS: Final = frozenset(
    {"walk_forward", "walk_backward", "walk_around", "walk_diagonal_left", "walk_diagonal_right"}
    | {"turn_left", "turn_right", "side_step_left", "side_step_right", "run", "stop"}
)
_LOW_GAITS: Final = frozenset({"crawl", "duck_walk", "sneak"})
# What is done on the spot; somebody who goes away during it walks.
_STAYS: Final = frozenset({"stand", "wait"})
_LIVELY: Final = frozenset({"dance", "basketball", "tennis", "table_tennis", "fight", "laugh"})
_BLOWS: Final = frozenset({"kick", "punch", "slap"})
_ONE_ARM: Final = frozenset(
    {
        "arm_raise",
        "arm_rotation",
        "arm_stretch",
        "hammer",
        "saw",
        "screw",
        "hold_up",
        "press_button",
    }
    | {"wash_windows", "cast_spell", "shake_hands", "slap"}
)
_ONE_LEG: Final = frozenset({"leg_raise", "step_over", "soccer_kick", "knee_raise"})
_BENDS: Final = frozenset({"squat", "lunge"})


def labelled(clip: PreparedClip) -> PreparedClip:
    """The clip with labelled windows of itself instead of what the recording is said to show."""
    joints = features_to_joints(np.array(clip.features))
    name = f"{clip.id} {clip.variant}"
    return replace(clip, segments=label(name, joints, clip.segments))


def label(name: str, joints: np.ndarray, segments: Sequence[Segment]) -> tuple[Segment, ...]:
    """Labelled windows of a recording, in no particular order.

    Args:
        name: of the recording; with the same name windows are cut at the same places.
        joints: (T, 22, 3) on Placid's skeleton.
        segments: what the recording is said to show, and when.
    """
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    found = [part for segment in segments for part in _label(joints, segment, rng)]
    return tuple(_with_pace(part, joints) for part in found if part.end - part.start >= 12)


def _label(joints: np.ndarray, segment: Segment, rng: np.random.Generator) -> Iterator[Segment]:
    first, action = segment.start, segment.action
    part = joints[first : segment.end]
    kinds = {a.kind for a in segment.actions}
    if segment.core is not None or len(part) < 24:
        yield replace(segment, whole=len(part) <= MAX_FRAMES)  # said to the frame
    elif kinds <= _TRAVELS | {"stand"} and kinds != {"stand"}:
        yield from _travels(part, action, first, rng)
    elif action.kind in phases.DESCENTS and (action.kind, action.variant) not in _RESTING:
        found = list(phases.descents(part, action, first))
        short = [replace(segment, whole=True)] if len(part) <= SHORTEST + 40 else []
        yield from found or short
    elif kinds >= {"pick_up", "put_down"}:
        yield from events.moved_things(part, segment.actions, first)
    elif segment.then:
        yield replace(segment, whole=len(part) <= MAX_FRAMES)
    elif action.kind in ("jump", "hop"):
        yield from events.jumps(part, action, first)
    elif action.kind in _BLOWS:
        yield from events.blows(part, action, first)
    elif action.kind in events.SIGNALS:
        yield from events.events(part, action, first)
    elif action.kind in _LOW_GAITS:
        yield from _low_gaits(part, action, first, rng)
    elif len(part) <= SHORTEST + 40:
        measured = _measured(part, action)
        yield Segment(first, segment.end, measured, segment.captions, whole=True)
        if action.kind == "arm_raise":
            yield from _raised_hand(part, measured, first)
    else:
        yield from _goes_on(part, action, first, rng)


_RESTING: Final = frozenset(
    {("sit", "floor"), ("sit", "talk"), ("sit", "meditate")}
    | {("kneel", "tired"), ("kneel", "work")}
)


def cuts(
    frames: int, rng: np.random.Generator, lengths: tuple[int, int] = (SHORTEST, LONGEST)
) -> Iterator[tuple[int, int]]:
    """Windows [start, end) of `lengths` frames, 2 to 8 seconds, all over so many frames."""
    least, most = lengths
    for start in range(0, max(1, frames - least + 1), _EVERY):
        end = min(frames, start + int(rng.integers(least, most + 1)))
        if end - start >= min(least, frames):
            yield start, end


def _travels(
    part: np.ndarray, base: Action, first: int, rng: np.random.Generator
) -> Iterator[Segment]:
    """Walking and running as it goes, standing in between, setting off and stopping."""
    path = uniform_filter1d(part[:, 0, [0, 2]], 9, axis=0, mode="nearest")
    speed = np.linalg.norm(np.diff(path, axis=0, append=path[-1:]), axis=-1)
    moving = [run for run in steps.runs(speed > _WALKS, 6) if run[1] - run[0] >= _AWHILE]
    for start, end in moving:
        # Long windows mostly turn somewhere, so short ones are cut as well.
        places = [*cuts(end - start, rng), *cuts(end - start, rng, _SHORT)]
        for a, b in places:
            action = _way(part[start + a : start + b], base)
            if action is not None:
                yield Segment(first + start + a, first + start + b, action)
    for start, end in _pauses(moving, len(part)):
        for a, b in cuts(end - start, rng):
            if b - a >= 24:
                yield Segment(first + start + a, first + start + b, Action("stand"))
    yield from _starts_and_stops(part, base, first, moving, rng)
    whole = _way(part, base) if len(part) <= MAX_FRAMES else None
    if whole is not None and whole.kind != "stand":
        yield Segment(first, first + len(part), whole, whole=True)


def _way(part: np.ndarray, base: Action) -> Action | None:
    """What going this way is called, with the number of steps where it is small and sure."""
    action = locomotion(travel(part), base)
    if action is None or action.variant or action.kind == "run":
        return action
    if action.kind in ("walk_forward", "walk_backward", "side_step_left", "side_step_right"):
        count = steps.count_steps(part)
        if count is not None and 2 <= count <= _MOST_COUNTED:
            return replace(action, count=count)
    return action


def _pauses(moving: Sequence[tuple[int, int]], frames: int) -> Iterator[tuple[int, int]]:
    edges = [0, *(frame for run in moving for frame in run), frames]
    for start, end in zip(edges[::2], edges[1::2], strict=True):
        if end - start >= 24:
            yield start, end


def _starts_and_stops(
    part: np.ndarray,
    base: Action,
    first: int,
    moving: Sequence[tuple[int, int]],
    rng: np.random.Generator,
) -> Iterator[Segment]:
    """Stretches in which somebody who stands sets off, or somebody who walks stops."""
    edges = [0, *(frame for run in moving for frame in run), len(part)]
    for number, (start, end) in enumerate(moving):
        before, after = start - edges[2 * number], edges[2 * number + 3] - end
        go = int(rng.integers(30, 100))
        if before >= 16:
            wait = min(before, int(rng.integers(16, 60)))
            way = _way(part[start : min(end, start + go)], base)
            if way is not None and way.kind != "stand":
                span = (first + start - wait, first + min(end, start + go))
                plain = replace(way, count=None)
                yield Segment(*span, Action("stand"), (), (plain,))
        if after >= 16:
            wait = min(after, int(rng.integers(16, 60)))
            way = _way(part[max(start, end - go) : end], base)
            if way is not None and way.kind != "stand":
                span = (first + max(start, end - go), first + end + wait)
                plain = replace(way, count=None)
                yield Segment(*span, plain, (), (Action("stop"),))


def _low_gaits(
    part: np.ndarray, base: Action, first: int, rng: np.random.Generator
) -> Iterator[Segment]:
    """Crawling and the like where the body is low, walking where it is not, and the change."""
    low = steps.runs(uniform_filter1d(part[:, 0, 1], 5, mode="nearest") < _LOW, 8)
    low = [run for run in low if run[1] - run[0] >= 20]
    for start, end in low:
        for a, b in cuts(end - start, rng):
            yield Segment(first + start + a, first + start + b, base)
        if start >= 30:
            span = (first + max(0, start - 60), first + min(end, start + 80))
            yield Segment(*span, Action("walk_forward"), (), (base,))
        if len(part) - end >= 30:
            span = (first + max(start, end - 80), first + min(len(part), end + 60))
            yield Segment(*span, base, (), (Action("walk_forward"),))


def _goes_on(
    part: np.ndarray, base: Action, first: int, rng: np.random.Generator
) -> Iterator[Segment]:
    """Windows of what goes on and on; such in which it pauses are left out or called so."""
    for a, b in cuts(len(part), rng):
        window = part[a:b]
        action: Action | None = base
        if base.kind in _STAYS:
            found = locomotion(travel(window), Action("walk_forward"))
            action = base if found is not None and found.kind == "stand" else found
        elif base.kind == "carry" and base.variant is None and not limbs.holds_in_front(window):
            action = locomotion(travel(window), Action("walk_forward"))
        elif base.kind in _LIVELY and activity(window) < _IDLE:
            action = None
        elif base.kind == "boxing" and base.variant != "duck":
            hits = geometry.strikes(window, "punch")
            action = base if hits else Action("fighting_stance")
        elif base.kind == "fight":
            hits = geometry.strikes(window, "punch") + geometry.strikes(window, "kick")
            action = base if hits else None
        if action is not None:
            yield Segment(first + a, first + b, _measured(window, action))


def _raised_hand(part: np.ndarray, action: Action, first: int) -> Iterator[Segment]:
    """The way up of an exercise in which one hand goes up above the shoulder."""
    if action.side not in ("left", "right"):
        return
    wrist = part[:, JOINT[f"{action.side}_wrist"], 1] - part[:, JOINT["neck"], 1]
    if wrist.max() > _ABOVE:
        start, end = geometry.raise_span(part, action.side)
        last = min(len(part), end + 6)
        core = (first + start, first + end)
        raised = Action("raise_hand", side=action.side)
        yield Segment(first + max(0, start - 6), first + last, raised, core=core, whole=True)


def _measured(part: np.ndarray, base: Action) -> Action:
    """The action with the limb that acts and how often it is done."""
    if base.kind in _ONE_ARM:
        return replace(base, side=limbs.acting_arm(part))
    if base.kind in _ONE_LEG:
        return replace(base, side=limbs.acting_leg(part))
    if base.kind in _BENDS:
        count = len(steps.bends(part))
        return replace(base, count=count if 1 <= count <= 6 else None)
    return base


def activity(joints: np.ndarray) -> float:
    """Metres a frame that joints (T, 22, 3) move on average, seen from the pelvis."""
    seen = joints - joints[:, :1]
    return float(np.linalg.norm(np.diff(seen, axis=0), axis=-1).mean())


def _with_pace(segment: Segment, joints: np.ndarray) -> Segment:
    """The segment with the pace by which fast and slow ones are told apart."""
    part = joints[segment.start : segment.end]
    if segment.then or segment.pace is not None or len(part) < 3:
        return segment
    kind = segment.action.kind
    going = kind in _TRAVELS or kind.startswith(("walk_", "about_turn")) or kind == "march"
    pace = travel(part).pace if going else 20 * activity(part)
    return replace(segment, pace=round(pace, 3))
