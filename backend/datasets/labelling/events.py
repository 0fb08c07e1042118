"""When in a recording something is done once: throws, bows, things picked up, jumps, blows."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Final, cast

import numpy as np
from scipy.ndimage import uniform_filter1d
from scipy.signal import find_peaks

from backend.datasets import geometry
from backend.datasets.actions import Action
from backend.datasets.labelling import limbs, steps
from backend.datasets.sources import Segment
from backend.motion.lengths import MAX_FRAMES
from shared.motion.skeleton import JOINT, Side

_WRISTS: Final = [JOINT["left_wrist"], JOINT["right_wrist"]]
_BEFORE, _AFTER = 26, 22  # frames round an event


def _hand_speed(joints: np.ndarray) -> np.ndarray:
    seen = joints[:, _WRISTS] - joints[:, :1]
    step = np.linalg.norm(np.diff(seen, axis=0, prepend=seen[:1]), axis=-1).max(axis=1)
    return uniform_filter1d(step, 3, mode="nearest")


def _reach(joints: np.ndarray) -> np.ndarray:
    seen = joints[:, _WRISTS] - joints[:, :1]
    return np.linalg.norm(seen[..., [0, 2]], axis=-1).max(axis=1)


def _low_hand(joints: np.ndarray) -> np.ndarray:
    return -joints[:, _WRISTS, 1].min(axis=1)


def _high_hand(joints: np.ndarray) -> np.ndarray:
    return (joints[:, _WRISTS, 1] - joints[:, [JOINT["neck"]], 1]).max(axis=1)


def _stoop(joints: np.ndarray) -> np.ndarray:
    return joints[:, 0, 1] - joints[:, JOINT["head"], 1]


def _near_mouth(joints: np.ndarray) -> np.ndarray:
    gap = np.linalg.norm(joints[:, _WRISTS] - joints[:, [JOINT["head"]]], axis=-1)
    return -gap.min(axis=1)


def _shoved(joints: np.ndarray) -> np.ndarray:
    path = uniform_filter1d(joints[:, 0, [0, 2]], 5, axis=0, mode="nearest")
    return np.linalg.norm(np.diff(path, axis=0, prepend=path[:1]), axis=-1)


# Of each kind: what peaks in the middle of it, how high at least, and by how much it stands out.
_Signal = Callable[[np.ndarray], np.ndarray]
SIGNALS: Final[dict[str, tuple[_Signal, float, float]]] = {
    "throw": (_hand_speed, 0.13, 0.08),
    "hand_over": (_reach, 0.42, 0.15),
    "receive": (_reach, 0.42, 0.15),
    "push": (_reach, 0.42, 0.15),
    "pick_up": (_low_hand, -0.8, 0.25),
    "put_down": (_low_hand, -0.8, 0.25),
    "wave": (_high_hand, -0.15, 0.25),
    "greet": (_high_hand, -0.2, 0.25),
    "high_five": (_high_hand, -0.05, 0.25),
    "bow": (_stoop, -0.45, 0.12),
    "drink": (_near_mouth, -0.27, 0.15),
    "stagger": (_shoved, 0.022, 0.015),
}
_ONE_ARM: Final = frozenset({"throw", "hand_over", "receive", "drink"})
_RAISED: Final = frozenset({"wave", "greet", "high_five"})


def events(joints: np.ndarray, base: Action, first: int) -> Iterator[Segment]:
    """Segments round every time that something of `base` is done in joints (T, 22, 3).

    Args:
        base: of a kind of `SIGNALS`.
        first: the frame of the recording that is frame 0 here.
    """
    signal, least, stands_out = SIGNALS[base.kind]
    peaks = find_peaks(signal(joints), height=least, prominence=stands_out, distance=24)[0].tolist()
    for number, peak in enumerate(peaks):
        start, end = _round(peak, peaks, number, len(joints))
        action = _on_its_side(base, joints[max(start, peak - 12) : peak + 12])
        core = (first + max(start, peak - 8), first + min(end, peak + 7))
        yield Segment(first + start, first + end, action, core=core, whole=True)


def moved_things(joints: np.ndarray, actions: Sequence[Action], first: int) -> Iterator[Segment]:
    """Things picked up, carried and put down in turn, where the hands go low in pairs."""
    signal, least, stands_out = SIGNALS["pick_up"]
    peaks = find_peaks(signal(joints), height=least, prominence=stands_out, distance=24)[0].tolist()
    if len(peaks) % 2:
        return
    taken, put = actions[0], actions[-1]
    for number, peak in enumerate(peaks):
        start, end = _round(peak, peaks, number, len(joints))
        base = put if number % 2 else taken
        action = _on_its_side(base, joints[max(start, peak - 12) : peak + 12])
        core = (first + max(start, peak - 8), first + min(end, peak + 7))
        yield Segment(first + start, first + end, action, core=core, whole=True)
    for pick, place in zip(peaks[::2], peaks[1::2], strict=True):
        start, end = max(0, pick - _BEFORE), min(len(joints), place + _AFTER)
        if end - start <= MAX_FRAMES:
            then = tuple(actions[1:-1]) if place - pick > 40 else ()
            yield Segment(first + start, first + end, taken, (), (*then, put), whole=True)
        if place - pick > 70 and len(actions) == 3:
            yield Segment(first + pick + 20, first + place - 20, actions[1])


def blows(joints: np.ndarray, base: Action, first: int) -> Iterator[Segment]:
    """Segments round every kick or punch, and rows of them; with their number where it is small."""
    kind = "kick" if base.kind == "kick" else "punch"
    found = geometry.strikes(joints, kind)
    for segment in geometry.strike_segments(len(joints), found, base):
        inside = [side for peak, side in found if segment.start <= peak < segment.end]
        if not inside:
            continue
        side = inside[0] if len(set(inside)) == 1 else None
        count = len(inside) if len(inside) <= 4 else None
        action = replace(base, side=cast(Side | None, side), count=count)
        core = segment.core and (first + segment.core[0], first + segment.core[1])
        yield Segment(first + segment.start, first + segment.end, action, core=core)


def jumps(joints: np.ndarray, base: Action, first: int) -> Iterator[Segment]:
    """Segments of one to six jumps or hops in a row, counted."""
    found = steps.flights(joints)
    groups: list[list[tuple[int, int]]] = []
    for flight in found:
        if groups and flight[0] - groups[-1][-1][1] <= 24:
            groups[-1].append(flight)
        else:
            groups.append([flight])
    for group in groups:
        for size in (1, 2, 3, 4, 6):
            for at in range(0, len(group) - size + 1, size):
                yield _jump(joints, base, first, group, at, size)


def _jump(
    joints: np.ndarray,
    base: Action,
    first: int,
    group: Sequence[tuple[int, int]],
    at: int,
    size: int,
) -> Segment:
    """The jumps `at` to `at + size` of a row, up to the middle of the ground before and behind."""
    chosen = group[at : at + size]
    before = (group[at - 1][1] + chosen[0][0]) // 2 if at else chosen[0][0] - 18
    last = at + size
    after = (chosen[-1][1] + group[last][0]) // 2 if last < len(group) else chosen[-1][1] + 16
    start, end = max(0, before), min(len(joints), after + 1)
    inside = joints[start:end]
    side: Side | None = None
    if base.variant == "one_leg":
        up = limbs.raised_leg(inside)
        side = None if up is None else "left" if up == "right" else "right"
    variant = None if base.variant == "repeated" else base.variant
    rise = float(inside[:, 0, 1].max() - np.median(joints[:, 0, 1]))
    if base.kind == "jump" and variant is None and rise > 0.32:
        variant = "high"
    action = replace(base, side=side, variant=variant, count=size)
    core = (first + max(start, chosen[0][0] - 2), first + min(end, chosen[-1][1] + 2))
    return Segment(first + start, first + end, action, core=core, whole=True)


def _round(peak: int, peaks: Sequence[int], number: int, frames: int) -> tuple[int, int]:
    """A window round a peak that does not reach into its neighbours'."""
    start, end = peak - _BEFORE, peak + _AFTER
    if number:
        start = max(start, (peaks[number - 1] + peak) // 2)
    if number + 1 < len(peaks):
        end = min(end, (peak + peaks[number + 1]) // 2)
    return max(0, start), min(frames, end)


def _on_its_side(base: Action, joints: np.ndarray) -> Action:
    """The action with the arm that does it and the height at which it is done."""
    if base.kind in _RAISED:
        return replace(base, side=limbs.highest_arm(joints))
    if base.kind in _ONE_ARM:
        return replace(base, side=limbs.acting_arm(joints))
    if base.kind == "pick_up" and base.variant is None:
        return replace(base, variant=limbs.reach_height(joints))
    return base
