"""Where the prompts of the list lie in time, and what is under the mouse there."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Literal

import bpy

from ...core.motion_settings import first_frame
from ...ui.frames import rate_of

Span = tuple[float, float]


@dataclass(frozen=True)
class Grip:
    """What a drag takes hold of: a block as a whole, or its end."""

    index: int
    part: Literal["body", "end"]


def spans_of(scene: bpy.types.Scene) -> list[Span]:
    """First frame of each block and the frame behind its last."""
    rate, start = rate_of(scene), first_frame(scene)
    ends = accumulate(strip.seconds * rate for strip in scene.placid_timeline.strips)
    borders = [float(start), *(start + end for end in ends)]
    return list(pairwise(borders))


def grip_at(spans: Sequence[Span], frame: float, reach: float) -> Grip | None:
    """What lies at a frame; an end can be gripped from so many frames away."""
    near = [(abs(end - frame), index) for index, (_, end) in enumerate(spans)]
    if near and min(near)[0] <= reach:
        return Grip(min(near)[1], "end")
    inside = (index for index, (start, end) in enumerate(spans) if start <= frame < end)
    return next((Grip(index, "body") for index in inside), None)


def place_at(spans: Sequence[Span], index: int, frame: float) -> int:
    """Where in the list a block goes that is dragged to a frame: past whom it passed the middle."""
    for other, (start, end) in enumerate(spans):
        middle = (start + end) / 2.0
        if other < index and frame < middle:
            return other
        if other > index and frame < middle:
            return other - 1
    return len(spans) - 1 if frame >= spans[index][1] else index
