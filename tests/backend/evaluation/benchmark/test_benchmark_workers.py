"""`backend eval run --workers`: however many there are, and killed or not, it is the same table."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from launch import finish, options, start

pytest.importorskip("ray", reason="Ray is an extra")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="processes are looked for in /proc"),
]
PATIENCE = 900.0
EVERY = ("--workers", 4)


def workers_of(program: subprocess.Popen[str]) -> list[int]:
    """The processes below a program in which Ray makes a shard at this moment."""
    above, names = dict[int, int](), dict[int, bytes]()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            stat, name = (folder / "stat").read_text(), (folder / "cmdline").read_bytes()
        except OSError:  # it ended meanwhile
            continue
        above[int(folder.name)] = int(stat.rpartition(")")[2].split()[1])
        names[int(folder.name)] = name
    family = [program.pid]
    for pid in family:
        family += [child for child, parent in above.items() if parent == pid]
    return [pid for pid in family if names.get(pid, b"").startswith(b"ray::_make")]


def wait_until(condition: Callable[[], object], program: subprocess.Popen[str]) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert program.poll() is None, program.communicate()[0]
        assert time.monotonic() < end
        time.sleep(0.02)


def made(folder: Path) -> dict[str, int]:
    """The finished shards, and when each was written."""
    return {path.name: path.stat().st_mtime_ns for path in (folder / "shards").glob("[!.]*")}


def half_way(data: Path, out: Path, run: Path) -> subprocess.Popen[str]:
    """A run with four workers of which half the shards are made, and some are being made."""
    program = start("run", *options(data, out), *EVERY)
    wait_until(lambda: len(made(out)) >= len(made(run)) // 2, program)
    wait_until(lambda: workers_of(program), program)
    return program


def test_four_workers_of_which_one_is_killed_give_one_workers_table(
    run: Path, data: Path, tmp_path: Path
) -> None:
    program = half_way(data, tmp_path, run)
    kept = made(tmp_path)
    victim = workers_of(program)[0]
    os.kill(victim, signal.SIGKILL)
    printed, _ = program.communicate(timeout=PATIENCE)
    assert program.returncode == 0, printed
    after = made(tmp_path)
    assert after.keys() == made(run).keys()
    assert {name: after[name] for name in kept} == kept
    assert (tmp_path / "results.json").read_bytes() == (run / "results.json").read_bytes()


def test_a_cluster_that_is_not_there_is_named(data: Path, tmp_path: Path) -> None:
    code, printed = finish("run", *options(data, tmp_path), "--ray-address", "auto")
    assert code == 1
    assert "Ray cannot be used at auto" in printed
    assert "Traceback" not in printed
