"""The folder of what ships with the backend beside its code: weights, edits, wordings, tables."""

from pathlib import Path
from typing import Final

ASSETS: Final = Path(__file__).parent
