"""The benchmark for scripts: configurations and the function."""

from pathlib import Path
from unittest import mock

import msgspec
import pytest
import torch
from tiny import TINY

from backend.evaluation import EvaluationConfig, evaluate, load_config
from backend.evaluation.benchmark.protocols import PROTOCOLS
from backend.evaluation.benchmark.results import FORMAT_VERSION, Results
from shared.errors import PlacidError


def test_a_file_has_the_fields_and_options_go_before_it(tmp_path: Path) -> None:
    path = tmp_path / "row.toml"
    path.write_text('protocol = "full"\nseed = 3\nmethods = ["uce"]\nsuites = ["forget"]\n')
    config = load_config(path)
    assert (config.protocol, config.seed, config.methods) == ("full", 3, ("uce",))
    changed = config.changed(seed=4, methods=(), repeats=None, limit=9)
    assert (changed.seed, changed.methods, changed.limit) == (4, ("uce",), 9)
    request = changed.request()
    assert request.protocol.prompts == 9
    assert request.protocol.suites == ("forget",)


@pytest.mark.parametrize(
    ("content", "answer"),
    [
        ('protocoll = "full"', "protocoll"),
        ("seed = 'three'", "seed"),
        ("= 3", "row.toml"),
        (None, "row.toml"),
    ],
)
def test_a_wrong_file_is_answered_in_a_sentence(
    tmp_path: Path, content: str | None, answer: str
) -> None:
    path = tmp_path / "row.toml"
    if content is not None:
        path.write_text(content)
    with pytest.raises(PlacidError, match=answer) as caught:
        load_config(path)
    assert caught.value.code == "bad_config"


def test_settings_that_cannot_be_are_named() -> None:
    with pytest.raises(PlacidError, match="repeats is 0"):
        EvaluationConfig(repeats=0).request()
    with pytest.raises(PlacidError, match="needs a --seed"):
        EvaluationConfig(protocol="full").request()
    assert EvaluationConfig(protocol="safemo").request().seed == 10


def test_every_committed_configuration_can_be_read() -> None:
    files = sorted((Path(__file__).parents[4] / "docs" / "results").rglob("*.toml"))
    assert files
    for path in files:
        load_config(path).request()


def test_committed_results_are_those_of_their_configuration() -> None:
    """A folder's results were made with the settings that its run.toml names."""
    for path in sorted((Path(__file__).parents[4] / "docs" / "results").rglob("results.json")):
        results = msgspec.json.decode(path.read_bytes(), type=Results)
        config = load_config(path.parent / "run.toml")
        protocol = config.request().protocol
        assert results.version == FORMAT_VERSION
        assert results.manifest["protocol"]["name"] == protocol.name
        assert results.manifest["protocol"]["repeats"] == protocol.repeats
        assert results.manifest["protocol"]["prompts"] == protocol.prompts
        assert results.manifest["seed"] == (config.seed or 0)
        assert results.manifest["sha256"]["checkpoint"]


def test_a_script_gets_the_results(data: Path, tmp_path: Path) -> None:
    threads = torch.get_num_threads()
    told: list[Path] = []
    try:
        with mock.patch.dict(PROTOCOLS, {"tiny": TINY}):
            results = evaluate(
                EvaluationConfig(protocol="tiny", data=str(data), models=("momask",)),
                tmp_path / "run",
                announce=lambda prepared, folder: told.append(folder),
                suites=("forget", "retain"),
                methods=("uce",),
                repeats=1,
            )
    finally:
        torch.set_num_threads(threads)
    assert {(row.method, row.suite) for row in results.rows} == {
        (method, suite) for method in ("original", "uce") for suite in ("forget", "retain")
    }
    assert told == [tmp_path / "run"]
    assert (tmp_path / "run" / "report.html").is_file()
