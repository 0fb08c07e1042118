"""`backend eval run`: killed and resumed, refused after a change, over Ray, reported."""

import json
import re
import shutil
import time
from pathlib import Path

import msgspec
import pytest
from launch import finish, finish_program, options, start

from backend.evaluation.benchmark.results import Results


def results(folder: Path) -> Results:
    return msgspec.json.decode((folder / "results.json").read_bytes(), type=Results)


def test_a_run_measures_every_row_on_every_suite(run: Path) -> None:
    found = results(run)
    suites = {row.suite for row in found.rows}
    assert {
        "forget",
        "retain",
        "implicit",
        "misspellings",
        "adversarial",
        "over_blocking",
    } <= suites
    assert {row.method for row in found.rows} == {"original", "uce"}
    retain = found.figure("momask", "original", "retain", "fid_corrected")
    assert retain is not None
    assert retain > 0
    moved = found.figure("momask", "uce", "over_blocking", "moved_mm")
    assert moved is not None
    assert moved > 0


def test_a_killed_run_resumes_to_the_identical_table(run: Path, data: Path, tmp_path: Path) -> None:
    program = start("run", *options(data, tmp_path))
    shards = tmp_path / "shards"
    while not (shards.is_dir() and len(list(shards.glob("*.safetensors"))) >= 5):
        assert program.poll() is None
        time.sleep(0.05)
    program.kill()
    program.wait()
    assert not (tmp_path / "results.json").exists()
    made = {path.name: path.stat().st_mtime_ns for path in shards.glob("[!.]*")}
    code, printed = finish_program("run", *options(data, tmp_path))
    assert code == 0, printed
    assert {name: (shards / name).stat().st_mtime_ns for name in made} == made
    assert (tmp_path / "results.json").read_bytes() == (run / "results.json").read_bytes()


def test_resuming_with_anything_changed_is_refused(run: Path, data: Path) -> None:
    before = (run / "protocol.json").read_bytes()
    code, printed = finish("run", *options(data, run), "--seed", 3)
    assert code == 1
    assert "seed was 0, is 3" in printed
    assert "Traceback" not in printed
    assert (run / "protocol.json").read_bytes() == before


def test_another_evaluator_is_refused(run: Path, data: Path, tmp_path: Path) -> None:
    other = tmp_path / "data"
    shutil.copytree(data, other)
    content = (other / "reference.json").read_text()
    (other / "reference.json").write_text(content.replace("he sits down", "he sits"))
    code, printed = finish("run", *options(other, run))
    assert code == 1
    assert "sha256.split was" in printed


def test_a_preflight_writes_nothing(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "none"
    code, printed = finish("run", *options(data, out), "--preflight")
    assert code == 0, printed
    assert "shards" in printed
    assert not out.exists()


@pytest.mark.parametrize(
    ("arguments", "answer"),
    [
        (["--protocol", "ful"], "did you mean 'full'"),
        (["--protocol", "full"], "needs a --seed"),
        (["--methods", "lrc"], "did you mean 'lcr'"),
        (["--models", "momsk"], "did you mean 'momask'"),
        (["--concept", "violense"], "violence"),
        (["--data", "nowhere"], "--data nowhere does not exist; name a folder with motions"),
    ],
)
def test_wrong_names_are_answered_in_a_sentence(
    data: Path, arguments: list[str], answer: str
) -> None:
    code, printed = finish("run", "--data", data, *arguments)
    assert code == 1
    assert answer in printed
    assert "Traceback" not in printed


def test_the_report_is_written_again_from_the_results(run: Path) -> None:
    page = run / "report.html"
    first = page.read_text()
    page.unlink()
    code, printed = finish("report", run)
    assert code == 0, printed
    assert page.read_text() == first
    assert "D_r (published)" in printed
    # Self-contained: nothing is fetched.
    assert not re.search(r'(src|href)="http', first)
    assert first.count("<svg") >= 4


def test_the_list_names_everything() -> None:
    code, printed = finish("list")
    assert code == 0
    for name in ("quick", "full", "lcr", "over_blocking", "fid_published"):
        assert f"  {name}: " in printed


def test_the_protocol_file_has_the_hash_of_every_input(run: Path) -> None:
    hashes = json.loads((run / "protocol.json").read_text())["sha256"]
    assert {"checkpoint", "edits", "suites", "split", "statistics", "evaluator"} <= hashes.keys()
    assert all(re.fullmatch("[0-9a-f]{64}", value) for value in hashes["edits"].values())
    assert hashes["edits"]
