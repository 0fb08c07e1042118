"""Intervals against closed forms, and that they cover what they promise to cover."""

import numpy as np
import pytest
from scipy.stats import binomtest

from backend.evaluation.metrics import EmbeddingStatistics, Share, wilson
from backend.evaluation.metrics.fid import frechet_distance
from backend.evaluation.uncertainty import (
    FEWEST,
    Draws,
    ends,
    frechet_draws,
    frechet_draws_between,
    mean_ends,
    rate_difference_ends,
    share_ends,
)


@pytest.mark.parametrize(("count", "total"), [(0, 60), (1, 60), (30, 60), (60, 60), (7, 9)])
def test_wilson_is_the_librarys(count: int, total: int) -> None:
    expected = binomtest(count, total).proportion_ci(0.95, method="wilson")
    assert wilson(count / total, total) == pytest.approx((expected.low, expected.high))
    assert Share(count, total).interval == wilson(count / total, total)
    assert wilson(0.5, 0) == (0.0, 1.0)


def test_generations_of_one_prompt_are_no_further_trials() -> None:
    rng = np.random.default_rng(0)
    same = np.repeat((rng.random(60) < 0.3)[None].astype(float), 20, axis=0)
    assert share_ends(same) == pytest.approx(wilson(same.mean(), 60), abs=0.01)
    free = (rng.random((20, 60)) < 0.3).astype(float)
    low, high = share_ends(free)
    assert high - low < 0.5 * np.diff(share_ends(same))[0]
    # Nothing seen in 20 generations of 60 prompts says something about 60 prompts.
    assert share_ends(np.zeros((20, 60))) == wilson(0.0, 60)


def test_a_paired_difference_is_surer_than_two_means() -> None:
    rng = np.random.default_rng(1)
    base = rng.standard_normal(80)
    other = base + 0.1 + 0.01 * rng.standard_normal(80)
    draws = Draws.of(80, 0)
    low, high = ends(draws.means(other) - draws.means(base))
    assert 0.09 < low < 0.1 < high < 0.11
    alone = mean_ends(base, draws)
    assert alone is not None
    assert alone[1] - alone[0] > 10 * (high - low)


def test_the_interval_of_a_mean_covers_it() -> None:
    rng, covered = np.random.default_rng(2), 0
    for trial in range(200):
        found = mean_ends(rng.exponential(size=60), Draws.of(60, trial, 400))
        assert found is not None
        covered += found[0] <= 1.0 <= found[1]
    assert 175 <= covered <= 198


def test_values_that_are_not_there_are_left_out() -> None:
    values = np.full(20, np.nan)
    values[:10] = 3.0
    assert mean_ends(values, Draws.of(20, 0)) == pytest.approx((3.0, 3.0))
    assert mean_ends(np.arange(FEWEST - 1.0), Draws.of(FEWEST - 1, 0)) is None


def test_the_runs_of_d_r_widen_the_interval() -> None:
    rng = np.random.default_rng(3)
    runs = [rng.standard_normal(60) * 0.1 + shift for shift in (0.0, 0.5, 1.0)]
    draws = Draws.of(60, 0)
    one = ends(draws.means_of_runs(runs[:1]))
    three = ends(draws.means_of_runs(runs))
    assert one is not None
    assert three is not None
    assert three[1] - three[0] > 5 * (one[1] - one[0])


def test_rows_without_a_strike_are_not_proved_equal() -> None:
    low, high = rate_difference_ends(np.zeros(60), (0.0, 0.0))
    assert low == -high
    assert 0.02 < high < 0.05
    low, high = rate_difference_ends(np.ones(60), None)
    assert low > 0.9


def test_the_distance_of_two_models_is_that_of_their_statistics() -> None:
    rng = np.random.default_rng(5)
    for count in (12, 90):
        a, b = rng.standard_normal((count, 16)), rng.standard_normal((count, 16)) + 0.5
        once = Draws(np.ones((1, count)), np.zeros((1, 16), dtype=np.int64))
        expected = frechet_distance(EmbeddingStatistics.of(a), EmbeddingStatistics.of(b))
        assert frechet_draws_between([a], [[b]], once)[0] == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("count", [12, 90])
def test_a_draw_of_every_prompt_once_gives_the_distance_itself(count: int) -> None:
    rng = np.random.default_rng(4)
    real = EmbeddingStatistics.of(rng.standard_normal((200, 16)))
    rows = rng.standard_normal((count, 16)) + 0.3
    once = Draws(np.ones((1, count)), np.zeros((1, 16), dtype=np.int64))
    expected = frechet_distance(real, EmbeddingStatistics.of(rows))
    assert frechet_draws([rows], real, once)[0] == pytest.approx(expected, rel=1e-6)
