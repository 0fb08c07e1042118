"""Which rows a run has, with several runs of D_r among the edits."""

import shutil
from pathlib import Path

import pytest

from backend.assets import ASSETS
from backend.evaluation.benchmark.cells import cell, difference_cell, label
from backend.evaluation.benchmark.results import Difference, MetricValue, Results, Row
from backend.evaluation.benchmark.rows import is_d_r, methods_of
from backend.evaluation.benchmark.tables import report_tables
from backend.unlearning.concept import find_concept
from backend.unlearning.edit_store import EditStore
from shared.errors import PlacidError


def test_d_r_is_one_recipe_with_several_runs(tmp_path: Path) -> None:
    shipped = ASSETS / "edits" / "momask-uce-violence.safetensors"
    for name in ("violence", "violence_seed1", "violence_seed2", "kick_seed1"):
        shutil.copy(shipped, tmp_path / f"momask-retrain-{name}.safetensors")
    rows = methods_of((), EditStore((tmp_path,)), "momask", find_concept("violence"))
    assert [row for row in rows if is_d_r(row)] == ["retrain", "retrain-seed1", "retrain-seed2"]
    assert {"lcr", "uce", "rece", "lcr+uce", "token_guard", "lcr+token_guard"} <= set(rows)
    assert [label(row) for row in ("retrain", "retrain-seed2", "lcr")] == [
        "D_r",
        "D_r, seed2",
        "lcr",
    ]
    asked = methods_of(
        ("original", "retrain-seed2", "uce"), EditStore(()), "momask", find_concept("kick")
    )
    assert asked == ["retrain-seed2", "uce"]
    with pytest.raises(PlacidError, match="did you mean 'token_guard'"):
        methods_of(("token_gard",), EditStore(()), "momask", find_concept("kick"))


def test_runs_of_d_r_have_a_mean_and_a_spread() -> None:
    manifest = {
        "protocol": {"repeats": 1},
        "evaluator": "embedded",
        "reference": {"forget": 28, "retain": 265, "dimensions": 64},
        "sha256": {"suites": {}},
    }
    values = {"original": 0.6, "retrain": 0.0, "retrain-seed1": 0.1, "retrain-seed2": 0.05}
    rows = tuple(
        Row("momask", name, "forget", 60, {"strike_rate": MetricValue(value)})
        for name, value in values.items()
    )
    [strikes, *_] = report_tables(Results(2, manifest, rows, (), ()))
    assert strikes.rows[-1] == ("momask", "D_r, 3 runs", "0.05, runs 0 to 0.1")
    assert (
        "28 real motions, fewer than it needs"
        in report_tables(Results(2, manifest, rows, (), ()))[0].note
    )


def test_cells_say_what_is_known() -> None:
    full = MetricValue(0.5, 0.01, 0.4, 0.6, to_d_r=0.25)
    assert cell(full) == "0.5 ± 0.01 (0.4 to 0.6) [0.25]"
    assert cell(MetricValue(0.5)) == "0.5"
    assert cell(MetricValue(None)) == cell(None) == "-"
    assert difference_cell(Difference(-0.2, -0.3, -0.1)) == "-0.2* (-0.3 to -0.1)"
    assert difference_cell(Difference(0.0, -0.1, 0.1)) == "+0 (-0.1 to +0.1)"
    assert difference_cell(Difference(0.1)) == "+0.1"
