"""Names of files and takes made from prompts."""

import re
from typing import Final

_LONGEST: Final = 60


def file_name(prompt: str) -> str:
    """A prompt as a file name without suffix that every system accepts."""
    words = re.sub(r"[^a-z0-9]+", "-", prompt.lower())[:_LONGEST].strip("-")
    return words or "motion"
