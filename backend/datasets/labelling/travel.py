"""Where a body goes: path, direction, turns and pace, and the action that they make."""

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from scipy.ndimage import uniform_filter1d

from backend.datasets import geometry
from backend.datasets.actions import Action
from backend.motion.facing import facing as facing_of
from backend.motion.lengths import FPS

_SMOOTH: Final = 9  # frames: the sway and twist of a step
_PEAK: Final = 11  # frames over which the fastest turning is looked for

# Degrees between where the body faces and where it goes.
_AHEAD, _DIAGONAL, _BACK = 12.0, 35.0, 145.0
_STRAIGHT, _TURN, _ABOUT, _CIRCLE = 25.0, 50.0, 135.0, 240.0
_STANDS_STILL: Final = 12.0
# Turning whose fastest half second is not faster than so many times its mean goes round evenly.
_EVEN: Final = 1.9
_ONE_WAY: Final = 0.8
_LOBE: Final = 35.0
# m/s and metres: what stays on the spot.
STANDS: Final = 0.12
_STAYS: Final = 0.35
_RUNS: Final = 2.0


@dataclass(frozen=True)
class Travel:
    """How a body moved over the floor.

    Attributes:
        turn: net change of heading in degrees, left positive.
        wander: all turning added up, in degrees.
        evenness: the fastest half second of turning over the mean of all.
        lobes: the largest turns to the left and to the right from anywhere to anywhere later.
        length, away: metres of the path and from its first to its last point.
        direction: degrees from where the body faces to where it goes, left positive, -180 to 180.
        pace: m/s along the path.
    """

    turn: float
    wander: float
    evenness: float
    lobes: tuple[float, float]
    length: float
    away: float
    direction: float
    pace: float

    @property
    def still(self) -> bool:
        """Whether the body stays where it is."""
        return self.pace < STANDS or self.length < _STAYS

    @property
    def runs(self) -> bool:
        """Whether it is too fast for a walk."""
        return self.pace > _RUNS


def travel(joints: np.ndarray) -> Travel:
    """The travel of joints (T, 22, 3), T at least 2."""
    size = min(_SMOOTH, len(joints))
    heading = uniform_filter1d(geometry.heading(joints), size, mode="nearest")
    path = uniform_filter1d(joints[:, 0, [0, 2]], size, axis=0, mode="nearest")
    step = np.diff(path, axis=0)
    length = float(np.linalg.norm(step, axis=-1).sum())
    facing = facing_of(joints)
    start = np.arctan2(facing[0, 0], facing[0, 2])
    angle = start + np.radians(heading[:-1])
    ahead = step[:, 0] * np.sin(angle) + step[:, 1] * np.cos(angle)
    left = step[:, 0] * np.cos(angle) - step[:, 1] * np.sin(angle)
    rate = np.diff(heading)
    wander = float(np.abs(rate).sum())
    fastest = np.abs(uniform_filter1d(rate, min(_PEAK, len(rate)), mode="nearest")).max()
    gain = heading - np.minimum.accumulate(heading)
    loss = np.maximum.accumulate(heading) - heading
    return Travel(
        float(heading[-1] - heading[0]),
        wander,
        float(fastest / max(wander / len(rate), 1e-6)),
        (float(gain.max()), float(loss.max())),
        length,
        float(np.linalg.norm(path[-1] - path[0])),
        float(np.degrees(np.arctan2(left.sum(), ahead.sum()))),
        length / (len(joints) / FPS),
    )


def locomotion(found: Travel, base: Action) -> Action | None:
    """The action that going this way is; None where it is not clear enough to be called anything.

    Args:
        base: what the recording is said to show: its style, and a variant that holds for walking
            straight ahead alone.
    """
    gait: Literal["run"] | None = "run" if found.runs else None
    if found.still:
        return _on_the_spot(found)
    side = "left" if found.turn > 0 else "right"
    size = abs(found.turn)
    if size < _STRAIGHT and max(found.lobes) < _LOBE:
        return _straight(found, base)
    if abs(found.direction) > _DIAGONAL:  # turning while going sideways or back
        return None
    if min(found.lobes) > _LOBE:
        winds = size < _STRAIGHT + _LOBE and gait is None and found.away > 0.6 * found.length
        return Action("walk_winding") if winds else _about(base, gait)
    if size < _TURN or size < _ONE_WAY * found.wander - 10:
        return None
    even = found.evenness < _EVEN
    if even and size >= _CIRCLE - 60 and found.length > 2.0:
        return Action(f"walk_circle_{side}", style=base.style, variant=gait)
    if size >= _ABOUT:
        close = size < _CIRCLE and not even
        return Action(f"about_turn_{side}", style=base.style, variant=gait) if close else None
    if even:
        return Action(f"walk_curve_{side}", style=base.style, variant=gait)
    return Action(f"turn_{side}", style=base.style, variant=gait)


def _on_the_spot(found: Travel) -> Action | None:
    side = "left" if found.turn > 0 else "right"
    size = abs(found.turn)
    if size < _STANDS_STILL and max(found.lobes) < _LOBE / 2:
        return Action("stand")
    if size > _TURN and size > _ONE_WAY * found.wander - 10:
        return Action(f"turn_in_place_{side}")
    return None


def _straight(found: Travel, base: Action) -> Action | None:
    side = "left" if found.direction > 0 else "right"
    off = abs(found.direction)
    if found.away < 0.8 * found.length:
        return None
    if off < _AHEAD:
        if found.runs or base.kind == "run":
            variant = base.variant if base.kind == "run" else None
            return Action("run", style=base.style, variant=variant) if found.runs else None
        variant = base.variant if base.kind == "walk_forward" else None
        return Action("walk_forward", style=base.style, variant=variant)
    if found.runs:
        return None
    if off < _DIAGONAL:
        return Action(f"walk_diagonal_{side}", style=base.style)
    if off < _BACK:
        return Action(f"side_step_{side}", style=base.style)
    return Action("walk_backward", style=base.style)


def _about(base: Action, gait: Literal["run"] | None) -> Action | None:
    """Going here and there, which only a stroll is called."""
    return Action("walk_around", style=base.style) if gait is None else None
