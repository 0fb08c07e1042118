"""Finds a Blender to film with, and starts it."""

import shutil
from pathlib import Path
from typing import Final

from shared.environments import environment_python
from shared.errors import PlacidError
from shared.filming.process import RenderProcess, worker_command

_SOURCE: Final = Path(__file__).parents[2]
# Where `build.py` puts Blender as a Python module.
_BUILT: Final = Path(".placid") / "blender"


def start_blender(chosen: Path | None, log_path: Path) -> RenderProcess:
    """A process that films.

    Args:
        chosen: a Blender program, a Python that has bpy, or the folder of its environment; None
            takes what `build.py` made, else the `blender` that the shell would start.
        log_path: takes Blender's own talk.

    Raises:
        PlacidError: `no_blender`.
    """
    folders = addon_folders()
    program = find_blender(chosen)
    is_python = program.stem.lower().startswith("python")
    return RenderProcess(worker_command(program, is_python, folders), log_path)


def find_blender(chosen: Path | None) -> Path:
    """The program to start; see `start_blender`. Raises PlacidError `no_blender`."""
    if chosen is not None:
        program = environment_python(chosen) if chosen.is_dir() else chosen
        if not program.is_file():
            raise PlacidError(
                "no_blender",
                f"{program} does not exist; give --blender Blender's program or a Python with bpy",
            )
        return program.absolute()
    for folder in (Path.cwd() / _BUILT, _SOURCE / _BUILT):
        if (program := environment_python(folder)).is_file():
            return program
    if found := shutil.which("blender"):
        return Path(found)
    raise PlacidError(
        "no_blender",
        "there is no Blender to film with; install it, or give --blender its program or a Python "
        "that has bpy, or leave --render out and keep the motions",
    )


def addon_folders() -> list[Path]:
    """Where the add-on's modules and the package `shared` lie: in a checkout, or an extension.

    Raises:
        PlacidError: `no_blender` for a backend that was installed without the add-on.
    """
    for folder in (_SOURCE, _SOURCE / "blender_addon"):
        if (folder / "blender_manifest.toml").is_file():
            return [folder, _SOURCE]
    raise PlacidError(
        "no_blender",
        f"the add-on's source is not beside the backend in {_SOURCE}; run the backend from a "
        "checkout of Placid or from its extension's folder",
    )
