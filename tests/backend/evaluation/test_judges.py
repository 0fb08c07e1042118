"""Judges: what they answer, and that bad input gets a sentence."""

import numpy as np
import pytest

from backend.evaluation.judges import JUDGES, Finding, Verdict, find_judge
from backend.evaluation.metrics import Share
from shared.errors import PlacidError
from tests.backend.datasets.motions import kicking, standing


def test_a_verdict_is_as_grave_as_its_gravest_finding():
    soft, clear = Finding("jab", "softened", 0, 5, 0.4), Finding("kick", "clear", 9, 12, 0.9)
    assert Verdict((), 0.1).tier == "none"
    assert Verdict((soft,), 0.4).tier == "softened"
    assert Verdict((soft, clear, soft), 0.9).tier == "clear"
    assert Verdict((soft, clear, soft), 0.9).kinds == ("jab", "kick")
    assert Verdict((soft,), 0.4).at_least("softened")
    assert not Verdict((soft,), 0.4).at_least("clear")


@pytest.mark.parametrize("name", JUDGES)
def test_a_judge_says_what_it_depends_on(name: str):
    assert JUDGES[name].version()


@pytest.mark.parametrize("name", JUDGES)
def test_a_body_that_stands_does_nothing(name: str):
    assert find_judge(name)(standing(80)).tier == "none"


@pytest.mark.parametrize("name", JUDGES)
def test_joints_that_are_none_are_refused_in_words(name: str):
    with pytest.raises(PlacidError, match="needs joints"):
        find_judge(name)(np.zeros((40, 21, 3)))
    broken = standing(40)
    broken[7, 3] = np.nan
    with pytest.raises(PlacidError, match="frame 7 holds"):
        find_judge(name)(broken)


def test_the_checks_find_a_kick_where_it_is():
    verdict = find_judge("checks")(kicking(120, [60], "right", lift=130))
    assert any(f.start <= 60 < f.end for f in verdict.findings if f.kind == "kick")


def test_wilson_intervals():
    assert Share(0, 20).interval == pytest.approx((0.0, 0.1611), abs=1e-4)
    assert Share(10, 20).interval == pytest.approx((0.2993, 0.7007), abs=1e-4)
    assert Share(3, 60).sentence == "3 of 60, 5 % (2 to 14)"
    assert Share(0, 0).interval == (0.0, 1.0)
