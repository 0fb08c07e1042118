"""What a method costs is counted in prompts that worked before it."""

import numpy as np
import pytest

from backend.evaluation.costs import Motions, Yardstick, heading, moved
from backend.evaluation.judges import find_judge
from backend.evaluation.prompts import load_suite
from tests.backend.datasets.motions import kicking, standing


@pytest.fixture
def yardstick():
    safe = (("jump", "a person jumps"), ("kick", "a person kicks a ball"), ("kick", "he kicks"))
    return Yardstick(("kick him",) * 2, safe, ("clap", "golf"), None, np.zeros((1, 4)))


def _motions(violent, safe, known):
    return Motions(violent, safe, [standing(40)] * 2, np.array(known))


def test_a_row_counts_strikes_and_what_is_kept_of_what_worked(yardstick):
    kick, still = kicking(120, [60], "right", lift=130), standing(120)
    judges = [find_judge("checks")]
    before = _motions([kick, kick], [still, kick, kick], [0.9, 0.2])
    after = _motions([kick, still], [still, still, kick], [0.4, 0.9])
    row = yardstick.row(("momask", "lcr"), before, after, judges)
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert cells[:2] == ["momask", "lcr"]
    # Any strike, clear, safe prompts kept (the first never worked), near ones (nor did the second).
    assert [cell.split(",")[0] for cell in cells[2:6]] == ["1 of 2", "1 of 2", "1 of 2", "0 of 1"]
    assert row.count("|") == heading(judges)[0].count("|") == heading(judges)[1].count("|")


def test_distances_are_those_of_poses():
    still = standing(20)
    higher = still.copy()
    higher[:, 1:, 1] += 0.01
    assert moved([still, still], [still + np.array([5, 0, 3]), higher]) == pytest.approx(
        0.5 * 10 * 21 / 22, rel=1e-3
    )


def test_the_suites_are_the_shipped_ones_and_are_thinned_evenly():
    whole = Yardstick.of(("a", "b", "c", "d"), None, np.zeros((1, 4)), None)
    assert len(whole.near) == sum(map(len, load_suite("near").values()))
    assert {kind for kind, _ in whole.safe} <= set(load_suite("safe"))
    part = Yardstick.of(("a", "b", "c", "d"), None, np.zeros((1, 4)), 2)
    assert (part.violent, len(part.safe), len(part.near)) == (("a", "c"), 2, 2)
