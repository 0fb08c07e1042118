"""`backend eval run --workers`: however many there are, and killed or not, it is the same table."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest
from launch import finish_program, options, start

pytest.importorskip("ray", reason="Ray is an extra")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="processes are looked for in /proc"),
]
PATIENCE = 900.0
EVERY: Final = ("--workers", 4)


def processes_of(program: subprocess.Popen[str]) -> dict[int, bytes]:
    """The living processes of a program, itself and what Ray began for it, and their names."""
    found = dict[int, bytes]()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            stat, name = (folder / "stat").read_text(), (folder / "cmdline").read_bytes()
        except OSError:  # it ended meanwhile
            continue
        state, _, _, session, *_ = stat.rpartition(")")[2].split()
        # The program leads a session, which its processes stay in when it dies before them.
        if int(session) == program.pid and state not in "ZX":
            found[int(folder.name)] = name
    return found


def workers_of(program: subprocess.Popen[str]) -> list[int]:
    """The processes of a program in which Ray makes a shard at this moment."""
    return [pid for pid, name in processes_of(program).items() if name.startswith(b"ray::_make")]


def wait_until(condition: Callable[[], object], program: subprocess.Popen[str]) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert program.poll() is None, program.communicate()[0]
        assert time.monotonic() < end
        time.sleep(0.02)


def made(folder: Path) -> dict[str, tuple[int, int]]:
    """The finished shards, and when each was written as which file of the disk."""
    files = [(path.name, path.stat()) for path in (folder / "shards").glob("[!.]*")]
    return {name: (stat.st_mtime_ns, stat.st_ino) for name, stat in files}


def under_way(data: Path, out: Path, run: Path, share: float) -> subprocess.Popen[str]:
    """A run with four workers of which a share of the shards is made, and some are being made."""
    program = start("run", *options(data, out), *EVERY)
    wait_until(lambda: len(made(out)) >= share * len(made(run)), program)
    wait_until(lambda: workers_of(program), program)
    return program


def test_four_workers_of_which_one_is_killed_give_one_workers_table(
    run: Path, data: Path, tmp_path: Path
) -> None:
    program = under_way(data, tmp_path, run, 0.5)
    kept = made(tmp_path)
    victim = workers_of(program)[0]
    os.kill(victim, signal.SIGKILL)
    printed, _ = program.communicate(timeout=PATIENCE)
    assert program.returncode == 0, printed
    after = made(tmp_path)
    assert after.keys() == made(run).keys()
    assert {name: after[name] for name in kept} == kept
    assert (tmp_path / "results.json").read_bytes() == (run / "results.json").read_bytes()


@pytest.mark.parametrize(
    ("share", "alone"),
    [
        pytest.param(0.05, False, id="everything, soon"),
        pytest.param(0.7, False, id="everything, late"),
        pytest.param(0.4, True, id="the command alone"),
    ],
)
def test_a_killed_run_over_ray_resumes_to_the_identical_table(
    run: Path, data: Path, tmp_path: Path, share: float, alone: bool
) -> None:
    killed = under_way(data, tmp_path, run, share)
    victims = processes_of(killed)
    assert len(victims) > 1 + EVERY[1]  # Ray's own processes besides the workers
    for pid in [killed.pid] if alone else victims:
        with contextlib.suppress(ProcessLookupError):  # it ended with the one before
            os.kill(pid, signal.SIGKILL)
    killed.wait()
    kept = made(tmp_path)
    assert 0 < len(kept) < len(made(run))
    assert not (tmp_path / "results.json").exists()
    # At once: what the first run may have left must not be in the second one's way.
    code, printed = finish_program("run", *options(data, tmp_path), *EVERY)
    assert code == 0, printed
    assert not processes_of(killed)
    after = made(tmp_path)
    assert after.keys() == made(run).keys()
    assert {name: after[name] for name in kept} == kept
    assert (tmp_path / "results.json").read_bytes() == (run / "results.json").read_bytes()


def test_a_cluster_that_is_not_there_is_named(data: Path, tmp_path: Path) -> None:
    code, printed = finish_program("run", *options(data, tmp_path), "--ray-address", "auto")
    assert code == 1
    assert "Ray cannot be used at auto" in printed
    assert "Traceback" not in printed
