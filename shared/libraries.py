"""Which lists of pinned libraries make the backend's environment on this system.

The extension's set-up and `build.py` install them with their hashes (`PIP_OPTIONS`): what is not
in a list, or is another file than was tested, is refused. The package index has PyTorch's CUDA
build for Linux, the processor's for Windows, and for Apple's computers the one with Metal; the
lists of the other two builds name PyTorch's own pages of files.
"""

import shutil
import sys
from pathlib import Path
from typing import Final

# Nothing is resolved and nothing is built: both could bring files that no list has.
PIP_OPTIONS: Final = ("--require-hashes", "--no-deps", "--only-binary=:all:")


def library_lists(requirements: Path, build: str = "auto") -> list[Path]:
    """The files to install from: `requirements` itself and lists beside it for PyTorch.

    Args:
        requirements: everything but PyTorch.
        build: of PyTorch: `auto`, `cpu` or `cuda`; Apple's computers have only one.
    """
    if build == "auto":
        build = "cuda" if shutil.which("nvidia-smi") else "cpu"
    names = {
        ("linux", "cpu"): ("torch-cpu",),
        ("linux", "cuda"): ("torch", "cuda"),
        ("win32", "cuda"): ("torch-cuda",),
    }.get((sys.platform, build), ("torch",))
    return [requirements, *(requirements.with_name(f"requirements-{name}.txt") for name in names)]


def count_libraries(lists: list[Path]) -> int:
    """How many libraries are named, those for other systems included."""
    lines = [line for path in lists for line in path.read_text(encoding="utf-8").splitlines()]
    return sum(line[:1].isalpha() for line in lines)
