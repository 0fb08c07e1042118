"""The mark of an environment that the set-up finished, for those who use it."""

import hashlib
from pathlib import Path
from typing import Final

MARK: Final = "complete"
_FOR_TESTS: Final = "requirements-dev.txt"


def is_complete(folder: Path, requirements: Path) -> bool:
    """Whether the environment was finished with exactly these requirements."""
    try:
        return (folder / MARK).read_text() == digest(requirements)
    except OSError:
        return False


def digest(requirements: Path) -> str:
    """Of all lists of libraries: a change in any asks for a new environment."""
    lists = sorted(requirements.parent.glob("requirements*.txt"))
    contents = (path.read_bytes() for path in lists if path.name != _FOR_TESTS)
    return hashlib.sha256(b"\0".join(contents)).hexdigest()
