"""Fixtures for every room."""

import importlib
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

# One thread a process, set before numpy and torch are loaded: results depend on the number, and
# tests run in several processes.
for library in ("OMP", "OPENBLAS", "MKL"):
    os.environ.setdefault(f"{library}_NUM_THREADS", "1")

CHECKOUT = Path(__file__).parent.parent
WALKING_BACKEND = CHECKOUT / "tests" / "backend" / "serving" / "walking_backend.py"
# The part of the add-on that runs without Blender.
ADDON_MODULES = ("client", "backend_process", "session")


SLOW_SECONDS = 3600


@pytest.hookimpl(tryfirst=True)  # pytest-xdist reads the groups in a hook of the same name
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give slow tests more time; keep the tests of a file, and of the benchmark, in one process."""
    for item in items:
        group = "benchmark" if "benchmark" in item.path.parts else str(item.path)
        item.add_marker(pytest.mark.xdist_group(group))
        if item.get_closest_marker("slow") and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(SLOW_SECONDS))


@pytest.fixture(scope="session")
def addon_package(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModuleType]:
    """The add-on's modules without bpy, staged as a package with its own copy of `shared`."""
    package = tmp_path_factory.mktemp("addon") / "placid"
    shutil.copytree(CHECKOUT / "shared", package / "shared")
    (package / "link").mkdir()
    for folder in (package, package / "link"):
        (folder / "__init__.py").touch()
    for name in ADDON_MODULES:
        file = Path("link", f"{name}.py")
        shutil.copy(CHECKOUT / "blender_addon" / file, package / file)
    sys.path.insert(0, str(package.parent))
    try:
        module = importlib.import_module("placid")
        for name in ADDON_MODULES:
            importlib.import_module(f"placid.link.{name}")
        yield module
    finally:
        sys.path.remove(str(package.parent))


@pytest.fixture(scope="session")
def launch_walking(addon_package: ModuleType) -> Callable[..., Any]:
    """Starts a backend that walks without weights, as the add-on starts the real one."""

    def launch(log_path: Path, how: str = "whole") -> Any:
        command = [sys.executable, str(WALKING_BACKEND), how, str(log_path)]
        return addon_package.link.backend_process.BackendProcess(command, CHECKOUT, log_path)

    return launch
