"""The worked examples of docs/extending.md, each as the one new file that it says it is."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[1]
GUIDE = (CHECKOUT / "docs" / "extending.md").read_text(encoding="utf-8")
_EXAMPLE = re.compile(r"^`([\w./]+)`:\n\n```\w+\n(.*?)^```\n\n```python\n(.*?)^```$", re.M | re.S)
EXAMPLES = {path: (content, use) for path, content, use in _EXAMPLE.findall(GUIDE)}


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:  # another disk, or a system that has no links
        shutil.copyfile(source, target)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The code, without what needs Blender, and the files of all examples in their places."""
    folder = tmp_path_factory.mktemp("house")
    ignored = shutil.ignore_patterns("__pycache__")
    for room in ("backend", "shared"):
        shutil.copytree(CHECKOUT / room, folder / room, ignore=ignored, copy_function=_link)
    # In an installed extension, shared lies inside its package.
    shutil.copytree(CHECKOUT / "shared", folder / "blender_addon" / "shared", ignore=ignored)
    (folder / "blender_addon" / "__init__.py").touch()
    for path, (content, _) in EXAMPLES.items():
        assert not (folder / path).exists(), f"{path} is no new file"
        (folder / path).write_text(content, encoding="utf-8")
    return folder


def test_every_kind_of_thing_has_an_example():
    rooms = {str(Path(path).parent) for path in EXAMPLES}
    assert rooms >= {
        "backend/unlearning/methods",
        "backend/evaluation/judges",
        "backend/evaluation/metrics",
        "backend/kinematic_checks",
        "backend/datasets/readers",
        "shared/recognition/presets",
    }
    assert GUIDE.count("\n```\n\n```python\n") == len(EXAMPLES)


@pytest.mark.parametrize("path", EXAMPLES)
def test_an_example_works_as_one_new_file(house, path):
    _, use = EXAMPLES[path]
    answer = subprocess.run(
        [sys.executable, "-c", use],
        cwd=house,
        env={**os.environ, "PYTHONPATH": str(house)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert answer.returncode == 0, answer.stderr


def test_without_its_file_an_example_fails(house, tmp_path):
    """What the examples use really comes from their files."""
    for path, (_, use) in EXAMPLES.items():
        hidden = shutil.move(house / path, tmp_path / Path(path).name)
        answer = subprocess.run([sys.executable, "-c", use], cwd=house, capture_output=True)
        shutil.move(hidden, house / path)
        assert answer.returncode != 0, path
