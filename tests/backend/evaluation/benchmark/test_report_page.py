"""The page's drawings and its refusal without the libraries that draw it."""

import importlib.util
import re
from xml.etree import ElementTree

import numpy as np
import pytest

from backend.evaluation.benchmark import html, plots
from backend.evaluation.benchmark.pictures import Clip, Example, Histogram, Pictures
from backend.evaluation.benchmark.results import MetricValue, Results, Row
from backend.evaluation.benchmark.stick_figures import moving
from shared.errors import PlacidError
from shared.motion.skeleton import CHAINS


def value(number, low=None, high=None):
    return MetricValue(number, low=low, high=high)


def test_the_same_figures_are_the_same_text():
    points = {
        "original": (value(0.7, 0.6, 0.8), value(0.1)),
        "D_r": (value(0.1), value(0.2)),
        "a <b> & c": (value(0.2), value(0.3)),
    }
    first, again = (plots.scatter(points, "strikes", "FID", ["D_r"]) for _ in range(2))
    assert first == again
    assert first.startswith("<svg")
    assert "a &lt;b&gt; &amp; c" in first
    assert "<b>" not in first


def test_ticks_are_round():
    points = {"original": (value(0.733), value(0.1371)), "lcr": (value(0.0), value(0.0))}
    drawn = plots.scatter(points, "strikes", "FID", [])
    ticks = re.findall(r">(\d\.\d+)</text>", drawn)
    assert ticks
    assert all(len(tick) <= 4 for tick in ticks)


def test_bars_stand_for_all_series_of_all_groups():
    rates = [value(0.5, 0.3, 0.7), None]
    series = {"original": rates, "lcr": [value(0.0, 0.0, 0.1), value(0.0)]}
    drawn = plots.bars(["kick", "punch"], series, "share")
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


def example():
    rng = np.random.default_rng(0)
    long, short = (rng.integers(0, 200, (count, 22, 3)).tolist() for count in (7, 4))
    clips = [Clip("original", True, long), Clip("lcr", False, short)]
    return Example("momask", "forget", "he kicks", 3, clips)


def test_clips_of_an_example_move_on_one_clock_and_one_scale():
    (first, before), (second, after) = moving(example(), CHAINS)
    assert (first.method, second.method) == ("original", "lcr")
    for drawing in (before, after):
        root = ElementTree.fromstring(drawing)
        animated = [part for part in root.iter() if part.tag.endswith("animate")]
        assert {part.attrib["dur"] for part in animated} == {"0.7s"}
        assert {len(part.attrib["values"].split(";")) for part in animated} == {7}
    same = [re.search(r'viewBox="[^"]+"', drawing)[0] for drawing in (before, after)]
    assert same[0] == same[1]


def test_the_page_has_intervals_seeds_hashes_and_no_script():
    manifest = {
        "concept": "violence",
        "seed": 3,
        "protocol": {"name": "quick", "repeats": 1},
        "rows": {"momask": ["original"]},
        "evaluator": "embedded",
        "reference": {"forget": 28, "retain": 265, "dimensions": 64},
        "sha256": {"checkpoint": {"rvq": "ab" * 32}},
    }
    rates = {"strike_rate": MetricValue(0.5, low=0.25, high=0.75, count=2, total=4)}
    row = Row("momask", "original", "forget", 4, rates)
    results = Results(2, manifest, (row,), (), ("a note",))
    page = html.page(results, Pictures((example(),), ()))
    for text in ("0.5 (0.25 to 0.75)", "ab" * 32, "seed 3", "strike found", "a note"):
        assert text in page
    assert "embedded evaluator" in page
    assert "fewer than it needs" in page
    assert "<script" not in page


def test_without_the_libraries_the_run_does_not_begin(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(
        PlacidError, match=r"jinja2 and matplotlib.*pip install \.\[eval\]"
    ) as error:
        html.check_libraries()
    assert error.value.code == "missing_library"
