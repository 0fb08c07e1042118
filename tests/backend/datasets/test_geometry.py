import numpy as np
import pytest

from backend.datasets import geometry
from backend.datasets.actions import Action
from shared.motion.skeleton import JOINT
from tests.backend.datasets.motions import kicking, standing, walking


@pytest.mark.parametrize("turn", [90.0, -90.0, 170.0])
def test_heading_is_positive_to_the_left(turn):
    assert geometry.heading(walking(100, turn=turn))[-1] == pytest.approx(turn, abs=0.5)


def test_travel_speed_is_signed():
    assert geometry.travel_speed(walking(50, speed=1.2)) == pytest.approx(1.2, rel=0.01)
    assert geometry.travel_speed(walking(50, speed=-0.8)) == pytest.approx(-0.8, rel=0.01)


def test_the_turn_span_covers_the_turn():
    start, end = geometry.turn_span(walking(100, turn=-80))
    assert 40 <= start < 46
    assert 54 < end <= 61


def test_strikes_tell_frames_and_sides():
    assert geometry.strikes(kicking(120, [30, 80], "right"), "kick") == [
        (30, "right"),
        (80, "right"),
    ]
    assert geometry.strikes(walking(120), "kick") == []
    assert geometry.strikes(standing(60), "punch") == []


def test_the_raise_span_ends_at_the_highest_point():
    joints = standing(40)
    wrist = JOINT["left_wrist"]
    joints[:, wrist, 1] += np.concatenate([np.zeros(10), np.linspace(0, 0.9, 15), np.zeros(15)])
    start, end = geometry.raise_span(joints, "left")
    assert start < 11
    assert end == 25


def test_the_bow_span_is_the_bent_part():
    joints = standing(60)
    joints[20:40, JOINT["head"], 1] -= 0.4
    assert geometry.bow_span(joints) == (20, 40)


def test_the_jump_span_holds_the_flight():
    joints = standing(60)
    flight = np.sin(np.linspace(0, np.pi, 12)) * 0.4
    joints[24:36] += np.stack([0 * flight, flight, 0 * flight], axis=-1)[:, None]
    start, end = geometry.jump_span(joints)
    assert start <= 24
    assert end >= 36


def test_strike_windows_keep_their_distance_from_other_strikes():
    segments = list(geometry.strike_segments(300, [(60, "left"), (200, "right")], Action("kick")))
    assert [(s.start, s.end, s.action.side) for s in segments] == [
        (20, 100, "left"),
        (160, 240, "right"),
    ]
    dense = list(geometry.strike_segments(300, [(60, "left"), (100, "left")], Action("kick")))
    assert (dense[0].start, dense[0].end, dense[0].core) == (20, 140, None)
    assert [segment.end for segment in dense[1:]] == [80, 140]
