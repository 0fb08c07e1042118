"""What the backend process and the Blender add-on must agree on: numpy and msgspec only."""

from typing import Final

VERSION: Final = "0.1.0"
