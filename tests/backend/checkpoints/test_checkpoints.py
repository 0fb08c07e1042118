"""Placid's own checkpoints: the guidance scale that one may ask for, and its identity."""

import hashlib
import json
import shutil
from pathlib import Path

import pytest
from tiny_checkpoint import write_tiny_checkpoint

from backend.checkpoints.loading import load_checkpoint

GUIDANCES = (None, 2.5, 3.0)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[float | None, Path]:
    """Checkpoints of the same networks that ask for different guidance scales."""
    root = tmp_path_factory.mktemp("tiny")
    return {value: write_tiny_checkpoint(root / str(value), value) for value in GUIDANCES}


def test_guidance_comes_back(folders: dict[float | None, Path]) -> None:
    for value, folder in folders.items():
        assert json.loads((folder / "config.json").read_text())["guidance"] == value
        assert load_checkpoint(folder).guidance == value


def test_guidance_is_part_of_the_identity(folders: dict[float | None, Path]) -> None:
    loaded = {value: load_checkpoint(folder) for value, folder in folders.items()}
    for checkpoint in loaded.values():
        assert checkpoint.hashes == loaded[None].hashes
    assert len({checkpoint.hash for checkpoint in loaded.values()}) == len(GUIDANCES)
    assert load_checkpoint(folders[2.5]).hash == loaded[2.5].hash


def test_an_older_checkpoint_asks_for_none_and_stays_what_it_was(
    folders: dict[float | None, Path], tmp_path: Path
) -> None:
    folder = shutil.copytree(folders[None], tmp_path / "older")
    path = folder / "config.json"
    record = json.loads(path.read_text())
    del record["guidance"]
    path.write_text(json.dumps(record))
    checkpoint = load_checkpoint(folder)
    assert checkpoint.guidance is None
    files = {file.stem: file.read_bytes() for file in folder.glob("*.safetensors")}
    assert len(files) == 5
    lines = [f"{name} {hashlib.sha256(files[name]).hexdigest()}\n" for name in sorted(files)]
    assert checkpoint.hash == hashlib.sha256("".join(lines).encode()).hexdigest()
