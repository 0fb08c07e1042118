"""Paths that nobody can follow are refused with a sentence."""

import pytest

from shared.errors import PlacidError
from shared.protocol.messages import Capabilities, Choice, Generate, Path, validate

CAPABILITIES = Capabilities("0", (Choice("momask", ""),), (Choice("off", ""),), (), "off")
LINE = ((0.0, 0.0), (0.0, 2.0), (0.0, 4.0))


def request(points=LINE, seconds=None, loop="off", **path) -> Generate:
    return Generate(
        "a person walks", seconds, loop=loop, safety="off", path=Path(tuple(points), **path)
    )


@pytest.mark.parametrize(
    "wanted",
    [
        request(),
        request(seconds=30.0),
        request(times=(None, 2.0, 4.5)),
        request(times=(0.0, 2.0, None), face=(3.0, 1.0)),
    ],
)
def test_paths_within_the_limits_pass(wanted):
    validate(wanted, CAPABILITIES)


@pytest.mark.parametrize(
    ("wanted", "names"),
    [
        (request(LINE[:1]), "the path has 1 points; give it 2 to 4000"),
        (request(((0.0, 0.0), (0.0, 0.1))), "the path is 0.10 m long; make it at least 0.5 m"),
        (request(((0.0, 0.0), (float("nan"), 3.0))), "a point at nan, 3; keep it within 1000 m"),
        (request(face=(0.0, 1e9)), "a point at 0, 1e\\+09"),
        (request(times=(0.0, 1.0)), "3 points and 2 times; give every point a time or none"),
        (request(times=(None, 4.0, 3.0)), "has the time 3 s; the times have to rise"),
        (request(times=(None, 4.0, 99.0)), "has the time 99 s; .* up to 60 s"),
        (
            request((*LINE, LINE[-1]), times=(None, None, 4.0, 5.0)),
            r"lie on one place \(0, 4\); move or remove one",
        ),
        (request(seconds=3.0, times=(None, 2.0, 4.0)), "but the take ends after 3 s; give"),
    ],
)
def test_paths_outside_the_limits_are_refused(wanted, names):
    with pytest.raises(PlacidError, match=names) as error:
        validate(wanted, CAPABILITIES)
    assert error.value.code == "bad_path"


def test_a_path_is_no_loop_and_has_an_end():
    with pytest.raises(PlacidError, match="set the loop to off"):
        validate(request(loop="in_place"), CAPABILITIES)
    with pytest.raises(PlacidError, match="seconds is 61; choose a value from 1 to 60"):
        validate(request(seconds=61.0), CAPABILITIES)
