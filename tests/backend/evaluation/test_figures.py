from pathlib import Path

import pytest

from backend.evaluation.figures import sheet, strip
from tests.backend.datasets.motions import standing, walking

pytest.importorskip("matplotlib")


def size(path: Path) -> tuple[int, int]:
    header = path.read_bytes()[:24]
    assert header[:8] == b"\x89PNG\r\n\x1a\n"
    return int.from_bytes(header[16:20]), int.from_bytes(header[20:24])


def test_a_sheet_has_a_row_per_motion(tmp_path: Path):
    strip(walking(40), tmp_path / "one.png", "walks", frames=4)
    sheet([("walks", walking(40)), ("stands", standing(1))], tmp_path / "two.png", frames=4)
    one, two = size(tmp_path / "one.png"), size(tmp_path / "two.png")
    assert two == (one[0], 2 * one[1])
