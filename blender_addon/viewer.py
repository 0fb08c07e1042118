"""Files and folders in the system's own programs."""

import os
import subprocess
import sys
from pathlib import Path

from .shared.errors import PlacidError


def open_in_system(path: Path) -> None:
    """Show a file or a folder. Raises PlacidError `no_viewer`.

    Blender's own operator reports success even where there is nothing to open with.
    """
    try:
        if sys.platform == "win32":
            os.startfile(path)
        else:
            program = "open" if sys.platform == "darwin" else "xdg-open"
            subprocess.run([program, path], check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        kind = "folders" if path.is_dir() else "files"
        raise PlacidError("no_viewer", f"the system opens no {kind} here; it is {path}") from error
