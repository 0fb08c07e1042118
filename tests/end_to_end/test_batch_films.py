"""A table to films on the command line: the real backend and a real Blender, killed on the way."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from shared.batch.journal import JOURNAL

CHECKOUT = Path(__file__).parents[2]
BLENDER = CHECKOUT / ".placid" / "blender"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not BLENDER.is_dir(), reason="`build.py demo` makes Blender's environment"),
]


def _command(table: Path, out: Path) -> list[str]:
    return [
        *(sys.executable, "-m", "backend", "batch", str(table), "--render", str(out)),
        *("--size", "64x36", "--fps", "4", "--blender", str(BLENDER)),
    ]


def _keys(out: Path) -> list[str]:
    try:
        lines = (out / JOURNAL).read_text().split("\n")[:-1]
    except FileNotFoundError:
        return []
    return [json.loads(line)["key"] for line in lines]


def test_films_survive_a_kill_and_each_is_made_once(tmp_path: Path) -> None:
    table, out = tmp_path / "table.csv", tmp_path / "out"
    table.write_text(
        "prompt,seconds,takes,camera\na person walks,1,2,auto\na person waves,1,1,still\n"
    )
    process = subprocess.Popen(_command(table, out), cwd=CHECKOUT, stderr=subprocess.DEVNULL)
    while sum(key.startswith("film") for key in _keys(out)) < 1:
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    first = out / "a-person-walks-0.mp4"
    made = first.stat().st_mtime_ns
    done = subprocess.run(_command(table, out), cwd=CHECKOUT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    keys = _keys(out)
    assert len(keys) == len(set(keys)) == 3 + 3 + 2
    assert first.stat().st_mtime_ns == made
    assert sorted(path.name for path in out.glob("*.mp4")) == [
        "a-person-walks-0.mp4",
        "a-person-walks-1.mp4",
        "a-person-waves-0.mp4",
    ]
    assert len(list(out.glob("*-sheet.png"))) == 2
