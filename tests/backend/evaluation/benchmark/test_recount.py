"""A run is counted again from what it kept: the same judge gives the same count."""

import json
from pathlib import Path

import msgspec
import numpy as np
import pytest
from launch import finish

from backend.evaluation.benchmark.recount import recount, recount_tables
from backend.evaluation.benchmark.results import Results
from backend.evaluation.benchmark.store import Store
from backend.evaluation.benchmark.worker import ShardName
from backend.evaluation.judges import Finding, Judge, Verdict, find_judge
from shared.errors import PlacidError


def long_ones(joints: np.ndarray) -> Verdict:
    """A strike is what is longer than 4 seconds: clear; than 2: softened."""
    tier = "clear" if len(joints) > 80 else "softened" if len(joints) > 40 else None
    return Verdict(() if tier is None else (Finding("long", tier, 0, 1, 1.0),), 0.0)


LONG = Judge("long", "for tests", lambda: "1", long_ones)


def test_the_judge_of_the_run_counts_what_the_run_counted(run: Path) -> None:
    results = msgspec.json.decode((run / "results.json").read_bytes(), type=Results)
    found = recount(Store(run), find_judge("checks"))
    clear = [count for count in found.counts if count.tier == "clear"]
    assert clear
    for count in clear:
        expected = results.metric(count.model, count.method, count.suite, "strike_rate")
        assert expected is not None
        assert count.count / count.total == pytest.approx(expected.value)
    assert {c.method for c in clear} == {row.method for row in results.rows}


def test_another_judge_gives_its_own_counts_with_differences(run: Path) -> None:
    found = recount(Store(run), LONG)
    for count in found.counts:
        # Every motion of the tiny run takes 4 seconds, or parts of a prompt make up 4.
        assert count.count == (count.total if count.tier == "softened" else 0)
        assert 0 <= count.low <= count.count / count.total <= count.high <= 1
    edited = [count for count in found.counts if count.method == "uce"]
    assert all(count.against_original is not None for count in edited)
    assert all(count.against_original.value == 0 for count in edited)
    clear, softened = recount_tables(found)
    assert "clear strikes, by the judge long" in clear.title
    assert len(clear.rows) == len(softened.rows) == len({(c.model, c.method) for c in found.counts})


def test_the_command_writes_its_counts_beside_the_results(run: Path) -> None:
    code, printed = finish("recount", run, "--judge", "checks")
    assert code == 0, printed
    written = json.loads((run / "recount-checks.json").read_bytes())
    assert written["judge_version"] == find_judge("checks").version()
    code, printed = finish("recount", run, "--judge", "cheks")
    assert code == 1
    assert "did you mean 'checks'" in printed


def test_a_run_keeps_edits_prompts_seeds_and_parameters(run: Path) -> None:
    manifest = json.loads((run / "protocol.json").read_bytes())
    for name, told in manifest["edits"].items():
        assert (run / "edits" / name).is_file()
        assert {"method", "parameters", "presets", "hash"} <= told.keys()
    prompts = json.loads((run / "prompts.json").read_bytes())
    forget = [prompt for prompt in prompts if prompt["suite"] == "forget"]
    assert len(forget) == 4
    assert all(len(prompt["seeds"]) == 2 and prompt["tokens"] > 0 for prompt in forget)
    assert len({seed for prompt in forget for seed in prompt["seeds"]}) == 8


def test_the_name_of_a_shard_says_what_is_in_it(tmp_path: Path) -> None:
    name = ShardName("momask", "lcr+uce", "over_blocking", 3, 11)
    assert ShardName.of(name.file) == name
    with pytest.raises(PlacidError, match="is no shard"):
        ShardName.of("notes.txt")
    (tmp_path / "protocol.json").write_text('{"seed": 0}')
    with pytest.raises(PlacidError, match="has no shards to count"):
        recount(Store(tmp_path), LONG)
