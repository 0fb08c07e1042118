"""Where the extension keeps what it writes: only in its own user folder."""

from pathlib import Path

import bpy

# Of the extension itself, which Blender knows its preferences and its folder by.
PACKAGE = __package__.rpartition(".")[0]


def user_folder() -> Path:
    """The extension's own folder for files, made on demand."""
    return Path(bpy.utils.extension_path_user(PACKAGE, create=True))


def source_folder() -> Path:
    """Where the packages `backend` and `shared` lie: the extension itself."""
    return Path(__file__).parents[1]


def environment_folder() -> Path:
    """The backend's virtual environment, made by the set-up."""
    return user_folder() / "environment"


def requirements_path() -> Path:
    """The pinned libraries that the set-up installs."""
    return source_folder() / "backend" / "requirements.txt"


def backend_log() -> Path:
    """What the backend process writes."""
    return user_folder() / "backend.log"


def setup_log() -> Path:
    """What the set-up of the backend's environment writes."""
    return user_folder() / "setup.log"


def film_log() -> Path:
    """What the Blender without a window says that films a batch."""
    return user_folder() / "films.log"
