"""The folder of what ships with the backend beside its code: weights, edits, wordings, tables."""

import os
import sys
from pathlib import Path
from typing import Final

ASSETS: Final = Path(__file__).parent


def user_data_folder() -> Path:
    """Where the user's own edits and statistics for the embedded model lie; it need not exist.

    The folder that the library platformdirs names, which Blender's Python does not have.
    """
    if sys.platform == "win32":
        local = os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local"
        return Path(local) / "placid" / "placid"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "placid"
    data = os.environ.get("XDG_DATA_HOME", "").strip() or Path.home() / ".local" / "share"
    return Path(data) / "placid"
