"""Virtual environments, as every part of Placid finds them."""

import os
from pathlib import Path


def environment_python(folder: Path) -> Path:
    """The Python of a virtual environment, whether it is there or not."""
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
