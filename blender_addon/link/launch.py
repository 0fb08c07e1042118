"""Which environment runs the backend, whether it is there, and how the backend is started."""

from pathlib import Path

import bpy

from ..shared.errors import PlacidError
from . import paths
from .backend_process import BackendProcess, backend_command
from .environment import environment_python, is_complete

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
    folder = paths.environment_folder()
    if not is_complete(folder, paths.requirements_path()):
        raise PlacidError(
            "backend_missing",
            f"the backend is not set up yet; press Set Up Backend {where}",
        )
    return environment_python(folder)


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
        if bpy.app.online_access:
            command.append("--allow-download")
    return BackendProcess(command, paths.source_folder(), paths.backend_log())
