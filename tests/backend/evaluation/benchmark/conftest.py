"""One tiny run of the benchmark for all tests that only read it."""

from pathlib import Path

import pytest
from launch import finish_program, options
from tiny import write_evaluator


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a tiny evaluator."""
    folder = tmp_path_factory.mktemp("evaluator")
    write_evaluator(folder)
    return folder


@pytest.fixture(scope="session")
def run(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished run."""
    folder = tmp_path_factory.mktemp("run")
    code, printed = finish_program("run", *options(data, folder))
    assert code == 0, printed
    return folder
