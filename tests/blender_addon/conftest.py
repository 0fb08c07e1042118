"""The add-on as Blender runs it: staged into an extension repository of a throw-away profile."""

import atexit
import importlib
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

CHECKOUT = Path(__file__).parents[2]
WALKING_BACKEND = CHECKOUT / "tests" / "backend" / "serving" / "walking_backend.py"
MODULE = "bl_ext.user_default.placid"


# Blender reads its profile's place when it is imported, which the test modules do at once.
PROFILE = Path(tempfile.mkdtemp(prefix="placid-profile-"))
os.environ["BLENDER_USER_RESOURCES"] = str(PROFILE)
atexit.register(shutil.rmtree, PROFILE, ignore_errors=True)


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Let the process end with pytest's status.

    Blender as a module crashes (4.2) or never ends (4.5) at exit once Rigify was switched on.
    """
    bpy = sys.modules.get("bpy")
    if bpy is not None and "rigify" in bpy.context.preferences.addons:
        atexit.register(_leave, int(exitstatus))


def _leave(status: int) -> None:
    shutil.rmtree(PROFILE, ignore_errors=True)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


@pytest.fixture(scope="session")
def placid() -> Iterator[ModuleType]:
    """The enabled extension."""
    import bpy

    target = PROFILE / "extensions" / "user_default" / "placid"
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(CHECKOUT / "blender_addon", target, ignore=ignore)
    for name in ("shared", "backend"):
        shutil.copytree(CHECKOUT / name, target / name, ignore=ignore)
    assert bpy.ops.preferences.addon_enable(module=MODULE) == {"FINISHED"}
    for name in (
        "filming.render",
        "filming.stage",
        "filming.films",
        "link.environment",
        "character.sample_rigs",
    ):  # what the panel does not use
        importlib.import_module(f"{MODULE}.{name}")
    yield importlib.import_module(MODULE)
    bpy.ops.preferences.addon_disable(module=MODULE)


@pytest.fixture
def blank(placid: ModuleType) -> Iterator[ModuleType]:
    """The extension in an empty file, with no backend left over from another test."""
    import bpy

    bpy.ops.wm.read_homefile(use_empty=True)
    yield placid
    placid.core.runtime.unregister()


@pytest.fixture(scope="session")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimpleNamespace]:
    """The modules for rigs that need no Blender, with `shared` as an extension has it."""
    package = tmp_path_factory.mktemp("rig") / "rig_under_test"
    shutil.copytree(CHECKOUT / "shared", package / "shared")
    shutil.copytree(CHECKOUT / "blender_addon" / "rig", package / "rig")
    (package / "__init__.py").touch()
    sys.path.insert(0, str(package.parent))
    rooms = {
        "rig": ("binding", "blend", "curve_fit", "feet", "retarget", "smooth_fit"),
        "shared.recognition": ("bone_names", "detect", "mapping", "skeleton_rig"),
    }
    yield SimpleNamespace(
        **{
            name: importlib.import_module(f"rig_under_test.{room}.{name}")
            for room, names in rooms.items()
            for name in names
        }
    )
    sys.path.remove(str(package.parent))


@pytest.fixture(scope="session")
def walking_session(placid: ModuleType, tmp_path_factory) -> Iterator[object]:
    """A backend without weights for all tests that do not break it; see `walking_backend.py`."""
    session = _new_session(placid, tmp_path_factory.mktemp("backend"))
    yield session
    session.stop()


@pytest.fixture
def walking(blank: ModuleType, walking_session) -> Iterator[ModuleType]:
    """The extension in an empty file, with a backend without weights."""
    current = blank.core.runtime.get()
    current.session = walking_session
    blank.link.launch.preferences().python_path = sys.executable
    yield blank
    current.cancel()
    while current.job is not None:
        current.tick(0.05)
    current.session = blank.link.session.Session(lambda: None)
    blank.link.launch.preferences().python_path = ""


@pytest.fixture
def fresh_backend(blank: ModuleType, tmp_path: Path) -> Iterator[ModuleType]:
    """Like `walking`, with a backend of the test's own that it may break."""
    blank.core.runtime.get().session = _new_session(blank, tmp_path)
    blank.link.launch.preferences().python_path = sys.executable
    yield blank
    blank.link.launch.preferences().python_path = ""


def _new_session(placid: ModuleType, folder: Path):
    log = folder / "backend.log"
    command = [sys.executable, str(WALKING_BACKEND), "whole", str(log)]
    process = placid.link.backend_process.BackendProcess
    return placid.link.session.Session(lambda: process(command, CHECKOUT, log))
