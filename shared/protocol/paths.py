"""Paths held against what can be walked: every refusal is one sentence with the remedy."""

import math
from itertools import pairwise

from ..errors import PlacidError
from .requests import MAX_PATH_POINTS, MAX_PATH_REACH, MIN_PATH_LENGTH, Path


def check_path(path: Path, seconds: float | None, longest: float) -> None:
    """Raise PlacidError `bad_path` for points or times that nobody can follow.

    Args:
        seconds: of the whole take, if they are given.
        longest: seconds that a take may have.
    """
    if not 2 <= len(path.points) <= MAX_PATH_POINTS:
        raise _bad(
            f"the path has {len(path.points)} points; give it 2 to {MAX_PATH_POINTS}, in order"
        )
    for place in (*path.points, *((path.face,) if path.face else ())):
        if not all(abs(value) <= MAX_PATH_REACH for value in place):
            raise _bad(
                f"the path has a point at {place[0]:g}, {place[1]:g}; keep it within "
                f"{MAX_PATH_REACH:g} m of the origin"
            )
    length = sum(math.dist(start, end) for start, end in pairwise(path.points))
    if length < MIN_PATH_LENGTH:
        raise _bad(f"the path is {length:.2f} m long; make it at least {MIN_PATH_LENGTH:g} m")
    if path.times:
        _check_times(path, seconds, longest)


def _check_times(path: Path, seconds: float | None, longest: float) -> None:
    if len(path.times) != len(path.points):
        raise _bad(
            f"the path has {len(path.points)} points and {len(path.times)} times; give every "
            "point a time or none, or leave the times out"
        )
    before, place = 0.0, path.points[0]
    for time, point in zip(path.times[1:], path.points[1:], strict=True):
        if time is None:
            continue
        if not before < time <= longest:
            raise _bad(
                f"a waypoint has the time {time:g} s; the times have to rise along the path, up "
                f"to {longest:g} s"
            )
        if math.dist(place, point) < 1e-6:
            raise _bad(
                f"two waypoints with times lie on one place ({point[0]:g}, {point[1]:g}); move or "
                "remove one"
            )
        before, place = time, point
    if seconds is not None and before >= seconds:
        raise _bad(
            f"the last waypoint has the time {before:g} s, but the take ends after {seconds:g} s; "
            "give the take more seconds or the waypoint an earlier time"
        )


def _bad(sentence: str) -> PlacidError:
    return PlacidError("bad_path", sentence)
