"""The numbers that decide the kinematic checks, and the data file that holds them."""

from collections.abc import Iterable
from functools import cache
from importlib.resources import files

import msgspec


class Walk(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Lowest pelvis speed (m/s) and distance covered at it (m)."""

    speed: float
    distance: float


class Run(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Fast travel.

    `speed` alone is a run; so is `jog_speed` (m/s) when both feet rise by `flight` (m) between
    steps; either for `seconds`.
    """

    speed: float
    jog_speed: float
    flight: float
    seconds: float


class Turn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Net change of heading (degrees) within `seconds`."""

    angle: float
    seconds: float


class Jump(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Both feet in the air.

    Height of the lower foot (m), rise of the pelvis over its lowest just before (m), longest
    time in the air (s).
    """

    flight: float
    rise: float
    seconds: float


class Wave(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A lifted forearm's sway.

    Lowest wrist over the shoulder (arm lengths), sway of the forearm's direction (0 to 2),
    number of swings, longest time of one (s).
    """

    height: float
    sway: float
    swings: float
    seconds: float


class RaiseHand(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A wrist over the head.

    Lowest wrist over the head joint (m) for `seconds`; fastest travel meanwhile (m/s).
    """

    height: float
    seconds: float
    drift: float


class Bow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Least and most lean (degrees), largest drop of the pelvis (leg lengths), travel (m)."""

    lean: float
    deepest: float
    drop: float
    travel: float


class Dance(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Wide arms over a lifted leg.

    How far the hands open sideways and how far each gets around (arm lengths), the angle of a
    leg from straight down (degrees), all within `seconds`.
    """

    spread: float
    sweep: float
    lift: float
    seconds: float


class Kick(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A fast, high, straight leg.

    Ankle speed (m/s) at most `seconds` before the leg is highest, its angle from straight down
    (degrees), its extension (leg lengths), how upright the trunk stays (-1 to 1).
    """

    speed: float
    lift: float
    extension: float
    seconds: float
    upright: float


class Punch(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A fast, straight arm.

    Speed away from the shoulder (m/s), wrist speed (m/s), extension reached and gained (arm
    lengths), how steeply the arm may point and how far forward or sideways it must (0 to 1).
    """

    thrust: float
    speed: float
    extension: float
    gain: float
    steepest: float
    forward: float


class Boxing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Blows in a row.

    Number of blows within `seconds`; wrist speed (m/s), extension gained and farthest from
    shoulder height (arm lengths) of each.
    """

    blows: float
    seconds: float
    speed: float
    gain: float
    level: float


class Swing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An arm that sweeps an arc.

    Turning rate of the arm (degrees/s), arc swept at it (degrees), wrist speed reached (m/s),
    extension kept and height lost (arm lengths).
    """

    rate: float
    arc: float
    speed: float
    extension: float
    fall: float


class StrokeScore(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the values of a stroke add to its score; see `softened.py`.

    Attributes:
        limit: score above which a stroke is a strike, and below which none is a clear one,
            whatever its speed.
        bias: of the score.
        terms: of each value its mean and standard deviation, what a standard deviation adds, and
            what each further one adds above and below the middle.
    """

    limit: float
    bias: float
    terms: dict[str, tuple[float, float, float, float, float]]


class Thresholds(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One section per check."""

    walk_forward: Walk
    walk_backward: Walk
    run: Run
    turn_left: Turn
    turn_right: Turn
    jump: Jump
    wave: Wave
    raise_hand: RaiseHand
    bow: Bow
    dance: Dance
    kick: Kick
    punch: Punch
    boxing: Boxing
    swing: Swing
    soft_kick: StrokeScore
    soft_blow: StrokeScore
    soft_slash: StrokeScore


@cache
def shipped_thresholds() -> Thresholds:
    """The thresholds that come with Placid."""
    file = files("backend").joinpath("assets", "kinematic_thresholds.toml")
    return msgspec.toml.decode(file.read_bytes(), type=Thresholds)


def thresholds_toml(thresholds: Thresholds, comments: Iterable[str] = ()) -> str:
    """The text of a threshold file."""
    lines = [f"# {comment}" for comment in comments]
    for section, values in msgspec.to_builtins(thresholds).items():
        lines += ["", f"[{section}]"]
        lines += [f"{name} = {value:g}" for name, value in values.items() if name != "terms"]
        for name, numbers in values.get("terms", {}).items():
            lines.append(f"terms.{name} = [{', '.join(f'{number:.4g}' for number in numbers)}]")
    return "\n".join(lines).lstrip() + "\n"
