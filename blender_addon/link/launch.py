"""Which Python runs the backend, whether it is there, and how the backend is started.

The instant backend runs in Blender's own Python with what the extension carries. The Full Backend
runs in an environment with PyTorch: one that the set-up makes, or one that exists.
"""

import os
import platform
import sys
from pathlib import Path

import bpy
import msgspec
import numpy as np
import zmq

from ..shared.environments import environment_python
from ..shared.errors import PlacidError
from . import paths
from .backend_process import BackendProcess, backend_command
from .made_environment import is_complete

IN_PREFERENCES = "in Placid's preferences"


def preferences():
    """The extension's preferences."""
    return bpy.context.preferences.addons[paths.PACKAGE].preferences


def disabled_reason(where: str = IN_PREFERENCES) -> str:
    """Why the backend cannot be started, in one sentence; empty when it can.

    Args:
        where: the buttons of the preferences are, as seen from where the sentence is read.
    """
    try:
        backend_python(where)
    except PlacidError as error:
        return error.message[:1].upper() + error.message[1:]
    return ""


def backend_python(where: str = IN_PREFERENCES) -> Path:
    """The Python that runs the backend. Raises PlacidError `backend_missing`; see
    `disabled_reason`."""
    chosen = preferences().python_path
    if chosen:
        python = Path(bpy.path.abspath(chosen))
        if not python.is_file():
            raise PlacidError(
                "backend_missing",
                f"the backend's Python {python} does not exist; correct it {where}",
            )
        return python
    if is_instant():
        return Path(sys.executable)
    if not has_environment():
        raise PlacidError(
            "backend_missing",
            f"the Full Backend is not set up yet; press Set Up Full Backend {where}, or switch it "
            "off there",
        )
    return environment_python(paths.environment_folder())


def offers_full_backend() -> bool:
    """Whether the extension can set up the Full Backend: its build for Blender's extension platform
    carries neither the list of libraries nor the code that installs them."""
    return paths.requirements_path().is_file()


def has_pytorch() -> bool:
    """Whether PyTorch is made for this system: for Macs with Intel processors it is not."""
    return not (sys.platform == "darwin" and platform.machine() == "x86_64")


def has_environment() -> bool:
    """Whether the set-up has made the Full Backend's environment."""
    return is_complete(paths.environment_folder(), paths.requirements_path())


def is_instant() -> bool:
    """Whether the backend runs in Blender's own Python."""
    chosen = preferences()
    return not chosen.python_path and not (chosen.full_backend and offers_full_backend())


def search_path() -> str:
    """PYTHONPATH of the backend: the extension and, in Blender's own Python, its libraries.

    Blender puts the libraries of extensions where only Blender itself looks.
    """
    folders = [paths.source_folder()]
    if is_instant():
        folders += [Path(module.__file__).parents[1] for module in (zmq, msgspec, np)]
    return os.pathsep.join(dict.fromkeys(map(str, folders)))


def launch() -> BackendProcess:
    """Start the backend as the preferences say.

    Raises:
        PlacidError: `backend_missing`, `bad_checkpoint` or `not_writable`.
    """
    chosen = preferences()
    command = backend_command(backend_python(), paths.backend_log())
    command += ["--log-level", chosen.log_level]
    if chosen.device != "auto":
        command += ["--device", chosen.device]
    if chosen.checkpoints:
        folder = Path(bpy.path.abspath(chosen.checkpoints))
        if not folder.is_dir():
            raise PlacidError(
                "bad_checkpoint",
                f"the checkpoint folder {folder} does not exist; correct it in the preferences, or "
                "leave it empty for the embedded model",
            )
        command += ["--checkpoints", str(folder)]
        if bpy.app.online_access and offers_full_backend():
            command.append("--allow-download")
    return BackendProcess(command, search_path(), paths.backend_log())
