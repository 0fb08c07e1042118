"""Going down and coming up again: sitting, kneeling, lying, falling, and the time down there."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from scipy.ndimage import uniform_filter1d

from backend.datasets.actions import Action
from backend.datasets.labelling.steps import runs
from backend.datasets.sources import Segment
from backend.motion.lengths import MAX_FRAMES
from shared.motion.skeleton import JOINT

# Share of the standing height that the pelvis leaves when it goes down and is back at in the end.
_UP: Final = 0.93
_NEAR: Final = 0.05  # metres round the lowest, which count as being down
_MARGIN: Final = 12  # frames before and after
_SITS: Final = 0.15  # metres that somebody sinks at least
_RESTS: Final = 40


@dataclass(frozen=True)
class Descent:
    """What a way down, the time down there and the way up are called, and how low it goes."""

    down: Action
    rest: Action | None
    up: Action
    below: float


DESCENTS: Final = {
    "sit_down": Descent(Action("sit_down"), Action("sit"), Action("stand_up"), 0.72),
    "sit": Descent(Action("sit_down"), Action("sit"), Action("stand_up"), 0.72),
    "kneel": Descent(Action("kneel"), None, Action("stand_up"), 0.6),
    "lie_down": Descent(Action("lie_down"), Action("lie"), Action("get_up"), 0.35),
    "get_up": Descent(Action("lie_down"), Action("lie"), Action("get_up"), 0.35),
    "fall": Descent(Action("fall"), Action("lie"), Action("get_up"), 0.4),
}


def descents(joints: np.ndarray, base: Action, first: int = 0) -> Iterator[Segment]:
    """The ways down and up in joints (T, 22, 3), and both in a row, as segments.

    Args:
        base: of a kind of `DESCENTS`; its variant is kept on the way down.
        first: the frame of the recording that is frame 0 here.
    """
    names = DESCENTS[base.kind]
    arms = "arms_up" if base.kind == "sit_down" and _arms_up(joints) else None
    fell = base.variant if base.kind == "fall" else arms
    down, up = replace(names.down, variant=fell), replace(names.up, variant=arms)
    height = uniform_filter1d(joints[:, 0, 1], 5, mode="nearest")
    upright = _UP * float(np.percentile(height, 95))
    below = names.below
    if names.rest == Action("sit"):  # stools are of any height
        bottom, top = np.percentile(height, (5, 95))
        below = max(below, (bottom + top) / 2) if top - bottom > _SITS else below
    for start, end in runs(height < below, 4):
        leave, back = _edges(height, start, end, upright)
        low = height[start:end].min() + _NEAR
        settled = start + int(np.argmax(height[start:end] < low))
        rises = end - int(np.argmax(height[start:end][::-1] < low))
        if leave is not None:
            yield _part(
                down, leave - _MARGIN, settled + _MARGIN, (leave, settled), len(joints), first
            )
        if names.rest and not arms and rises - settled >= _RESTS:
            yield Segment(first + settled, first + rises, names.rest)
        if back is not None:
            span = (rises - _MARGIN, back + _MARGIN)
            yield _part(up, *span, (rises, back), len(joints), first)
        if leave is not None and back is not None:
            whole = (max(0, leave - _MARGIN), min(len(joints), back + _MARGIN))
            if whole[1] - whole[0] <= MAX_FRAMES:
                yield Segment(first + whole[0], first + whole[1], down, (), (up,), whole=True)


def _edges(
    height: np.ndarray, start: int, end: int, upright: float
) -> tuple[int | None, int | None]:
    """The last upright frame before a stay below [start, end), the first one behind it."""
    before, after = (
        np.flatnonzero(height[:start] >= upright),
        np.flatnonzero(height[end:] >= upright),
    )
    leave = int(before[-1]) if before.size and start - before[-1] < 100 else None
    back = end + int(after[0]) if after.size and after[0] < 100 else None
    return leave, back


def _part(
    action: Action, start: int, end: int, core: tuple[int, int], frames: int, first: int
) -> Segment:
    start, end = max(0, start), min(frames, end)
    need = (first + max(start, core[0]), first + min(end, core[1] + 1))
    return Segment(first + start, first + end, action, core=need, whole=True)


def _arms_up(joints: np.ndarray) -> bool:
    wrists = joints[:, [JOINT["left_wrist"], JOINT["right_wrist"]], 1].mean(axis=1)
    return float(np.median(wrists - joints[:, JOINT["spine3"], 1])) > -0.1
