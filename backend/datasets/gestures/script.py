"""How a gesture is written: moves of two arms, the head, the trunk and the shoulders in time.

Everything is written for the right arm as the acting one; the left is its mirror image. Points are
(out, up, front) in metres on Placid's skeleton: `out` is to the arm's own side, so the same point
serves either arm, and a negative `out` lies across the body. Angles are radians.
"""

from dataclasses import dataclass, field
from typing import Final, Literal

import numpy as np

from backend.datasets.gestures.tracks import Track

Frame = Literal["head", "chest", "hips"]
Vector = tuple[float, float, float]

ELBOW_DOWN: Final[Vector] = (0.5, -0.8, -0.3)


@dataclass(frozen=True)
class Point:
    """A place for a wrist, fixed to a part of the body."""

    frame: Frame
    out: float
    up: float
    front: float

    def moved(self, out: float = 0.0, up: float = 0.0, front: float = 0.0) -> "Point":
        """The point some metres away."""
        return Point(self.frame, self.out + out, self.up + up, self.front + front)


def head(out: float, up: float, front: float) -> Point:
    """Seen from the middle of the head: brow (0.05, 0.06, 0.1), mouth (0, -0.05, 0.1)."""
    return Point("head", out, up, front)


def chest(out: float, up: float, front: float) -> Point:
    """Seen from between the shoulders, which are at 0.18 to the sides."""
    return Point("chest", out, up, front)


def hips(out: float, up: float, front: float) -> Point:
    """Seen from the pelvis."""
    return Point("hips", out, up, front)


@dataclass(eq=False)
class Arm(Track):
    """One arm: keys are places of the wrist with the side that the elbow points to.

    Attributes:
        points, elbows: per key from 1; key 0 is the recorded arm.
        arcs: per key, how far the way to it bends away, (out, up, front).
        offsets: vectors of the beats, (out, up, front) in the chest's frame.
    """

    points: list[Point] = field(default_factory=list)
    elbows: list[Vector] = field(default_factory=list)
    arcs: list[Vector] = field(default_factory=list)
    offsets: list[Vector] = field(default_factory=list)

    def reach(
        self,
        point: Point,
        seconds: float,
        elbow: Vector = ELBOW_DOWN,
        arc: Vector = (0.05, 0.0, 0.12),
    ) -> None:
        """Bring the wrist to a point."""
        self.points.append(point)
        self.elbows.append(elbow)
        self.arcs.append(arc)
        self.go(seconds)

    def release(self, seconds: float) -> None:
        """Let the recorded arm take over again."""
        self.go(seconds, key=0)

    def stroke(self, offset: Vector, count: int, hertz: float, out: float = 0.5) -> None:
        """`count` strokes by an offset and back; `out` as in `Track.strokes`."""
        self._add(offset)
        self.strokes(len(self.offsets) - 1, count, hertz, out)

    def swing(self, offset: Vector, count: int, hertz: float) -> None:
        """`count` swings to both sides of the point."""
        self._add(offset)
        self.swings(len(self.offsets) - 1, count, hertz)

    def steps(self, offset: Vector, amounts: list[float], seconds: list[float]) -> None:
        """Go along an offset to each amount in its time."""
        self._add(offset)
        self.beat(len(self.offsets) - 1, amounts, seconds)

    def _add(self, offset: Vector) -> None:
        out, up, front = (value * self.size for value in offset)
        self.offsets.append((out, up, front))


@dataclass(eq=False)
class Angle(Track):
    """One angle of the head, trunk or a shoulder; key 0 is the recorded one."""

    values: list[float] = field(default_factory=list)
    sizes: list[float] = field(default_factory=list)

    def to(self, angle: float, seconds: float) -> None:
        """Go to an angle beyond the recorded one."""
        self.values.append(angle * self.size)
        self.go(seconds)

    def release(self, seconds: float) -> None:
        """Go back to the recorded angle."""
        self.go(seconds, key=0)

    def stroke(self, angle: float, count: int, hertz: float, out: float = 0.5) -> None:
        """`count` strokes by an angle and back."""
        self.sizes.append(angle * self.size)
        self.strokes(len(self.sizes) - 1, count, hertz, out)

    def swing(self, angle: float, count: int, hertz: float) -> None:
        """`count` swings to both sides."""
        self.sizes.append(angle * self.size)
        self.swings(len(self.sizes) - 1, count, hertz)


ANGLES: Final = ("nod", "turn", "tilt", "lean", "twist", "sway", "lift", "other_lift")


class Script:
    """What a gesture writes into.

    Attributes:
        arm, other: the acting (right) arm and the other one.
        arms: the arms that act: `arm` alone, or both.
        nod, turn, tilt: the head forward, to the acting side, towards the acting shoulder.
        lean, twist, sway: the trunk forward, to the acting side, towards the acting side.
        lift, other_lift: the shoulder of the acting and of the other arm upwards.
        count: how often the stroke is done; 1 where the gesture has none.
        variant: the sort of the gesture; None where it has one.
        size: about 1; how large the gesture is done.
        still: the gesture is held to the end of the motion.
        settled: when everything was done and is let go, in seconds.
    """

    def __init__(
        self,
        rng: np.random.Generator,
        *,
        tempo: float = 1.0,
        both: bool = False,
        count: int = 1,
        variant: str | None = None,
        still: bool = False,
        lead: float = 0.4,
    ) -> None:
        self.rng = rng
        self.tempo = tempo
        self.count = count
        self.variant = variant
        self.still = still
        self.size = float(rng.uniform(0.85, 1.15))
        self.arm, self.other = (Arm(tempo, rng, self.size, clock=lead) for _ in range(2))
        self.arms = (self.arm, self.other) if both else (self.arm,)
        angles = {name: Angle(tempo, rng, self.size, 14.0, lead) for name in ANGLES}
        self.nod, self.turn, self.tilt = angles["nod"], angles["turn"], angles["tilt"]
        self.lean, self.twist, self.sway = angles["lean"], angles["twist"], angles["sway"]
        self.lift, self.other_lift = angles["lift"], angles["other_lift"]
        self.angles = angles
        self.settled = 0.0

    @property
    def tracks(self) -> tuple[Track, ...]:
        """Every track of the script."""
        return (self.arm, self.other, *self.angles.values())

    def vary(self, value: float, share: float = 0.15) -> float:
        """A value near the given one."""
        return value * (1.0 + share * float(self.rng.uniform(-1.0, 1.0)))

    def shift(self, metres: float) -> float:
        """A small offset to either side."""
        return metres * float(self.rng.uniform(-1.0, 1.0))

    def chance(self, share: float) -> bool:
        """True that often."""
        return bool(self.rng.random() < share)

    def finish(self, seconds: float = 0.65) -> None:
        """Bring everything that moved back to the recording, unless the gesture is held."""
        end = max(track.clock for track in self.tracks if track.moves or track.beats)
        self.settled = end
        for track in self.tracks:
            if track.moves and track.moves[-1].key and not self.still:
                track.clock = end
                track.go(self.vary(seconds), key=0)

    def held(self) -> tuple[float, float]:
        """From when to when a gesture is on after it was taken up and before it is let go."""
        arms = [arm.moves for arm in (self.arm, self.other) if arm.moves]
        return max(moves[0].end for moves in arms) + 0.15, self.settled

    def active(self) -> tuple[float, float]:
        """When the gesture starts and ends, in seconds."""
        spans = [track.active() for track in self.tracks]
        end = self.settled if self.still else max(end for _, end in spans)
        return min(start for start, _ in spans), end
