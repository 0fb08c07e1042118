"""The page's drawings and its refusal without the libraries that draw it."""

import importlib.util

import numpy as np
import pytest

from backend.evaluation.benchmark import html, plots
from backend.evaluation.benchmark.pictures import Histogram, Strip
from shared.errors import PlacidError
from shared.motion.skeleton import CHAINS


def test_the_same_figures_are_the_same_text():
    points = {"original": (0.7, 0.1), "D_r": (0.1, 0.2), "a <b> & c": (0.2, 0.3)}
    first, again = (plots.scatter(points, "strikes", "FID", "D_r") for _ in range(2))
    assert first == again
    assert first.startswith("<svg")
    assert "a &lt;b&gt; &amp; c" in first
    assert "<b>" not in first


def test_bars_stand_for_all_series_of_all_groups():
    drawn = plots.bars(["kick", "punch"], {"original": [0.5, 0.2], "lcr": [0.0, 0.0]}, "share")
    for text in ("kick", "punch", "original", "lcr", "share"):
        assert f">{text}</text>" in drawn


def test_a_histogram_leaves_out_codes_that_nobody_used():
    before, after = (
        Histogram("momask", "original", [0, 5, 2]),
        Histogram("momask", "lcr", [0, 0, 4]),
    )
    longer = Histogram("momask", "original", [0, 5, 2, *[0] * 500])
    more = Histogram("momask", "lcr", [0, 0, 4, *[0] * 500])
    assert plots.histogram(before, after) == plots.histogram(longer, more)


def test_every_pose_of_a_strip_is_drawn():
    rng = np.random.default_rng(0)
    poses = rng.integers(0, 200, (3, 22, 3)).tolist()
    one = plots.stick_strip(Strip("momask", "lcr", "walks", poses[:1]), CHAINS)
    three = plots.stick_strip(Strip("momask", "lcr", "walks", poses), CHAINS)
    assert three.count("<path") > 2 * one.count("<path")


def test_without_the_libraries_the_run_does_not_begin(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(
        PlacidError, match=r"jinja2 and matplotlib.*pip install \.\[eval\]"
    ) as error:
        html.check_libraries()
    assert error.value.code == "missing_library"
