"""Takes that travel along a curve on the floor.

No network can be told where to go. So somebody is let stand, travel straight on and stand again for
as long as it takes to cover the curve's length, and that motion is laid along the curve
(`backend/motion/path_warp.py`), with strides and pace a little other than its own.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np

from backend.generation.context import GenerationContext, subprogress
from backend.generation.redraws import AnyRedraw
from backend.generation.timeline import make_timeline
from backend.generation.token_sampler import derived_seed
from backend.motion.blending import heading
from backend.motion.carried_arms import carry_arms
from backend.motion.features import bone_lengths
from backend.motion.floor_curve import FloorCurve
from backend.motion.lengths import FPS
from backend.motion.pacing import Knot, Pace, at_frames, own_pace, pace_by
from backend.motion.path_warp import Way, effort, follow
from backend.motion.turning import frames_to_turn
from shared.errors import PlacidError
from shared.motion.rotations import wrapped
from shared.motion.skeleton import BONE_LENGTHS, JOINT
from shared.protocol.requests import Generate, Segment, Timeline

_STAND: Final = "a person stands still"
_BEFORE: Final = 1.0  # seconds
_AFTER: Final = 1.4
# Seconds of standing that are kept at both ends.
_KEPT: Final = (0.4, 0.8)
_LONGEST_PART: Final = 8.0
_SHORTEST: Final = 0.6
_LONGEST: Final = 60.0
# A motion fits a curve when strides need to change by less than this share, pauses included.
_CLOSE: Final = 0.12
_TRIES: Final = 6
# Before anything was seen: metres a second.
_GUESSED_SPEED: Final = 1.0
# Metres a second below which a motion does not travel, and below which it hardly does.
_LEAST_SPEED: Final = 0.15
_SLOW: Final = 0.35
# A motion that wanders more than this does not go where it looks; see `Way.straightness`.
_STRAIGHT: Final = 0.85
# What is added to a prompt that says no direction, where its motion wanders or hardly travels.
_ONWARD: Final = "forward"
# A body that faces along its way within this (radians) shall do so when it arrives.
_AHEAD: Final = np.radians(45.0)
# Strides and pace that still look like the motion.
_STRIDES: Final = (0.5, 1.35)
_RATES: Final = (0.55, 1.7)
# What a wish for another speed leaves to the strides, before the pace takes over.
_WISHED_STRIDES: Final = (0.75, 1.25)
_ACT_SECONDS: Final = 3.0
# Both legs of Placid's skeleton, by whose length rigs scale a motion, as bones of `bone_lengths`.
_LEG_BONES: Final = [JOINT[f"{s}_{j}"] - 1 for s in ("left", "right") for j in ("knee", "ankle")]
_LEG: Final = float(BONE_LENGTHS[1:][_LEG_BONES].sum())
# Frames before another act in which arms are its own already.
_ACT_EASE: Final = 6
# A share of the usual speed from which on a body is on its way.
_GOING: Final = 0.5
# Metres after which a body has set out, and before the end of which it arrives.
_MOVED: Final = 0.1


@dataclass(frozen=True)
class MadePath:
    """Joints (T, 22, 3), metres, Y up, contacts (T, 4), and what is told of them.

    `redraws` is what the token guard drew anew, in frames before the motion lies along the curve.
    """

    joints: np.ndarray
    contacts: np.ndarray
    told: dict[str, Any]
    redraws: list[AnyRedraw]


@dataclass(frozen=True)
class _Walk:
    """A motion that stands, travels and stands.

    Attributes:
        way: of it.
        turn: radians by which it turns then.
        strays: radians by which it turned away by itself when it had arrived.
        redraws: what the guards drew anew.
    """

    joints: np.ndarray
    contacts: np.ndarray
    way: Way
    turn: float
    strays: float = 0.0
    redraws: list[AnyRedraw] = field(default_factory=list)


def make_paths(
    request: Generate, prompts: Sequence[str], seeds: Sequence[int], context: GenerationContext
) -> Iterator[MadePath]:
    """The takes of a request with a path, one for each seed.

    Args:
        prompts: the request's, parted: the first one is how to travel, the others are for the end.

    Raises:
        PlacidError: `bad_path` for a curve that the motion cannot follow.
    """
    for number, seed in enumerate(seeds):
        progress = subprogress(context.progress, number / len(seeds), 1 / len(seeds))
        yield _Path(request, prompts, replace(context, progress=progress)).made(seed)


class _Path:
    """One request's curve and wishes."""

    def __init__(
        self, request: Generate, prompts: Sequence[str], context: GenerationContext
    ) -> None:
        assert request.path is not None, "asked for"
        self._request, self._path, self._context = request, request.path, context
        self._travel, *self._acts = prompts
        self._curve = FloorCurve.of(np.array(request.path.points))
        self._facing = self._last_facing()
        self._seconds = self._total()

    def made(self, seed: int) -> MadePath:
        """The take of a seed."""
        walk = self._long_enough(seed)
        pace = self._paced(walk.way)
        self._check(pace)
        costs = effort(self._curve, walk.way.speed)
        arc = np.interp(pace.effort, costs, self._curve.arc)
        joints, contacts = follow(walk.joints, walk.contacts, walk.way, self._curve, arc, walk.turn)
        if len(pace.frames) != len(joints) or pace.rates[0] != 1.0:
            shown = np.round(pace.frames).astype(int)
            joints, contacts = at_frames(joints, pace.frames), contacts[shown]
        joints = joints.astype(np.float32)
        return MadePath(joints, contacts, {"path": self._told(joints, pace)}, walk.redraws)

    def _told(self, joints: np.ndarray, pace: Pace) -> dict[str, Any]:
        away = self._curve.distances(joints[:, 0, [0, 2]])
        return {
            "metres": round(self._curve.length, 3),
            "mean_distance": round(float(away.mean()), 4),
            "strides": [round(float(stride), 3) for stride in pace.strides],
            "rates": [round(float(rate), 3) for rate in pace.rates],
        }

    def _last_facing(self) -> float | None:
        """Radians from the curve's last direction to the point that is to be faced."""
        if self._path.face is None:
            return None
        end, headings = self._curve.at(np.array([self._curve.length]))
        way = np.array(self._path.face) - end[0]
        return float(np.arctan2(way[0], way[1]) - headings[0])

    def _total(self) -> float | None:
        """Seconds of the whole take, where they are given."""
        if self._request.seconds is None and self._path.times and self._path.times[-1] is not None:
            return self._path.times[-1] + _KEPT[1]
        return self._request.seconds

    def _long_enough(self, seed: int) -> _Walk:
        """A motion that travels about as far as the curve is worth in efforts."""
        best: tuple[float, _Walk] | None = None
        seconds, travel = self._curve.length / _GUESSED_SPEED, self._travel
        for attempt in range(_TRIES):
            seconds = min(max(seconds, _SHORTEST), self._longest())
            part = subprogress(self._context.progress, attempt / _TRIES, 1 / _TRIES)
            walk = self._walk(travel, seconds, derived_seed(seed, attempt), part)
            speed = walk.way.speed
            if (speed < _SLOW or walk.way.straightness < _STRAIGHT) and travel == self._travel:
                travel = f"{travel} {_ONWARD}"
            if speed < _LEAST_SPEED:
                continue
            missing = self._wanted(walk.way) - walk.way.length
            # A detour counts like a length that does not fit, and so does waiting on the way.
            wandering = 1.0 - walk.way.straightness + walk.way.pausing + walk.strays / (2 * np.pi)
            off = abs(missing) / walk.way.length + wandering
            if best is None or off < best[0]:
                best = off, walk
            if off < _CLOSE:
                break
            seconds += missing / speed
        if best is None:
            raise self._stays()
        return best[1]

    def _walk(self, travel: str, seconds: float, seed: int, progress: Any) -> _Walk:
        count = int(np.ceil(seconds / _LONGEST_PART))
        turning = 0 if self._facing is None else frames_to_turn(np.pi)
        after = _AFTER + turning / FPS
        acts = [Segment(prompt, _ACT_SECONDS) for prompt in self._acts]
        segments = (
            Segment(_STAND, _BEFORE),
            *[Segment(travel, seconds / count)] * count,
            Segment(_STAND, after),
            *acts,
        )
        timeline = Timeline(segments=segments, model=self._request.model)
        context = replace(self._context, progress=progress)
        [(joints, contacts, redraws)] = make_timeline(timeline, [seed], context, FPS)
        joints = joints * (_LEG / bone_lengths(joints)[_LEG_BONES].sum())
        arrived = round((_BEFORE + seconds + after) * FPS) if acts else len(joints)
        return replace(self._trimmed(joints, contacts, arrived), redraws=redraws)

    def _longest(self) -> float:
        return _LONGEST - _BEFORE - _AFTER - _ACT_SECONDS * len(self._acts)

    def _wanted(self, way: Way) -> float:
        """Metres that the motion should travel by itself for this curve."""
        costs = effort(self._curve, way.speed)[-1]
        if self._seconds is None:
            return float(costs)
        moving = max(self._seconds - sum(_KEPT) - _ACT_SECONDS * len(self._acts), _SHORTEST)
        stride = np.clip(np.sqrt(costs / (way.speed * moving)), *_WISHED_STRIDES)
        return float(costs / stride)

    def _paced(self, way: Way) -> Pace:
        costs = effort(self._curve, way.speed)
        knots = [
            Knot(time, float(np.interp(mark, self._curve.arc, costs)))
            for time, mark in zip(self._path.times, self._curve.marks, strict=False)
            if time is not None and 0.0 < mark < self._curve.length
        ]
        total = self._seconds
        if total is None and not knots:
            return own_pace(way.progress, float(costs[-1]))
        if total is None:
            rest = float(costs[-1]) - knots[-1].effort
            total = knots[-1].time + rest / way.speed + _KEPT[1]
        return pace_by(way.progress, [Knot(0.0, 0.0), *knots, Knot(total, float(costs[-1]))], FPS)

    def _check(self, pace: Pace) -> None:
        """Raises PlacidError `bad_path` for strides or a pace that no longer look like walking."""
        fits = _STRIDES[0] <= pace.strides.min() and pace.strides.max() <= _STRIDES[1]
        if fits and _RATES[0] <= pace.rates.min() and pace.rates.max() <= _RATES[1]:
            return
        speeds = pace.strides * pace.rates
        worst = int(np.abs(np.log(speeds)).argmax())
        length = f"the path of {self._curve.length:.1f} m"
        if len(pace.strides) == 1 and self._seconds is None:
            remedy = "shorten it" if speeds[0] > 1 else "make it longer"
            raise PlacidError(
                "bad_path",
                f"{length} does not fit {self._travel!r}, which covers "
                f"{self._curve.length / speeds[0]:.1f} m; {remedy}, or ask for another way to go",
            )
        which = f"leg {worst + 1} of {length}" if len(pace.strides) > 1 else length
        more = "more" if speeds[worst] > 1 else "less"
        raise PlacidError(
            "bad_path",
            f"in the time given for {which}, {self._travel!r} would have to be "
            f"{speeds[worst]:.1f} times as fast as it is; give it {more} time, or ask for another "
            "way to go",
        )

    def _stays(self) -> PlacidError:
        return PlacidError(
            "bad_path",
            f"{self._travel!r} does not travel, so it cannot follow a path; ask for a way to go, "
            "as in 'a person walks', 'a person runs' or 'a person sneaks'",
        )

    def _trimmed(self, joints: np.ndarray, contacts: np.ndarray, arrived: int) -> _Walk:
        """The motion with little standing at its ends; its way ends at frame `arrived`."""
        way = Way.of(joints[:arrived])
        going = np.zeros(len(joints), bool)
        going[1:arrived] = np.diff(way.progress) * FPS > _GOING * way.speed
        last_own = arrived - _ACT_EASE if arrived < len(joints) else arrived
        joints = carry_arms(joints, going, np.arange(len(joints)) >= last_own)
        start, end, turn, strays = 0, len(joints), 0.0, 0.0
        if way.length > 2 * _MOVED:
            first, last = np.searchsorted(way.progress, [_MOVED, way.length - _MOVED]).tolist()
            start = max(0, first - round(_KEPT[0] * FPS))
            still = min(last + round(_KEPT[1] * FPS), arrived - 1)
            off = [wrapped(heading(joints[i]) - way.headings[i]) for i in range(first, last + 1)]
            goes = float(np.median(off))
            ahead = wrapped(heading(joints[still]) - float(way.headings[still]))
            turn, strays = self._turn(goes, ahead), abs(ahead) if abs(goes) < _AHEAD else 0.0
            if arrived == end:
                end = min(end, still + 1 + frames_to_turn(turn))
                # A body that stands may go on turning by itself: what counts is where it ends.
                ahead = wrapped(heading(joints[end - 1]) - float(way.headings[end - 1]))
                turn, strays = self._turn(goes, ahead), max(strays, abs(ahead))
        shown = np.minimum(np.arange(start, end), arrived - 1)
        progress = way.progress[shown] - way.progress[start]
        cut = Way(way.places[shown], way.headings[shown], progress)
        return _Walk(joints[start:end], contacts[start:end], cut, turn, strays)

    def _turn(self, goes: float, ahead: float) -> float:
        """Radians to turn at the end, where the body faces `ahead` off its way.

        `goes` is how far off its way it faced while it travelled.
        """
        if self._facing is None:
            return -wrapped(ahead) if abs(goes) < _AHEAD else 0.0
        return wrapped(self._facing - ahead)
