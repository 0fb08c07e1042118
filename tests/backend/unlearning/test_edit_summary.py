"""What an edit changed, in words."""

from pathlib import Path

import pytest

from backend.unlearning.edit import Edit
from backend.unlearning.summary import summarise

EDITS = Path(__file__).parents[3] / "backend" / "assets" / "edits"


@pytest.mark.parametrize("path", sorted(EDITS.glob("*.safetensors")), ids=lambda path: path.stem)
def test_every_shipped_edit_says_what_it_changed(path: Path) -> None:
    edit = Edit.load(path)
    lines = summarise([edit])
    assert len(lines) == len({patch.network for patch in edit.patches})
    assert all(line.startswith(f"{edit.concept}: ") for line in lines)
    if edit.method == "lcr":
        codes = sum(len(patch.rows) for patch in edit.patches if patch.rows is not None)
        assert f"{codes} motion codes" in lines[0]


def test_nothing_was_changed_without_an_edit() -> None:
    assert summarise([]) == []
