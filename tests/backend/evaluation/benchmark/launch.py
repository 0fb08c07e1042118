"""Starting the tiny program."""

import subprocess
import sys
from pathlib import Path
from unittest import mock

import torch
from command_line import run_backend
from tiny import TINY

from backend.evaluation.benchmark.protocols import PROTOCOLS

PROGRAM = Path(__file__).parent / "program.py"
CHECKOUT = Path(__file__).parents[4]


def _command(*arguments: object) -> list[str]:
    """The command line of the program."""
    return [sys.executable, str(PROGRAM), "eval", *map(str, arguments)]


def start(*arguments: object) -> subprocess.Popen[str]:
    """Start the program in a session of its own; a test may kill it, or all of the session."""
    return subprocess.Popen(
        _command(*arguments),
        cwd=CHECKOUT,
        env={"PYTHONPATH": str(CHECKOUT), "OMP_NUM_THREADS": "1", "PATH": "/usr/bin:/bin"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def finish_program(*arguments: object) -> tuple[int, str]:
    """Run the program to its end: exit code and everything it printed."""
    program = start(*arguments)
    printed, _ = program.communicate(timeout=900)
    return program.returncode, printed


def finish(*arguments: object) -> tuple[int, str]:
    """Run the same in this process, which is faster; the last bits of its figures may differ."""
    threads = torch.get_num_threads()
    try:
        with mock.patch.dict(PROTOCOLS, {"tiny": TINY}):
            code, output, errors = run_backend("eval", *arguments)
    finally:
        torch.set_num_threads(threads)
    return code, output + errors


def options(data: Path, out: Path) -> list[object]:
    """The options of the tiny run."""
    return ["--protocol", "tiny", "--data", data, "--out", out, "--methods", "uce"]
